//! What became of everything that was asked for, worked out from the stores alone and apart from the production code.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    graph,
    ledger::Ledger,
    scenario::{Ask, Scenario},
    stores::at_once,
    world::World,
};
use euterpe_actors::accounting::{Accountant, Sight, Standing};
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::message::{Base, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::state::{DeadLetter, SkipRecord, StateStore};
use euterpe_actors::storage::{Stamp, Storage, Stores, memory::MemoryStorage};

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    Skipped,
    Dead,
    Open,
}

/// A target: a job and an entity of it.
pub(super) type Place = (JobIx, EntityId);

/// All that lies in the stores when a simulation is quiet.
pub(super) struct Books<'s> {
    scenario: &'s Scenario,
    pub(super) outputs: BTreeMap<Place, (String, Option<Stamp>)>,
    pub(super) letters: Vec<DeadLetter>,
    dead: BTreeSet<(RunId, Place)>,
    skipped: BTreeMap<Place, RunId>,
}

/// The paths of a target's outputs, the primary first.
pub(super) fn output_paths(plan: &NodePlan, job: JobIx, entity: &EntityId) -> Vec<String> {
    let plan = plan.job(job);
    let parts = plan.form.split(entity).expect("asked only for entities of the job's form");
    plan.outputs.iter().map(|output| output.key.output_key(&parts)).collect()
}

impl<'s> Books<'s> {
    /// Reads the stores.
    pub(super) fn read(world: &World, scenario: &'s Scenario, violations: &mut Vec<String>) -> Self {
        let derived = &world.objects[&graph::store(graph::OUTPUTS)];
        let state = &world.objects[&graph::store(graph::STATE)];
        let mut outputs = BTreeMap::new();
        for (job, entity) in scenario.targets() {
            let primary = &output_paths(&scenario.plan, job, entity)[0];
            if let Some((text, stamp)) = read(derived, primary) {
                outputs.insert((job, entity.clone()), (text, stamp));
            }
        }
        let letters: Vec<DeadLetter> = records(state, "dead/", violations);
        let skips: Vec<SkipRecord> = records(state, "skipped/", violations);
        let place = |job: &str, entity: &str| Some((scenario.plan.find(job)?, EntityId::new(entity).ok()?));
        let mut dead = BTreeSet::new();
        for letter in &letters {
            let Some(run) = letter.run else { continue };
            dead.extend(place(letter.job.as_str(), &letter.entity).map(|place| (run, place)));
            let about = letter.about.as_ref().and_then(|t| place(t.job.as_str(), t.entity.as_str()));
            dead.extend(about.map(|place| (run, place)));
        }
        let skipped = |skip: &SkipRecord| Some((place(skip.job.as_str(), skip.entity.as_str())?, skip.run));
        let skipped = skips.iter().filter_map(skipped).collect();
        Self { scenario, outputs, letters, dead, skipped }
    }

    /// What became of a target, as far as an ask is concerned.
    pub(super) fn verdict(&self, ask: &Ask, place: &Place) -> Verdict {
        if self.is_done(ask, place) {
            return Verdict::Done;
        }
        // While it is missing, the record of any ancestor speaks for it, also of one behind outputs that are there:
        // a wave that ended up there never came further.
        self.record(ask, place)
    }

    /// Whether its primary output is there, and fresh for the ask.
    fn is_done(&self, ask: &Ask, place: &Place) -> bool {
        let fresh = |(_, stamp): &(String, Option<Stamp>)| {
            let forced = forced(&self.scenario.plan, ask, place.0);
            forced.is_empty()
                || stamp.as_ref().is_some_and(|stamp| {
                    forced.iter().all(|job| stamp.runs.get(&graph::name(job.0)).is_some_and(|run| *run >= ask.run))
                })
        };
        self.outputs.get(place).is_some_and(fresh)
    }

    /// What the records say of a target or of those that it is made from.
    fn record(&self, ask: &Ask, place: &Place) -> Verdict {
        let dead = self.dead.contains(&(ask.run, place.clone()));
        // A skip of an earlier run gives way to a letter of this one; and to that of an ancestor under force, or where
        // somebody made the output since.
        let forced = ask.force.names(&graph::name(place.0.0));
        let skipped = self.skipped.get(place);
        match skipped {
            Some(run) if *run >= ask.run || !(dead || forced || self.is_done(ask, place)) => return Verdict::Skipped,
            _ if dead => return Verdict::Dead,
            _ => {}
        }
        let own = if skipped.is_some() { Verdict::Skipped } else { Verdict::Open };
        let above = graph::parents(&self.scenario.plan, place.0, &place.1);
        let above = above.iter().map(|parent| self.record(ask, parent));
        above.fold(own, |worst, parent| match (worst, parent) {
            (_, Verdict::Dead) | (Verdict::Dead, _) => Verdict::Dead,
            (_, Verdict::Skipped) => Verdict::Skipped,
            (worst, _) => worst,
        })
    }

    /// What is required and open, by ask.
    pub(super) fn open(&self, ask: &Ask) -> Vec<Place> {
        let required = required(&self.scenario.plan, ask);
        required.into_iter().filter(|place| self.verdict(ask, place) == Verdict::Open).collect()
    }

    /// Why an output was not made as an ask forces it to be: what it was made from is older than the ask.
    pub(super) fn stale(&self, ledger: &Ledger, ask: &Ask, asked_at: u64, place: &Place) -> Option<String> {
        let (content, _) = self.outputs.get(place)?;
        self.stale_content(ledger, ask, asked_at, place, content)
    }

    fn stale_content(&self, ledger: &Ledger, ask: &Ask, asked_at: u64, place: &Place, text: &str) -> Option<String> {
        let plan = &self.scenario.plan;
        let forced = forced(plan, ask, place.0);
        if forced.is_empty() {
            return None;
        }
        let name = format!("{}({})", graph::name(place.0.0), place.1);
        let Some(exec) = ledger.exec_of(text) else { return Some(format!("{name} is a foreign object")) };
        if forced.contains(&place.0) && exec.step < asked_at {
            return Some(format!("{name} was made at {}, before it was forced at {asked_at}", exec.step));
        }
        if forced.iter().all(|job| *job == place.0) {
            return None;
        }
        let Some(inputs) = &exec.inputs else { return Some(format!("{name} was there before")) };
        let parents = graph::parents(plan, place.0, &place.1);
        // Sources stand among the inputs, and not among the parents.
        let texts = inputs.iter().filter(|text| !text.starts_with("source"));
        parents.iter().zip(texts).find_map(|(parent, text)| self.stale_content(ledger, ask, asked_at, parent, text))
    }

    /// What is wrong with the content of an output, whoever made it.
    pub(super) fn wrong(&self, ledger: &Ledger, place: &Place) -> Option<String> {
        let (content, _) = self.outputs.get(place)?;
        if content == "foreign" {
            return None;
        }
        let name = format!("{}({})", graph::name(place.0.0), place.1);
        let Some(exec) = ledger.exec_of(content) else { return Some(format!("{name} holds {content:?}")) };
        if (exec.job, &exec.entity) != (place.0, &place.1) {
            return Some(format!("{name} holds what was made for {:?}({})", exec.job, exec.entity));
        }
        let inputs = exec.inputs.as_ref()?;
        let parents = graph::parents(&self.scenario.plan, place.0, &place.1);
        let (sources, made): (Vec<_>, Vec<_>) = inputs.iter().partition(|text| text.starts_with("source"));
        if made.len() != parents.len() || sources.iter().any(|text| **text != format!("source {}", place.1)) {
            return Some(format!("{name} was made from {inputs:?}"));
        }
        let fits = |(parent, text): (&Place, &&String)| {
            text.as_str() == "foreign"
                || ledger.exec_of(text).is_some_and(|exec| (exec.job, &exec.entity) == (parent.0, &parent.1))
        };
        (!parents.iter().zip(&made).all(fits)).then(|| format!("{name} was made from others' outputs {inputs:?}"))
    }

    /// Dead letters and skips that nothing planted explains.
    pub(super) fn unexplained(&self, deleted: bool) -> Vec<String> {
        let scenario = self.scenario;
        let explained = |letter: &DeadLetter| {
            let (Some(job), Ok(entity)) = (scenario.plan.find(letter.job.as_str()), EntityId::new(&letter.entity))
            else {
                return false;
            };
            match letter.reason {
                Reason::SourceMissing => {
                    graph::reads_source(&scenario.plan, job) && scenario.sourceless.contains(&entity)
                }
                Reason::Absent | Reason::InputUnreadable => deleted,
                _ => scenario.plants.get(&(job, entity)).is_some_and(|planted| planted.is_final()),
            }
        };
        let letters = self.letters.iter().filter(|letter| !explained(letter));
        let letters = letters.map(|l| format!("dead for no reason: {}({}) {}: {}", l.job, l.entity, l.reason, l.text));
        let planted = |place: &&Place| !scenario.plants.get(*place).is_some_and(|planted| planted.is_final());
        let skips = self.skipped.keys().filter(planted);
        letters.chain(skips.map(|(job, entity)| format!("skipped for no reason: {job:?}({entity})"))).collect()
    }
}

fn read(store: &MemoryStorage, path: &str) -> Option<(String, Option<Stamp>)> {
    let object = at_once(store.open(path)).ok()?;
    let bytes = object.content.read().ok()?;
    Some((String::from_utf8_lossy(&bytes).into_owned(), object.info.stamp))
}

fn records<T: serde::de::DeserializeOwned>(
    store: &MemoryStorage,
    prefix: &str,
    violations: &mut Vec<String>,
) -> Vec<T> {
    let mut paths = Vec::new();
    let listed = at_once(store.list(prefix, &mut |page| {
        paths.extend(page.iter().map(|line| line.path.to_owned()));
        true
    }));
    listed.expect("a store in memory lists");
    let mut all = Vec::new();
    for path in paths {
        let text = read(store, &path).map(|(text, _)| text).unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(record) => all.push(record),
            Err(error) => violations.push(format!("the record {path} cannot be read: {error}")),
        }
    }
    all
}

/// The jobs that an ask forces among a job and its ancestors.
pub(super) fn forced(plan: &NodePlan, ask: &Ask, job: JobIx) -> Vec<JobIx> {
    let family = plan.job(job).ancestors.iter().copied().chain([job]);
    family.filter(|at| ask.force.names(&plan.job(*at).name)).collect()
}

/// What an ask requires: its targets, and what its wave reaches from each.
pub(super) fn required(plan: &NodePlan, ask: &Ask) -> BTreeSet<Place> {
    let mut all = BTreeSet::new();
    if ask.ping {
        return all;
    }
    let mut to_see: Vec<Place> = ask.targets.clone();
    while let Some((job, entity)) = to_see.pop() {
        if !all.insert((job, entity.clone())) {
            continue;
        }
        if let Base::Down(wave) = &ask.base {
            let inside = |child: &&JobIx| wave.only.as_ref().is_none_or(|only| only.contains(&plan.job(**child).name));
            to_see.extend(plan.job(job).children.iter().filter(inside).map(|child| (*child, entity.clone())));
        }
    }
    all
}

/// What may run for an ask: what it requires and is not there, and what is missing above that.
pub(super) fn allowed(scenario: &Scenario, ask: &Ask, deleted: bool) -> BTreeSet<Place> {
    let there = |place: &Place| {
        let is = |old: &&super::scenario::Existing| (old.job, &old.entity) == (place.0, &place.1);
        !deleted && scenario.existing.iter().any(|old| is(&old)) && forced(&scenario.plan, ask, place.0).is_empty()
    };
    let mut all = BTreeSet::new();
    let mut to_see: Vec<Place> = required(&scenario.plan, ask).into_iter().collect();
    while let Some(place) = to_see.pop() {
        if !there(&place) && !all.contains(&place) {
            to_see.extend(graph::parents(&scenario.plan, place.0, &place.1));
            all.insert(place);
        }
    }
    all
}

/// Where the production's own account of a run differs from this one.
pub(super) async fn compare(
    world: &World,
    scenario: &Scenario,
    books: &Books<'_>,
    asked: &[(u64, Ask)],
) -> Vec<String> {
    let store = |name: &str| -> Arc<dyn Storage> { world.objects[&graph::store(name)].clone() };
    let stores = Stores::new([graph::SOURCES, graph::OUTPUTS].map(|name| (graph::store(name), store(name))));
    let mut differences = Vec::new();
    for (_, ask) in asked.iter().filter(|(_, ask)| !ask.resumed && !ask.ping) {
        let (plan, state) = (scenario.plan.clone(), StateStore::new(store(graph::STATE)));
        let sight = Sight { plan, stores: stores.clone(), state, run: ask.run, force: ask.force.clone(), known: None };
        let accountant = Accountant::open(sight).await;
        let accountant = accountant.expect("a store in memory answers");
        for place in required(&scenario.plan, ask) {
            let target = Target { job: graph::name(place.0.0), entity: place.1.clone() };
            let theirs = match accountant.standing(&target).await.expect("a store in memory answers") {
                Standing::Done => Verdict::Done,
                Standing::Skipped(..) => Verdict::Skipped,
                Standing::Dead(..) => Verdict::Dead,
                Standing::Open => Verdict::Open,
            };
            let ours = books.verdict(ask, &place);
            if theirs != ours {
                differences.push(format!("{target} of {} stands as {theirs:?}, and is {ours:?}", ask.run));
            }
        }
    }
    differences
}
