//! Whose a listed object is: its entity, found in its key by the templates of the graph.

use std::collections::HashMap;

use euterpe_actors::ids::StoreName;
use euterpe_actors::plan::{Mapping, NodePlan, Route};
use euterpe_actors::template::Template;
use xxhash_rust::xxh3::xxh3_64;

/// The templates of a graph, by store.
#[derive(Debug)]
pub struct Owners {
    outputs: HashMap<StoreName, Vec<OutputKey>>,
    sources: HashMap<StoreName, Vec<Template>>,
    /// The keys that are the sources of all entities.
    shared: HashMap<StoreName, Vec<String>>,
    /// By the index of the job: whether the key of a source of it does not tell its entity.
    elsewhere: Vec<bool>,
}

#[derive(Debug)]
struct OutputKey {
    template: Template,
    /// Whether works on other entities ask for it, or for what is made of it.
    for_others: bool,
}

/// Stands for an entity: a hash of its id.
pub fn tag(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}

/// By the index of a job, whether works on other entities ask for it, or for what is made of it.
fn for_others(plan: &NodePlan) -> Vec<bool> {
    let mut asked = vec![false; plan.jobs.len()];
    for input in plan.jobs.iter().flat_map(|job| &job.inputs) {
        if let Route::Job { job, entity: Mapping::To(_), .. } = &input.from {
            asked[job.0] = true;
            plan.job(*job).ancestors.iter().for_each(|above| asked[above.0] = true);
        }
    }
    asked
}

impl Owners {
    /// Those of a graph.
    pub fn of(plan: &NodePlan) -> Self {
        let mut outputs: HashMap<StoreName, Vec<OutputKey>> = HashMap::new();
        let mut sources: HashMap<StoreName, Vec<Template>> = HashMap::new();
        let mut shared: HashMap<StoreName, Vec<String>> = HashMap::new();
        let mut elsewhere = vec![false; plan.jobs.len()];
        let for_others = for_others(plan);
        for (at, input) in plan.jobs.iter().enumerate().flat_map(|(at, job)| job.inputs.iter().map(move |i| (at, i))) {
            match &input.from {
                Route::Source { store, key, .. } => match key.constant() {
                    Some(constant) => shared.entry(store.clone()).or_default().push(constant.to_owned()),
                    None if key.tells_id() => {
                        let known = sources.entry(store.clone()).or_default();
                        if !known.contains(key) {
                            known.push(key.clone());
                        }
                    }
                    None => elsewhere[at] = true,
                },
                Route::Job { .. } => {}
            }
        }
        for (job, for_others) in plan.jobs.iter().zip(for_others) {
            for output in &job.outputs {
                let template = output.key.clone();
                outputs.entry(output.store.clone()).or_default().push(OutputKey { template, for_others });
            }
        }
        Self { outputs, sources, shared, elsewhere }
    }

    /// The entity whose output a key is, as its tag, where works on others ask for it, or for what is made of it.
    pub fn for_others(&self, store: &StoreName, path: &str) -> Option<u64> {
        self.of_output(store, path).find(|(_, for_others)| *for_others).map(|(tag, _)| tag)
    }

    /// By the index of a job, whether the key of a source of it does not tell its entity.
    pub fn elsewhere(&self) -> Vec<bool> {
        self.elsewhere.clone()
    }

    /// The entities whose output a key may be, as their tags, and whether works on others ask for it. Nearly always it is one;
    /// none where the key does not tell.
    pub fn of_output(&self, store: &StoreName, path: &str) -> impl Iterator<Item = (u64, bool)> {
        self.outputs.get(store).into_iter().flatten().filter_map(|output| {
            let id = output.template.match_output(path)?;
            Some((tag(&id), output.for_others))
        })
    }

    /// The entities whose source may have a key with this normal form, as their tags.
    pub fn of_source(&self, store: &StoreName, path: &str) -> impl Iterator<Item = u64> {
        self.sources.get(store).into_iter().flatten().filter_map(|key| key.match_source(path)).map(|(id, _)| tag(id))
    }

    /// Whether a key with this normal form is a source of all entities.
    pub fn is_shared(&self, store: &StoreName, path: &str) -> bool {
        self.shared.get(store).is_some_and(|keys| keys.iter().any(|key| key == path))
    }
}
