//! What listings told of outputs and sources, and which outputs may be out of date by that.

use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasherDefault,
};

use super::confirmed::ConfirmedOutputs;
use super::fingerprint::{Fingerprint, PrehashedHasher};
use super::presence::Presence;
use super::times::Times;
use crate::edges::parent_of;
use crate::ids::{EntityId, RunId, StoreName};
use crate::message::Target;
use crate::plan::{InputPlan, JobIx, JobPlan, Mapping, NodePlan, OutputPlan, Route};
use crate::state::DatedRecipe;
use crate::storage::ObjectKey;
use crate::template::{Parts, Template};

/// In nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// So many outputs of a former recipe are named.
const FEW: usize = 1000;

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
pub(super) struct Known {
    pub(super) written: Times,
    /// When outputs came, where that is another time: somebody put them back from a backup.
    pub(super) arrived: Times,
    pub(super) sources: Times,
    /// Whether all sources were listed. If not, each output has to be looked at.
    pub(super) has_sources: bool,
    /// Whether each output has to be looked at, whatever its time.
    pub(super) looks_at_all: bool,
    /// Sources that came later do not matter.
    pub(super) until: u64,
    /// The primary outputs of which presence was forgotten: what was made from them is doubtful, too.
    pub(super) doubtful: HashSet<Fingerprint, BuildHasherDefault<PrehashedHasher>>,
    pub(super) former: Vec<FormerOutputs>,
    /// What was found to be good in spite of what came after it.
    pub(super) confirmed: ConfirmedOutputs,
    /// Where a catalogue is gone through part by part: by the index of the job, whether a source of it may be in another part than
    /// its entity.
    pub(super) by_parts: Option<Vec<bool>>,
}

/// As many jobs are looked at at a glance.
pub(super) const AT_A_GLANCE: usize = 64;

impl Known {
    /// When the outputs of an entity were written, by the index of the job, where all those of `jobs` and of their ancestors
    /// are there and nothing came after what was made from it. None also where more is to be looked at than a glance
    /// shows.
    ///
    /// It says what [`Known::is_doubtful`] says, for a tenth of its time: nearly all entities of a catalogue are like this.
    ///
    /// `is_renewed` says whether a job's output of this time is looked at whatever came after it.
    pub(super) fn glance(
        &self,
        plan: &NodePlan,
        jobs: &[JobIx],
        entity: &EntityId,
        is_renewed: impl Fn(JobIx, u64) -> bool,
    ) -> Option<[u64; AT_A_GLANCE]> {
        if !self.has_sources || self.looks_at_all || plan.jobs.len() > AT_A_GLANCE {
            return None;
        }
        let mut needed = 0_u64;
        for at in jobs {
            needed |= 1 << at.0;
            plan.job(*at).ancestors.iter().for_each(|above| needed |= 1 << above.0);
        }
        let (mut times, mut last) = ([0; AT_A_GLANCE], [0; AT_A_GLANCE]);
        while needed != 0 {
            let at = needed.trailing_zeros() as usize; // parents first
            needed &= needed - 1;
            let job = &plan.jobs[at];
            let parts = job.form.split(entity)?;
            if self.has_sources_elsewhere(at) {
                return None;
            }
            let (mut written, mut latest) = (u64::MAX, 0);
            for output in &job.outputs {
                let print = Fingerprint::of(output.store.as_str(), &output.key.output_key(&parts));
                if self.doubtful.contains(&print) || self.arrived.get(&print).is_some() {
                    return None;
                }
                let time = self.written.get(&print)?;
                (written, latest) = (written.min(time), latest.max(time));
            }
            if is_renewed(JobIx(at), written) {
                return None;
            }
            for input in &job.inputs {
                let (came, may_be_after) = match &input.from {
                    Route::Source { store, key, .. } => {
                        let came = source(&self.sources, store, key, &parts).unwrap_or(0);
                        (came, self.source_came_after(came, written))
                    }
                    Route::Job { job, entity: Mapping::Same, .. } => (last[job.0], last[job.0] > written),
                    Route::Job { entity: Mapping::To(_), .. } => return None,
                };
                if may_be_after && !self.confirmed.covers(&primary(job, &parts), written, came) {
                    return None;
                }
            }
            (times[at], last[at]) = (written, latest);
        }
        Some(times)
    }

    /// Whether a source that came then may have come after an output was written. A bucket tells whole seconds: a source of the
    /// same second may have.
    fn source_came_after(&self, came: u64, written: u64) -> bool {
        (came > written && came <= self.until) || (came == written && came.is_multiple_of(SECOND) && came > 0)
    }

    /// Notes that the outputs of some jobs of an entity, and of their ancestors, were looked at and are good: nobody need look
    /// again until something comes after what is known to have come. What came at `since` or later is not taken for known: it may
    /// have come after the look.
    pub(super) fn confirm(&mut self, plan: &NodePlan, jobs: &[JobIx], entity: &EntityId, since: u64) {
        let mut needed: Vec<JobIx> = jobs.iter().flat_map(|at| plan.job(*at).ancestors.iter().copied()).collect();
        needed.extend(jobs);
        needed.sort_unstable();
        needed.dedup();
        for at in needed {
            let job = plan.job(at);
            let Some(parts) = job.form.split(entity) else { continue };
            let written = |output: &OutputPlan| latest(&self.written, &output.key_of(&parts));
            let Some(Some(written)) = job.outputs.iter().map(written).min() else { continue };
            let came = |input: &InputPlan| match &input.from {
                Route::Source { store, key, .. } => Some(source(&self.sources, store, key, &parts).unwrap_or(0)),
                Route::Job { .. } => match parent_of(plan, input, entity, &parts) {
                    Some(Ok(parent)) => latest(&self.arrived, &parent.key).or(latest(&self.written, &parent.key)),
                    _ => None,
                },
            };
            // Of what is not known nothing is said.
            let Some(came) = job.inputs.iter().map(came).collect::<Option<Vec<u64>>>() else { continue };
            let came = came.into_iter().max().unwrap_or(0);
            if came >= written && came < since {
                self.confirmed.note(primary(job, &parts), written, came);
            }
        }
    }

    /// Whether a source of a job may be in another part of the catalogue than its entity, so that its time is not known.
    fn has_sources_elsewhere(&self, at: usize) -> bool {
        self.by_parts.as_ref().is_some_and(|elsewhere| elsewhere.get(at).copied().unwrap_or(true))
    }

    pub(super) fn is_doubtful(
        &mut self,
        plan: &NodePlan,
        presence: &Presence,
        at: JobIx,
        entity: &EntityId,
        (looked, is_renewed): (&mut Looked, &dyn Fn(JobIx, u64) -> bool),
    ) -> bool {
        let job = plan.job(at);
        let Some(parts) = job.form.split(entity) else { return false };
        let target = Target { job: job.name.clone(), entity: entity.clone() };
        if let Some(known) = looked.get(&target) {
            return known.is_doubtful;
        }
        let keys: Vec<ObjectKey> = job.outputs.iter().map(|output| output.key_of(&parts)).collect();
        let print = Fingerprint::from(&keys[0]);
        // Presence does not tell all that a part has: what works on other entities ask for is looked at by them.
        let is_in_part = |key: &ObjectKey| {
            let mut prints = key.paths().map(|path| Fingerprint::of(key.store.as_str(), path));
            self.by_parts.is_some() && prints.any(|print| self.written.is_in_part(&print))
        };
        let known = keys.iter().filter(|key| presence.knows(key, RunId::NEVER) || is_in_part(key)).count();
        let (is_there, lacks_parts) = (known > 0, known > 0 && known < keys.len());
        let mut is_doubtful = self.doubtful.contains(&print);
        // Not of the listing: it was made since.
        let is_new = self.has_sources && is_there && !keys.iter().any(|key| latest(&self.written, key).is_some());
        let written = keys.iter().filter_map(|key| latest(&self.written, key)).min();
        if !is_doubtful {
            let written = written.unwrap_or(0);
            is_doubtful = lacks_parts
                || self.looks_at_all
                || (!self.has_sources && !job.inputs.is_empty())
                || is_renewed(at, written)
                || self.has_sources_elsewhere(at.0);
            for input in &job.inputs {
                is_doubtful |= match &input.from {
                    Route::Source { store, key, .. } => source(&self.sources, store, key, &parts).is_some_and(|came| {
                        self.source_came_after(came, written) && !self.confirmed.covers(&print, written, came)
                    }),
                    Route::Job { .. } => match parent_of(plan, input, entity, &parts) {
                        Some(Ok(parent)) if self.by_parts.is_some() && parent.target.entity != *entity => {
                            // Of another part: what is known of it now may not be all.
                            presence.forget(&parent.key);
                            true
                        }
                        Some(Ok(parent)) => {
                            let arrived = latest(&self.arrived, &parent.key).or(latest(&self.written, &parent.key));
                            // What was made of an output that is missing is looked at when that is there again.
                            let entity = &parent.target.entity;
                            let is_after = |came: u64| came > written && !self.confirmed.covers(&print, written, came);
                            arrived.is_none_or(is_after)
                                | self.is_doubtful(plan, presence, parent.at, entity, (&mut *looked, is_renewed))
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

    pub(super) fn note_former(&mut self, at: JobIx, recipe: &DatedRecipe, entity: &EntityId) {
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
pub(super) type Looked = HashMap<Target, LookedAt>;

/// What was found of a target.
pub(super) struct LookedAt {
    is_doubtful: bool,
    /// When its outputs were written, where they are all there.
    pub(super) written: Option<u64>,
}

/// The latest time of what lies under the paths of a key.
fn latest(times: &Times, key: &ObjectKey) -> Option<u64> {
    key.paths().filter_map(|path| times.get(&Fingerprint::of(key.store.as_str(), path))).max()
}

/// The primary output of a work.
fn primary(job: &JobPlan, parts: &Parts<'_>) -> Fingerprint {
    let output = &job.outputs[0];
    Fingerprint::of(output.store.as_str(), &output.key.output_key(parts))
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
    sources.get(&print)
}

/// Stands for a path with any extension: no path has a zero.
pub(super) fn any_ext(store: &StoreName, name: &str) -> Fingerprint {
    let mut text = String::with_capacity(name.len() + 1);
    text.push_str(name);
    text.push('\0');
    Fingerprint::of(store.as_str(), &text)
}
