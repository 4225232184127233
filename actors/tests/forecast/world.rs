//! A random graph over random files, which can be run on real workers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use euterpe_actors::accounting::{first_messages, origins, required};
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Event, Observer};
use euterpe_actors::freshness::Demand;
use euterpe_actors::ids::{EntityId, InputName, JobName, RunId};
use euterpe_actors::memory::Presence;
use euterpe_actors::message::{Force, Target};
use euterpe_actors::node::Node;
use euterpe_actors::out_of_date::Inspector;
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{InputPlan, JobIx, JobPlan, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::pool::Drain;
use euterpe_actors::refresh::Refresh;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::standard::Standard;
use euterpe_actors::state::{Manifest, Selection, SkipRecord, StateStore};
use euterpe_actors::storage::{Content, Stamp, Storage, Stores, memory::MemoryStorage};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, inline};
use euterpe_actors::wire;

use super::recorded::{RECIPE, making, store_name, then};

const BEFORE: RunId = RunId::new(500, 0);
pub const NOW: RunId = RunId::new(1000, 1);
const PAIR: &str = "{a},{b}";

/// A random graph over random files.
pub struct World {
    pub plan: Arc<NodePlan>,
    pub store: Arc<MemoryStorage>,
    state: Arc<MemoryStorage>,
    entities: Vec<EntityId>,
    /// Whether single outputs are missing, and no stamp tells what its output was made from.
    pub lacks_parts: bool,
}

/// The targets whose transform started, in order.
#[derive(Default)]
struct Started(Mutex<Vec<Target>>);

impl Observer for Started {
    fn on(&self, event: &Event<'_>) {
        if let Event::Started { job, entity, .. } = event {
            let target = Target { job: (*job).clone(), entity: (*entity).clone() };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(target);
        }
    }
}

fn template(text: &str, form: &EntityForm) -> Template {
    Template::parse_source(text, form).expect("a template")
}

fn input(number: usize, from: Route) -> InputPlan {
    InputPlan { name: InputName::new(&format!("i{number}")).expect("a name"), from }
}

/// Two to seven jobs: some of single entities, some of pairs, with sources, joins and second outputs.
fn random_plan(dice: &mut StdRng) -> NodePlan {
    let mut specs: Vec<JobSpec> = Vec::new();
    for at in 0..dice.random_range(2..=7) {
        let is_pair = at > 1 && dice.random_bool(0.3);
        let form = if is_pair { EntityForm::parse(PAIR).expect("a form") } else { EntityForm::default() };
        let mut inputs = Vec::new();
        for (parent, spec) in specs.iter().enumerate() {
            let is_parent_pair = !spec.form.names().is_empty();
            let output = dice.random_range(0..spec.outputs.len());
            let edge = |entity| Route::Job { job: JobIx(parent), output, entity };
            match (is_pair, is_parent_pair) {
                (true, false) if dice.random_bool(0.5) => {
                    for part in ["{a}", "{b}"] {
                        inputs.push(input(inputs.len(), edge(Mapping::To(template(part, &form)))));
                    }
                }
                (a, b) if a == b && dice.random_bool(0.5) => inputs.push(input(inputs.len(), edge(Mapping::Same))),
                _ => {}
            }
        }
        if !is_pair && (dice.random_bool(0.25) || (inputs.is_empty() && dice.random_bool(0.7))) {
            let exts: Arc<[String]> = ["ogg".to_owned(), "wav".to_owned()].into();
            let key = template(["src/{id}.{ext}", "src/{id}.ogg"][dice.random_range(0..2)], &form);
            let optional = dice.random_bool(0.2);
            inputs.push(input(inputs.len(), Route::Source { store: store_name(), key, exts, optional }));
        }
        let outputs: usize = if dice.random_bool(0.15) { 2 } else { 1 };
        let id = if is_pair { "{a}+{b}" } else { "{id}" };
        let output = |n| OutputPlan { store: store_name(), key: template(&format!("j{at}-{n}/{id}.bin"), &form) };
        specs.push(JobSpec {
            name: JobName::new(&format!("j{at}")).expect("a name"),
            form: form.clone(),
            inputs,
            outputs: (0..outputs).map(output).collect(),
            transform: inline(move |_| Ok(Product(vec![Content::Bytes("made".into()); outputs]))),
            workers: dice.random_range(1..=3),
            timeout: Duration::from_secs(60),
            retry: RetryPolicy::default(),
            claim: false,
            settings: 7,
        });
    }
    NodePlan::new(specs)
}

pub async fn random_world(dice: &mut StdRng) -> World {
    let plan = Arc::new(random_plan(dice));
    let (store, state) = (Arc::new(MemoryStorage::default()), Arc::new(MemoryStorage::default()));
    let singles = ["a", "b", "c"];
    let pairs = ["a,b", "b,c"];
    let entities: Vec<EntityId> =
        singles.iter().chain(&pairs).map(|text| EntityId::new(text).expect("an id")).collect();
    let put = |key: String, stamp| {
        let store = store.clone();
        async move { store.store(&key, Content::Bytes("old".into()), stamp).await.map(drop).expect("stored") }
    };
    let sources = [1.0, 0.9, 0.7].choose(dice).copied().expect("one");
    for single in singles {
        if dice.random_bool(sources) {
            put(format!("src/{single}.ogg"), None).await;
        }
        if dice.random_bool(0.05) {
            put(format!("src/{single}.WAV"), None).await;
        }
    }
    let there = [0.0, 0.3, 0.8].choose(dice).copied().expect("one");
    // Somebody removed single outputs, or stamps tell what outputs were made from. Where both, what a stamp tells of an output
    // that is missing is as nobody would find it.
    let lacks_parts = dice.random_bool(0.3);
    for job in &plan.jobs {
        for entity in &entities {
            let Some(parts) = job.form.split(entity) else { continue };
            // What was made before: nearly always all outputs of a job, with or without a stamp.
            let whole = dice.random_bool(there);
            let making = making(dice, &plan, &store, &state, entity, job).await.filter(|_| !lacks_parts);
            for (number, output) in job.outputs.iter().enumerate() {
                if whole != (dice.random_bool(0.03) && lacks_parts) {
                    let above = job.ancestors.iter().map(|above| plan.job(*above).name.clone());
                    let runs: BTreeMap<JobName, RunId> =
                        above.chain([job.name.clone()]).map(|name| (name, BEFORE)).collect();
                    // The primary output tells the inputs for all.
                    let making = match number {
                        0 => making.clone(),
                        _ => making.as_ref().map(|making| Arc::new(making.of_output(number))),
                    };
                    let (job, runs) = (job.name.clone(), Arc::new(runs));
                    let stamp = Stamp { job, runs, entity: None, hash: String::new(), making };
                    put(output.key_of(&parts).path.to_string(), dice.random_bool(0.7).then_some(stamp)).await;
                }
            }
            if dice.random_bool(0.03) {
                let skip = SkipRecord {
                    run: BEFORE,
                    job: job.name.clone(),
                    entity: entity.clone(),
                    reason: Reason::Declined,
                    text: "too short".into(),
                    settings: if dice.random_bool(0.7) { 7 } else { 6 },
                    recipe: None,
                    inputs: then(dice, &plan, &store, &state, entity, job).await,
                    millis: 0,
                };
                StateStore::new(state.clone()).keep_skip(&skip).await.expect("kept");
            }
        }
    }
    World { plan, store, state, entities, lacks_parts }
}

pub fn random_selection(dice: &mut StdRng, plan: &NodePlan) -> Selection {
    let names: Vec<JobName> = plan.jobs.iter().map(|job| job.name.clone()).collect();
    let mut some =
        |chance: f64| -> Vec<JobName> { names.iter().filter(|_| dice.random_bool(chance)).cloned().collect() };
    let (only, forced) = (some(0.6), some(0.3));
    let job = dice.random_bool(0.5).then(|| names.choose(dice).cloned().expect("a job"));
    let bottom_up = job.is_some() && dice.random_bool(0.6);
    let only = (!bottom_up && dice.random_bool(0.4)).then_some(only);
    let force = match dice.random_range(0..4) {
        0 => Force::Jobs(forced),
        1 => Force::All,
        _ => Force::None,
    };
    let changed = names.iter().filter(|_| dice.random_bool(0.3)).cloned().collect();
    let refresh = dice.random_bool(0.5).then(|| Refresh { recipes: Force::Jobs(changed), ..Refresh::default() });
    Selection { job, bottom_up, only, force, ping: false, refresh }
}

impl World {
    pub fn stores(&self) -> Stores {
        let store: Arc<dyn Storage> = self.store.clone();
        Stores::new([(store_name(), store)])
    }

    pub async fn files(&self) -> String {
        let mut files = Vec::new();
        let list = |page: &euterpe_actors::storage::Page| {
            files.extend(page.paths().map(str::to_owned));
            true
        };
        self.store.list("", &mut { list }).await.expect("listed");
        files.join(" ")
    }

    /// All targets.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        let of = |job: &Arc<JobPlan>| {
            let fitting = self.entities.iter().filter(|entity| job.form.split(entity).is_some());
            fitting.map(|entity| Target { job: job.name.clone(), entity: entity.clone() }).collect::<Vec<_>>()
        };
        self.plan.jobs.iter().flat_map(of)
    }

    /// Whether the primary output of a target is among `files`.
    pub fn is_listed(&self, files: &str, target: &Target) -> bool {
        let job = self.plan.job(self.plan.find(target.job.as_str()).expect("a job"));
        let Some(parts) = job.form.split(&target.entity) else { return false };
        files.split(' ').any(|file| file == &*job.outputs[0].key_of(&parts).path)
    }

    /// The jobs with their edges, for a test that fails.
    pub fn drawn(&self) -> String {
        let route = |input: &InputPlan| match &input.from {
            Route::Source { key, .. } => key.to_string(),
            Route::Job { job, output, entity: Mapping::Same } => format!("j{}.{output}", job.0),
            Route::Job { job, output, entity: Mapping::To(map) } => format!("j{}.{output}({map})", job.0),
        };
        let job = |job: &Arc<euterpe_actors::plan::JobPlan>| {
            format!("{} {}: {}", job.name, job.form, job.inputs.iter().map(route).collect::<Vec<_>>().join(" "))
        };
        self.plan.jobs.iter().map(job).collect::<Vec<_>>().join("\n")
    }

    /// What jobs do today.
    fn recipes(&self) -> Arc<BTreeMap<JobName, String>> {
        Arc::new(self.plan.jobs.iter().map(|job| (job.name.clone(), RECIPE.to_owned())).collect())
    }

    /// What the outputs of a run are measured by.
    pub fn standard(&self, selection: &Selection) -> Standard {
        let refresh = selection.refresh.as_ref().unwrap_or_else(|| self.plan.refresh());
        Standard::new(refresh, &self.recipes(), &Arc::default())
    }

    pub fn state(&self) -> StateStore {
        StateStore::new(self.state.clone())
    }

    /// The entities that a selection can be asked for.
    pub fn meant(&self, selection: &Selection) -> Vec<EntityId> {
        let fits = |entity: &&EntityId| {
            let origins = origins(&self.plan, selection, entity);
            origins.first().is_some_and(|first| {
                let form = &self.plan.job(*first).form;
                form.split(entity).is_some() && origins.iter().all(|at| self.plan.job(*at).form == *form)
            })
        };
        self.entities.iter().filter(fits).cloned().collect()
    }

    /// Whether nothing is forced and the outputs are all there: what a run leaves out after its listing.
    async fn is_finished(&self, selection: &Selection, entity: &EntityId) -> bool {
        for at in required(&self.plan, selection, entity) {
            let job = self.plan.job(at);
            let Some(parts) = job.form.split(entity) else { return false };
            for output in &job.outputs {
                if self.store.look(&output.key_of(&parts).path).await.expect("looked").is_none() {
                    return false;
                }
            }
            if !Demand::new(&self.plan, at, &selection.force, NOW, 0).is_presence() {
                return false;
            }
            let (stores, state, standard) = (self.stores(), self.state(), self.standard(selection));
            if Inspector::new(&self.plan, &stores, &state, &standard).check(at, entity).await.expect("looked").is_some()
            {
                return false;
            }
        }
        true
    }

    /// Runs a selection on real workers and says whose transform started.
    pub async fn run(&self, selection: &Selection, dice: &mut StdRng) -> Vec<Target> {
        let broker = InProcess::new(self.plan.jobs.iter().map(|job| job.name.clone()));
        let started = Arc::new(Started::default());
        let node = Node::start(NodeSettings {
            state: self.state(),
            observer: started.clone(),
            presence: Arc::new(Presence::up_to(1 << 16)),
            salt: dice.random(),
            recipes: self.recipes(),
            ..crate::support::node(&self.plan, broker.clone(), self.stores())
        });
        let manifest = Manifest {
            run: NOW,
            graph: "g".into(),
            file: None,
            digest: self.plan.digest,
            selection: selection.clone(),
            wave: 1,
            resolved: serde_json::Value::Null,
            given: BTreeMap::new(),
        };
        let mut id = 0;
        for entity in self.meant(selection) {
            if self.is_finished(selection, &entity).await {
                continue;
            }
            let origins = origins(&self.plan, &manifest.selection, &entity);
            let messages = first_messages(&self.plan, &manifest, &origins, &entity, || {
                id += 1;
                id
            });
            let outgoing = messages
                .iter()
                .map(|message| Outgoing::now(message.target.job.clone(), wire::encode(message).expect("short")));
            broker.publish(outgoing.collect()).await.expect("published");
        }
        broker.settled_to(0).await;
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        broker.close();
        started.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
