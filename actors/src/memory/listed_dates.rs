//! When outputs were written and sources came, as listings told it: which outputs may be out of date, for the price of a
//! comparison.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::confirmed::ConfirmedOutputs;
use super::doubt::{FormerOutputs, Known, Looked, any_ext};
use super::fingerprint::Fingerprint;
use super::presence::Presence;
use super::sorted_times::SortedTimes;
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
    /// What was written before is looked at: the job may have read elsewhere. By the index of the job.
    read_elsewhere_until: Vec<u64>,
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

/// The times of a part of a catalogue.
#[derive(Clone, Debug, Default)]
pub struct ListedPart {
    /// When its outputs were written.
    pub written: Arc<SortedTimes>,
    /// When those came that came later than they were written.
    pub arrived: Arc<SortedTimes>,
    /// When its sources came, as [`ListedDates::source_prints`] names them.
    pub sources: Arc<SortedTimes>,
}

impl ListedDates {
    /// For at most `limit` outputs and as many sources: whatever is beyond that has to be looked at.
    pub fn up_to(limit: usize, has_sources: bool) -> Self {
        let known = Mutex::new(Known { has_sources, until: u64::MAX, ..Known::default() });
        Self {
            known,
            limit,
            recipes: Vec::new(),
            renewed: Vec::new(),
            read_elsewhere_until: Vec::new(),
            run: OnceLock::new(),
            asked: (true, true),
        }
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
        let renewed = plan.jobs.iter().map(|job| refresh.recipes.names(&job.name)).collect();
        let read_elsewhere_until = recipes.iter().map(RecipeHistory::read_elsewhere_until).collect();
        Self { recipes, renewed, read_elsewhere_until, ..self }
    }

    /// With what was found to be good in spite of what came after it.
    #[must_use]
    pub fn with_confirmed(self, confirmed: ConfirmedOutputs) -> Self {
        self.locked().confirmed = confirmed;
        self
    }

    /// Notes that the outputs of some jobs of an entity, and of their ancestors, were looked at and are good. What came at `since`
    /// or later, in nanoseconds after the Unix epoch, may have come after the look, and is looked at again.
    pub fn confirm(&self, plan: &NodePlan, jobs: &[JobIx], entity: &EntityId, since: u64) {
        self.locked().confirm(plan, jobs, entity, since);
    }

    /// A record of what was found to be good, where something was noted since it was read.
    pub fn confirmed_record(&self) -> Option<Vec<u8>> {
        let known = self.locked();
        known.confirmed.is_news().then(|| known.confirmed.to_record())
    }

    /// Whether what was written at this time has to be looked at whatever came after it: a former recipe of a job of which that
    /// matters may have made it, or the job read elsewhere then.
    fn is_renewed(&self, at: JobIx, written: u64) -> bool {
        let is_renewed = self.renewed.get(at.0).is_some_and(|renewed| *renewed)
            && self.recipes.get(at.0).is_none_or(|recipes| recipes.may_be_former(written));
        is_renewed || self.read_elsewhere_until.get(at.0).is_some_and(|until| written < *until)
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
        self.forget_fingerprint(key.into());
    }

    /// The same for a fingerprint.
    pub fn forget_fingerprint(&self, print: Fingerprint) {
        let mut known = self.locked();
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
            if known.written.learned() >= self.limit {
                return;
            }
            known.written.insert(output, dates.written);
            if let Some(arrived) = Self::late(dates) {
                known.arrived.insert(output, arrived);
            }
        }
    }

    /// When an output came, where that is another time than that at which it was written.
    pub fn late(dates: Dates) -> Option<u64> {
        (dates.arrived > dates.written.saturating_add(LATE)).then_some(dates.arrived)
    }

    /// Takes the time of a source. Files of one name and several extensions count as one.
    pub fn learn_source(&self, store: &StoreName, path: &str, dates: Dates) {
        let mut known = self.locked();
        if known.sources.learned() >= self.limit {
            known.has_sources = false;
            return;
        }
        let (prints, arrived) = self.source_prints(store, &normal_form(path), dates);
        prints.into_iter().flatten().for_each(|print| known.sources.insert_latest(print, arrived));
    }

    /// By what a source is asked for whose path has this normal form, and when it came.
    pub fn source_prints(&self, store: &StoreName, path: &str, dates: Dates) -> ([Option<Fingerprint>; 2], u64) {
        // Of unknown time: as if it had just come.
        let arrived = if dates.arrived == 0 { u64::MAX } else { dates.arrived };
        let name = path.rsplit_once('.').filter(|(_, ext)| !ext.contains('/')).map_or(path, |(name, _)| name);
        let by_name = self.asked.0.then(|| any_ext(store, name));
        let by_path = self.asked.1.then(|| Fingerprint::of(store.as_str(), path));
        ([by_name, by_path], arrived)
    }

    /// How many outputs and how many sources were learned one by one.
    pub fn learned(&self) -> (usize, usize) {
        let known = self.locked();
        (known.written.learned(), known.sources.learned())
    }

    /// From now on the catalogue is gone through part by part: what is known of an entity is known while its part is shown.
    /// `elsewhere` says by the index of a job whether a source of it may be in another part.
    pub fn go_by_parts(&self, elsewhere: Vec<bool>) {
        self.locked().by_parts.get_or_insert(elsewhere);
    }

    /// Shows a part of the catalogue, in place of the part before.
    pub fn show_part(&self, part: &ListedPart) {
        let mut known = self.locked();
        known.written.show_part(part.written.clone());
        known.arrived.show_part(part.arrived.clone());
        known.sources.show_part(part.sources.clone());
        // Of other parts nothing is known, and that is as doubtful.
        let Known { doubtful, written, .. } = &mut *known;
        doubtful.retain(|print| written.has_learned(print));
    }

    /// Forgets the presence of those outputs of the `jobs` of an entity, and of their ancestors, that may be out of date: so
    /// they are looked at.
    pub fn forget_doubtful(&self, plan: &NodePlan, presence: &Presence, jobs: &[JobIx], entity: &EntityId) -> Glance {
        self.look(plan, presence, jobs, entity, false)
    }

    /// The same, and notes what former recipes made. Once for each entity, or it is counted twice.
    pub fn take_stock(&self, plan: &NodePlan, presence: &Presence, jobs: &[JobIx], entity: &EntityId) -> Glance {
        self.look(plan, presence, jobs, entity, true)
    }

    /// Forgets that a former recipe made an output of the entity of which stock was taken last: it is made anew.
    pub fn forget_former(&self, at: JobIx, entity: &EntityId) {
        for former in self.locked().former.iter_mut().filter(|former| former.at == at) {
            if former.entities.last() == Some(entity) {
                former.entities.pop();
                former.count -= 1;
            }
        }
    }

    fn look(&self, plan: &NodePlan, presence: &Presence, jobs: &[JobIx], entity: &EntityId, notes: bool) -> Glance {
        let mut known = self.locked();
        let has_changed = |at: &&JobIx| notes && self.recipes.get(at.0).is_some_and(RecipeHistory::has_changed);
        if let Some(times) = known.glance(plan, jobs, entity, |at, written| self.is_renewed(at, written)) {
            for at in jobs.iter().filter(has_changed) {
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
            let written = looked.get(&target).and_then(|looked| looked.written).filter(|_| notes);
            if let (Some(written), Some(history)) = (written, self.recipes.get(at.0))
                && let Some(recipe) = history.former(written)
            {
                known.note_former(*at, recipe, entity);
            }
        }
        if any { Glance::Doubtful } else { Glance::NotDoubtful }
    }

    /// Whether an output was found to be doubtful. Of one that is in no part of a catalogue nobody knows.
    pub fn is_doubtful(&self, key: &ObjectKey) -> bool {
        let known = self.locked();
        known.by_parts.is_some() || known.doubtful.contains(&Fingerprint::from(key))
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
