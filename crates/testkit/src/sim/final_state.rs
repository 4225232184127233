//! What became of each submitted target, worked out from the stores alone and apart from the production code.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    graph::{self, TargetIx, output_paths},
    requirements::{forced, required},
    scenario::{FUTURE, Scenario, Submission},
    sim_storage::at_once,
    world::World,
};
use euterpe_actors::ids::{EntityId, InputName, RunId};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::Route;
use euterpe_actors::state::{DeadLetter, SkipRecord};
use euterpe_actors::storage::{Stamp, Storage, memory::MemoryStorage};

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Done,
    Skipped,
    Dead,
    Open,
}

/// All that lies in the stores when a simulation is quiet.
pub(super) struct FinalState<'s> {
    pub(super) scenario: &'s Scenario,
    /// The primary outputs.
    pub(super) outputs: BTreeMap<TargetIx, (String, Option<Stamp>)>,
    /// What the other outputs hold, by their number.
    others: BTreeMap<(TargetIx, usize), String>,
    /// The targets of which another output is missing: all outputs were deleted while new ones were being stored.
    incomplete: BTreeSet<TargetIx>,
    pub(super) letters: Vec<DeadLetter>,
    dead: BTreeSet<(RunId, TargetIx)>,
    /// The run of each skip record, and whether what the job made by other jobs read then is still there.
    skipped: BTreeMap<TargetIx, (RunId, bool)>,
}

impl<'s> FinalState<'s> {
    /// Reads the stores.
    pub(super) fn read(world: &World, scenario: &'s Scenario, violations: &mut Vec<String>) -> Self {
        let derived = &world.objects[&graph::store(graph::OUTPUTS)];
        let state = &world.objects[&graph::store(graph::STATE)];
        let (mut outputs, mut others, mut incomplete) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for (job, entity) in scenario.targets() {
            let paths = output_paths(&scenario.plan, job, entity);
            if let Some((text, stamp)) = read(derived, &paths[0]) {
                outputs.insert((job, entity.clone()), (text, stamp));
            }
            for (number, path) in paths.iter().enumerate().skip(1) {
                match read(derived, path) {
                    Some((text, _)) => drop(others.insert(((job, entity.clone()), number), text)),
                    None => drop(incomplete.insert((job, entity.clone()))),
                }
            }
        }
        let letters: Vec<DeadLetter> = records(state, "dead/", violations);
        let skips: Vec<SkipRecord> = records(state, "skipped/", violations);
        let target = |job: &str, entity: &str| Some((scenario.plan.find(job)?, EntityId::new(entity).ok()?));
        let mut dead = BTreeSet::new();
        for letter in &letters {
            let Some(run) = letter.run else { continue };
            dead.extend(target(letter.job.as_str(), &letter.entity).map(|target| (run, target)));
            let about = letter.about.as_ref().and_then(|t| target(t.job.as_str(), t.entity.as_str()));
            dead.extend(about.map(|target| (run, target)));
        }
        let skipped = |skip: &SkipRecord| {
            let target = target(skip.job.as_str(), skip.entity.as_str())?;
            let stands = skip.inputs.as_ref().is_none_or(|then| reads_the_same(scenario, derived, &target, then));
            Some((target, (skip.run, stands)))
        };
        let skipped = skips.iter().filter_map(skipped).collect();
        Self { scenario, outputs, others, incomplete, letters, dead, skipped }
    }

    /// What became of a target, as far as a submission is concerned.
    pub(super) fn status(&self, submission: &Submission, target: &TargetIx) -> Status {
        if self.is_done(submission, target) {
            return Status::Done;
        }
        // While it is missing, the record of any ancestor speaks for it, also of one behind outputs that are there:
        // a wave that ended up there never came further.
        self.record(submission, target)
    }

    /// Whether its outputs are there, the primary one fresh for the submission.
    fn is_done(&self, submission: &Submission, target: &TargetIx) -> bool {
        let fresh = |(_, stamp): &(String, Option<Stamp>)| {
            let forced = forced(&self.scenario.plan, submission, target.0);
            forced.is_empty()
                || stamp.as_ref().is_some_and(|stamp| {
                    forced.iter().all(|job| {
                        stamp.runs.get(&graph::name(job.0)).is_some_and(|run| *run >= submission.run && *run < FUTURE)
                    })
                })
        };
        self.outputs.get(target).is_some_and(fresh) && !self.incomplete.contains(target)
    }

    /// What the records say of a target or of its ancestors.
    fn record(&self, submission: &Submission, target: &TargetIx) -> Status {
        let dead = self.dead.contains(&(submission.run, target.clone()));
        // A skip of an earlier run gives way to a letter of this one; and to that of an ancestor under force, or where
        // somebody made the output since.
        let forced = submission.force.names(&graph::name(target.0.0));
        // An earlier one whose inputs were made anew since says nothing any more.
        let skipped = self.skipped.get(target).filter(|(run, stands)| *run >= submission.run || *stands);
        match skipped {
            Some((run, _)) if *run >= submission.run || !(dead || forced || self.is_done(submission, target)) => {
                return Status::Skipped;
            }
            _ if dead => return Status::Dead,
            _ => {}
        }
        let own = if skipped.is_some() { Status::Skipped } else { Status::Open };
        let above = graph::parents(&self.scenario.plan, target.0, &target.1);
        let above = above.iter().map(|parent| self.record(submission, parent));
        above.fold(own, |worst, parent| match (worst, parent) {
            (_, Status::Dead) | (Status::Dead, _) => Status::Dead,
            (_, Status::Skipped) => Status::Skipped,
            (worst, _) => worst,
        })
    }

    /// What an output of a target holds, the primary one being the first.
    pub(super) fn text(&self, target: &TargetIx, number: usize) -> Option<&String> {
        match number {
            0 => self.outputs.get(target).map(|(text, _)| text),
            _ => self.others.get(&(target.clone(), number)),
        }
    }

    /// Whether a target failed or was declined in a run.
    pub(super) fn has_record(&self, run: RunId, target: &TargetIx) -> bool {
        self.dead.contains(&(run, target.clone())) || self.skipped.get(target).is_some_and(|(of, _)| *of >= run)
    }

    /// The targets that a submission requires and that are open.
    pub(super) fn open(&self, submission: &Submission) -> Vec<TargetIx> {
        let required = required(&self.scenario.plan, submission);
        required.into_iter().filter(|target| self.status(submission, target) == Status::Open).collect()
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
                _ => scenario.planted_faults.get(&(job, entity)).is_some_and(|planted| planted.is_final()),
            }
        };
        let letters = self.letters.iter().filter(|letter| !explained(letter));
        let letters = letters.map(|l| format!("dead for no reason: {}({}) {}: {}", l.job, l.entity, l.reason, l.text));
        let planted =
            |target: &&TargetIx| !scenario.planted_faults.get(*target).is_some_and(|planted| planted.is_final());
        let skips = self.skipped.keys().filter(planted);
        letters.chain(skips.map(|(job, entity)| format!("skipped for no reason: {job:?}({entity})"))).collect()
    }
}

/// Whether the outputs of other jobs that a target reads have the contents that a record tells of. Sources do not change.
fn reads_the_same(
    scenario: &Scenario,
    derived: &MemoryStorage,
    target: &TargetIx,
    then: &BTreeMap<InputName, String>,
) -> bool {
    let plan = &scenario.plan;
    let made = plan.job(target.0).inputs.iter().filter_map(|input| match &input.from {
        Route::Job { output, .. } => Some((&input.name, *output)),
        Route::Source { .. } => None,
    });
    let parents = graph::parents(plan, target.0, &target.1);
    made.zip(parents).all(|((name, output), (job, entity))| {
        let now = read(derived, &output_paths(plan, job, &entity)[output]);
        match (then.get(name), now) {
            // What nobody stamped is told apart by more than its content.
            (Some(then), Some((text, None))) => text == "foreign" && then.contains(' '),
            (Some(then), Some((text, Some(_)))) => *then == blake3::hash(text.as_bytes()).to_hex().as_str(),
            (then, now) => then.is_none() && now.is_none(),
        }
    })
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
