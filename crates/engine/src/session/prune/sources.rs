//! The sources of the graph, listed: which outputs are accounted for by what is there. Where sources are missing that should
//! be there, nothing is pruned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, bail};
use euterpe_actors::ids::{EntityId, RunId, StoreName, decomposed_form, normal_form};
use euterpe_actors::memory::{Fingerprint, Presence};
use euterpe_actors::plan::{InputPlan, JobIx, Mapping, NodePlan, Route};
use euterpe_actors::storage::{ListedProblem, Page};
use euterpe_actors::template::Template;

use crate::run::survey::REMEMBERED;
use crate::workspace::Workspace;

/// A source of some jobs.
#[derive(Debug)]
struct Source {
    store: StoreName,
    key: Template,
    exts: Arc<[String]>,
    /// Whether some job cannot do without it.
    needed: bool,
}

/// The sources of a graph.
struct Sources {
    all: Vec<Source>,
    /// For each job the sources whose names alone tell its entities; none where they cannot.
    of_jobs: Vec<Option<BTreeSet<usize>>>,
}

/// What was seen of a source.
#[derive(Clone, Copy, Default)]
struct Seen {
    names: u64,
    dangling: u64,
}

/// The outputs that are accounted for by the sources that are there, as far as names tell it and memory is allowed. An output
/// that is not among them may be accounted for all the same.
///
/// # Errors
/// A source that cannot be listed, or is empty, or has links that lead nowhere, unless it is said to be right.
pub(super) async fn accounted(workspace: &Workspace, sources_are_right: bool) -> anyhow::Result<Presence> {
    let nodes = &workspace.nodes;
    let sources = Sources::of(nodes);
    // What has several sources is accounted for once all of them are: the further ones are listed before the first.
    let firsts: BTreeSet<usize> = sources.of_jobs.iter().flatten().filter_map(|of| of.first().copied()).collect();
    let further: BTreeSet<usize> = sources.of_jobs.iter().flatten().flat_map(|of| of.iter().skip(1).copied()).collect();
    let names = Presence::up_to(REMEMBERED);
    let run = RunId::new(1, 0);
    let print = |number: usize, id: &EntityId| Fingerprint::of(&number.to_string(), id.as_str());
    let mut seen = vec![Seen::default(); sources.all.len()];
    for number in &further {
        let learn = &mut |id: &EntityId| names.learn_fingerprint(print(*number, id), run);
        seen[*number] = sources.list(workspace, *number, learn).await?;
    }
    let accounted = Presence::up_to(REMEMBERED);
    for (number, seen) in seen.iter_mut().enumerate() {
        if further.contains(&number) && !firsts.contains(&number) {
            continue;
        }
        let jobs: Vec<(JobIx, Vec<usize>)> = nodes
            .job_indices()
            .filter_map(|at| Some((at, sources.of_jobs[at.0].as_ref()?)))
            .filter(|(_, of)| of.first() == Some(&number))
            .map(|(at, of)| (at, of.iter().skip(1).copied().collect()))
            .collect();
        let learn = &mut |id: &EntityId| {
            for (at, further) in &jobs {
                let job = nodes.job(*at);
                let has_all = further.iter().all(|other| names.knows_fingerprint(print(*other, id), RunId::NEVER));
                let Some(parts) = job.form.split(id).filter(|_| has_all) else { continue };
                for output in &job.outputs {
                    let key = output.key_of(&parts);
                    let prints = key.paths().map(|path| Fingerprint::of(key.store.as_str(), path));
                    prints.for_each(|print| accounted.learn_fingerprint(print, run));
                }
            }
        };
        *seen = sources.list(workspace, number, learn).await?;
    }
    if !sources_are_right {
        sources.refuse(workspace, &seen)?;
    }
    Ok(accounted)
}

impl Sources {
    fn of(nodes: &NodePlan) -> Self {
        let mut all: Vec<Source> = Vec::new();
        let mut of_jobs: Vec<Option<BTreeSet<usize>>> = Vec::with_capacity(nodes.jobs.len());
        for job in &nodes.jobs {
            let is_optional = |input: &InputPlan| matches!(input.from, Route::Source { optional: true, .. });
            let all_optional = job.inputs.iter().all(is_optional);
            // Without any input, and with nothing but optional ones, names do not tell the entities.
            let mut of = (!all_optional).then(BTreeSet::new);
            for input in &job.inputs {
                let known = match &input.from {
                    Route::Source { store, key, exts, optional } => {
                        let (needed, key, store) = (!optional || all_optional, key.clone(), store.clone());
                        let source = Source { store, key, exts: exts.clone(), needed };
                        let at = all.iter().position(|known| known.is_same(&source)).unwrap_or(all.len());
                        if at == all.len() {
                            all.push(source);
                        }
                        all[at].needed |= needed;
                        if *optional {
                            continue;
                        }
                        all[at].key.is_keyed_by_id().then(|| BTreeSet::from([at]))
                    }
                    Route::Job { job, entity: Mapping::Same, .. } => of_jobs[job.0].clone(),
                    Route::Job { entity: Mapping::To(_), .. } => None,
                };
                match (&mut of, known) {
                    (Some(of), Some(known)) => of.extend(known),
                    (of, _) => *of = None,
                }
            }
            of_jobs.push(of.filter(|of| !of.is_empty()));
        }
        Self { all, of_jobs }
    }

    /// Lists a source, and shows each id that it has.
    async fn list(
        &self,
        workspace: &Workspace,
        number: usize,
        learn: &mut (dyn FnMut(&EntityId) + Send),
    ) -> anyhow::Result<Seen> {
        let source = &self.all[number];
        let storage = workspace.stores.get(&source.store);
        let prefix = source.key.prefix();
        let mut seen = Seen::default();
        // Macs write the names of folders decomposed.
        for prefix in BTreeSet::from([prefix.to_owned(), decomposed_form(prefix).into_owned()]) {
            let mut each = |page: &Page| {
                for listed in page.iter() {
                    match listed.problem {
                        None => {}
                        Some(ListedProblem::LeadsNowhere) => {
                            seen.dangling += 1;
                            continue;
                        }
                        Some(_) => continue,
                    }
                    let normal = normal_form(listed.path);
                    let name = source.name_in(listed.path).or_else(|| source.name_in(&normal));
                    match name.map(EntityId::of_name) {
                        Some(Ok(id)) => {
                            seen.names += 1;
                            learn(&id);
                        }
                        Some(Err(_)) => {}
                        None if !source.key.is_keyed_by_id() => seen.names += 1,
                        None => {}
                    }
                }
                true
            };
            let listed = storage.list(&prefix, &mut each).await;
            listed.with_context(|| {
                format!(
                    "could not list the source `{}:{}` ({}), and nothing was removed",
                    source.store,
                    source.key,
                    storage.place()
                )
            })?;
        }
        Ok(seen)
    }

    /// Refuses where what is seen of the sources looks as if a disk were away.
    fn refuse(&self, workspace: &Workspace, seen: &[Seen]) -> anyhow::Result<()> {
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (source, seen) in self.all.iter().zip(seen) {
            let what = match (seen.names, seen.dangling) {
                (_, 1..) => {
                    format!("links of source `{}:{}` lead nowhere, {} of them", source.store, source.key, seen.dangling)
                }
                (0, _) if source.needed => format!("source `{}:{}` is empty", source.store, source.key),
                _ => continue,
            };
            places.entry(workspace.stores.get(&source.store).place()).or_default().push(what);
        }
        if places.is_empty() {
            return Ok(());
        }
        let told: Vec<String> =
            places.into_iter().map(|(place, what)| format!("{} ({place})", what.join(", "))).collect();
        bail!(
            "{}: if a disk is not mounted, mount it; if that is as it should be, say so by --sources-are-right. Nothing was removed",
            told.join("; ")
        )
    }
}

impl Source {
    /// Whether both list the same names.
    fn is_same(&self, other: &Source) -> bool {
        self.store == other.store && self.key == other.key && self.exts == other.exts
    }

    /// The name of an entity in a path of this source.
    fn name_in<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (name, ext) = self.key.match_source(path)?;
        // As a worker looks for it: as it is written, or all in capitals.
        let fits = |known: &String| known == ext || known.to_ascii_uppercase() == ext;
        (!self.key.has_ext() || self.exts.iter().any(fits)).then_some(name)
    }
}
