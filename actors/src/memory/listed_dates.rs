//! When outputs were written and sources came, as listings told it: which outputs may be out of date, for the price of a
//! comparison.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::doubt::{FormerOutputs, Known, Looked, any_ext};
use super::fingerprint::Fingerprint;
use super::presence::Presence;
use crate::ids::{EntityId, RunId, StoreName, normal_form};
use crate::message::Target;
use crate::plan::{JobIx, NodePlan, Route};
use crate::refresh::Refresh;
use crate::state::RecipeHistory;
use crate::storage::{Dates, ObjectKey};

/// By how much an output may have come later than it was written before that is told: it is put in place after it is
/// written.
const LATE: u64 = 10_000_000_000;

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
    /// The jobs of which former recipes matter, by their index.
    renewed: Vec<bool>,
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

impl ListedDates {
    /// For at most `limit` outputs and as many sources: whatever is beyond that has to be looked at.
    pub fn up_to(limit: usize, has_sources: bool) -> Self {
        let known = Mutex::new(Known { has_sources, until: u64::MAX, ..Known::default() });
        Self { known, limit, recipes: Vec::new(), renewed: Vec::new(), run: OnceLock::new(), asked: (true, true) }
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

    /// As a run that began at this time had to see them: sources that came later are for later runs, and outputs are what it
    /// made itself. In milliseconds after the Unix epoch.
    #[must_use]
    pub fn as_of(self, began: u64) -> Self {
        self.locked().until = began.saturating_mul(1_000_000);
        self
    }

    /// With the recipes that the jobs have had, by their index, for a run that makes `refresh` anew.
    #[must_use]
    pub fn with_recipes(self, plan: &NodePlan, recipes: Vec<RecipeHistory>, refresh: &Refresh) -> Self {
        self.locked().looks_at_all = refresh.exact;
        Self { recipes, renewed: plan.jobs.iter().map(|job| refresh.recipes.names(&job.name)).collect(), ..self }
    }

    /// Whether a former recipe may have made what was written at this time, of a job of which that matters.
    fn is_renewed(&self, at: JobIx, written: u64) -> bool {
        self.renewed.get(at.0).is_some_and(|renewed| *renewed)
            && self.recipes.get(at.0).is_none_or(|recipes| recipes.may_be_former(written))
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
        if let Some(times) = known.glance(plan, jobs, entity, |at, written| self.is_renewed(at, written)) {
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
            any |= known.is_doubtful(
                plan,
                presence,
                *at,
                entity,
                (&mut looked, &|at, written| self.is_renewed(at, written)),
            );
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
