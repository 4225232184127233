//! When outputs were written and sources came, as listings told it: which outputs may be out of date, for the price of a
//! comparison.

use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasherDefault,
    sync::{Mutex, OnceLock, PoisonError},
};

use super::fingerprint::{Fingerprint, PrehashedHasher};
use super::presence::Presence;
use crate::edges::parent_of;
use crate::ids::{EntityId, RunId, StoreName, normal_form};
use crate::message::Target;
use crate::plan::{JobIx, Mapping, NodePlan, Route};
use crate::state::{DatedRecipe, RecipeHistory};
use crate::storage::{Dates, ObjectKey};
use crate::template::{Parts, Template};

/// By how much an output may have come later than it was written before that is told: it is put in place after it is
/// written.
const LATE: u64 = 10_000_000_000;

/// In nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// So many outputs of a former recipe are named.
const FEW: usize = 1000;

type Times = HashMap<Fingerprint, u64, BuildHasherDefault<PrehashedHasher>>;

/// The times that listings told, in nanoseconds after the Unix epoch.
///
/// An output may be out of date where something that it was made from came after it was written. Only such an output has to
/// be looked at. Where a listing told no time, it has to be looked at too.
#[derive(Debug)]
pub struct ListedDates {
    known: Mutex<Known>,
    limit: usize,
    /// By the index of the job.
    recipes: Vec<RecipeHistory>,
    /// As of which run it was listed, once that is known.
    run: OnceLock<RunId>,
    /// Whether sources are asked for by their names without an extension, and by their whole names.
    asked: (bool, bool),
}

/// What times alone tell of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glance {
    /// All outputs are there, and nothing that they were made from came after them.
    UpToDate,
    /// Some that are there may be out of date. Their presence was forgotten.
    Doubtful,
    /// No output is there that may be out of date. Some may be missing.
    NotDoubtful,
}

/// The outputs of a job that a former recipe made.
#[derive(Clone, Debug, PartialEq)]
pub struct FormerOutputs {
    /// The job.
    pub at: JobIx,
    /// The recipe.
    pub recipe: DatedRecipe,
    /// How many, by the time at which they were written.
    pub count: u64,
    /// Some of them: all, where they are few.
    pub entities: Vec<EntityId>,
}

#[derive(Debug, Default)]
struct Known {
    written: Times,
    /// When outputs came, where that is another time: somebody put them back from a backup.
    arrived: Times,
    sources: Times,
    /// Whether all sources were listed. If not, each output has to be looked at.
    has_sources: bool,
    /// What came later does not matter.
    until: u64,
    /// The primary outputs of which presence was forgotten: what was made from them is doubtful, too.
    doubtful: HashSet<Fingerprint, BuildHasherDefault<PrehashedHasher>>,
    former: Vec<FormerOutputs>,
}

impl ListedDates {
    /// For at most `limit` outputs and as many sources: whatever is beyond that has to be looked at.
    pub fn up_to(limit: usize, has_sources: bool) -> Self {
        let known = Mutex::new(Known { has_sources, until: u64::MAX, ..Known::default() });
        Self { known, limit, recipes: Vec::new(), run: OnceLock::new(), asked: (true, true) }
    }

    /// For the sources of this graph alone.
    #[must_use]
    pub fn of(self, plan: &NodePlan) -> Self {
        let keys = || {
            plan.jobs.iter().flat_map(|job| &job.inputs).filter_map(|input| match &input.from {
                Route::Source { key, .. } => Some(key.has_ext()),
                Route::Job { .. } => None,
            })
        };
        Self { asked: (keys().any(|has_ext| has_ext), keys().any(|has_ext| !has_ext)), ..self }
    }

    /// As a run that began at this time had to see them: what came later is for later runs. In milliseconds after the Unix epoch.
    #[must_use]
    pub fn as_of(self, began: u64) -> Self {
        self.locked().until = began.saturating_mul(1_000_000);
        self
    }

    /// With the recipes that the jobs have had, by their index.
    #[must_use]
    pub fn with_recipes(self, recipes: Vec<RecipeHistory>) -> Self {
        Self { recipes, ..self }
    }

    /// Says as of which run the listing is that follows; the first word counts.
    pub fn begins_as_of(&self, run: RunId) {
        self.run.get_or_init(|| run);
    }

    /// Whether what the listing showed may answer for a run: it is no later one.
    pub fn answers_for(&self, run: RunId) -> bool {
        self.run.get().is_some_and(|listed| run <= *listed)
    }

    /// Forgets the time of an output that was made since.
    pub fn forget_output(&self, key: &ObjectKey) {
        let (mut known, print) = (self.locked(), Fingerprint::from(key));
        known.written.remove(&print);
        known.arrived.remove(&print);
        known.doubtful.remove(&print);
    }

    /// What was found to be made by former recipes, among the entities that were asked about.
    pub fn former_outputs(&self) -> Vec<FormerOutputs> {
        self.locked().former.clone()
    }

    /// Takes the times of outputs.
    pub fn learn_outputs(&self, outputs: impl Iterator<Item = (Fingerprint, Dates)>) {
        let mut known = self.locked();
        for (output, dates) in outputs {
            if known.written.len() >= self.limit {
                return;
            }
            known.written.insert(output, dates.written);
            if dates.arrived > dates.written.saturating_add(LATE) {
                known.arrived.insert(output, dates.arrived);
            }
        }
    }

    /// Takes the time of a source. Files of one name and several extensions count as one.
    pub fn learn_source(&self, store: &StoreName, path: &str, dates: Dates) {
        // Of unknown time: as if it had just come.
        let arrived = if dates.arrived == 0 { u64::MAX } else { dates.arrived };
        let path = normal_form(path);
        let name = path.rsplit_once('.').filter(|(_, ext)| !ext.contains('/')).map_or(&*path, |(name, _)| name);
        let mut known = self.locked();
        if known.sources.len() >= self.limit {
            known.has_sources = false;
            return;
        }
        let by_name = self.asked.0.then(|| any_ext(store, name));
        let by_path = self.asked.1.then(|| Fingerprint::of(store.as_str(), &path));
        for print in by_name.into_iter().chain(by_path) {
            let latest = known.sources.entry(print).or_default();
            *latest = (*latest).max(arrived);
        }
    }

    /// Forgets the presence of those outputs of the `jobs` of an entity, and of their ancestors, that may be out of date: so
    /// they are looked at.
    pub fn forget_doubtful(&self, plan: &NodePlan, presence: &Presence, jobs: &[JobIx], entity: &EntityId) -> Glance {
        let mut known = self.locked();
        if let Some(times) = known.glance(plan, jobs, entity) {
            for at in jobs.iter().filter(|at| self.recipes.get(at.0).is_some_and(RecipeHistory::has_changed)) {
                if let Some(recipe) = self.recipes[at.0].former(times[at.0]) {
                    known.note_former(*at, recipe, entity);
                }
            }
            return Glance::UpToDate;
        }
        let mut looked = Looked::default();
        let mut any = false;
        for at in jobs {
            any |= known.is_doubtful(plan, presence, *at, entity, &mut looked);
            let target = Target { job: plan.job(*at).name.clone(), entity: entity.clone() };
            let written = looked.get(&target).and_then(|looked| looked.written);
            if let (Some(written), Some(history)) = (written, self.recipes.get(at.0))
                && let Some(recipe) = history.former(written)
            {
                known.note_former(*at, recipe, entity);
            }
        }
        if any { Glance::Doubtful } else { Glance::NotDoubtful }
    }

    /// Whether an output was found to be doubtful.
    pub fn is_doubtful(&self, key: &ObjectKey) -> bool {
        self.locked().doubtful.contains(&Fingerprint::from(key))
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As many jobs are looked at at a glance.
const AT_A_GLANCE: usize = 64;

impl Known {
    /// When the outputs of an entity were written, by the index of the job, where all those of `jobs` and of their ancestors
    /// are there and nothing came after what was made from it. None also where more is to be looked at than a glance
    /// shows.
    ///
    /// It says what [`Known::is_doubtful`] says, for a tenth of its time: nearly all entities of a catalogue are like this.
    fn glance(&self, plan: &NodePlan, jobs: &[JobIx], entity: &EntityId) -> Option<[u64; AT_A_GLANCE]> {
        if !self.has_sources || plan.jobs.len() > AT_A_GLANCE {
            return None;
        }
        let mut needed = 0_u64;
        for at in jobs {
            needed |= 1 << at.0;
            plan.job(*at).ancestors.iter().for_each(|above| needed |= 1 << above.0);
        }
        let mut times = [0; AT_A_GLANCE];
        while needed != 0 {
            let at = needed.trailing_zeros() as usize; // parents first
            needed &= needed - 1;
            let job = &plan.jobs[at];
            let [output] = &job.outputs[..] else { return None };
            let parts = job.form.split(entity)?;
            let print = Fingerprint::of(output.store.as_str(), &output.key.output_key(&parts));
            if self.doubtful.contains(&print) || (!self.arrived.is_empty() && self.arrived.contains_key(&print)) {
                return None;
            }
            let written = *self.written.get(&print)?;
            for input in &job.inputs {
                let came = match &input.from {
                    Route::Source { store, key, .. } => match source(&self.sources, store, key, &parts).unwrap_or(0) {
                        arrived if arrived == written && arrived.is_multiple_of(SECOND) => return None,
                        arrived => arrived,
                    },
                    Route::Job { job, entity: Mapping::Same, .. } => times[job.0],
                    Route::Job { entity: Mapping::To(_), .. } => return None,
                };
                if came > written && came <= self.until {
                    return None;
                }
            }
            times[at] = written;
        }
        Some(times)
    }

    fn is_doubtful(
        &mut self,
        plan: &NodePlan,
        presence: &Presence,
        at: JobIx,
        entity: &EntityId,
        looked: &mut Looked,
    ) -> bool {
        let job = plan.job(at);
        let Some(parts) = job.form.split(entity) else { return false };
        let target = Target { job: job.name.clone(), entity: entity.clone() };
        if let Some(known) = looked.get(&target) {
            return known.is_doubtful;
        }
        let keys: Vec<ObjectKey> = job.outputs.iter().map(|output| output.key_of(&parts)).collect();
        let print = Fingerprint::from(&keys[0]);
        let known = keys.iter().filter(|key| presence.knows(key, RunId::NEVER)).count();
        let (is_there, lacks_parts) = (known > 0, known > 0 && known < keys.len());
        let mut is_doubtful = self.doubtful.contains(&print);
        // Not of the listing: it was made since.
        let is_new = self.has_sources && is_there && !keys.iter().any(|key| latest(&self.written, key).is_some());
        let written = keys.iter().filter_map(|key| latest(&self.written, key)).min();
        if !is_doubtful {
            let (written, until) = (written.unwrap_or(0), self.until);
            let came_after = |arrived: u64| arrived > written && arrived <= until;
            // A bucket tells whole seconds: a source of the same second may have come after.
            let source_came =
                |arrived: u64| came_after(arrived) || (arrived == written && arrived.is_multiple_of(SECOND));
            is_doubtful = lacks_parts || (!self.has_sources && !job.inputs.is_empty());
            for input in &job.inputs {
                is_doubtful |= match &input.from {
                    Route::Source { store, key, .. } => {
                        source(&self.sources, store, key, &parts).is_some_and(source_came)
                    }
                    Route::Job { .. } => match parent_of(plan, input, entity, &parts) {
                        Some(Ok(parent)) => {
                            let arrived = latest(&self.arrived, &parent.key).or(latest(&self.written, &parent.key));
                            // What was made of an output that is missing is looked at when that is there again.
                            arrived.is_none_or(came_after)
                                | self.is_doubtful(plan, presence, parent.at, &parent.target.entity, looked)
                        }
                        _ => false,
                    },
                };
            }
            // One that is not there is made anew, and what it was made into is judged by what comes of that. What it is made
            // from was looked at all the same.
            is_doubtful &= is_there && !is_new;
        }
        if is_doubtful && is_there {
            self.doubtful.insert(print);
            keys.iter().for_each(|key| presence.forget(key));
        }
        let written = written.filter(|_| is_there && !lacks_parts);
        looked.insert(target, LookedAt { is_doubtful, written });
        is_doubtful
    }

    fn note_former(&mut self, at: JobIx, recipe: &DatedRecipe, entity: &EntityId) {
        let known = self.former.iter().position(|former| former.at == at && former.recipe == *recipe);
        let number = known.unwrap_or_else(|| {
            self.former.push(FormerOutputs { at, recipe: recipe.clone(), count: 0, entities: Vec::new() });
            self.former.len() - 1
        });
        let former = &mut self.former[number];
        former.count += 1;
        if former.entities.len() < FEW {
            former.entities.push(entity.clone());
        }
    }
}

/// What was found of the targets of one entity.
type Looked = HashMap<Target, LookedAt>;

/// What was found of a target.
struct LookedAt {
    is_doubtful: bool,
    /// When its outputs were written, where they are all there.
    written: Option<u64>,
}

/// The latest time of what lies under the paths of a key.
fn latest(times: &Times, key: &ObjectKey) -> Option<u64> {
    key.paths().filter_map(|path| times.get(&Fingerprint::of(key.store.as_str(), path)).copied()).max()
}

/// When the source of an entity came; none where it was not listed.
fn source(sources: &Times, store: &StoreName, key: &Template, parts: &Parts<'_>) -> Option<u64> {
    let print = match key.has_ext() {
        true => {
            let path = key.source_key(parts, "");
            any_ext(store, path.strip_suffix('.').unwrap_or(&path))
        }
        false => Fingerprint::of(store.as_str(), &key.source_key(parts, "")),
    };
    sources.get(&print).copied()
}

/// Stands for a path with any extension: no path has a zero.
fn any_ext(store: &StoreName, name: &str) -> Fingerprint {
    let mut text = String::with_capacity(name.len() + 1);
    text.push_str(name);
    text.push('\0');
    Fingerprint::of(store.as_str(), &text)
}
