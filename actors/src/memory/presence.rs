//! Remembers which objects are known to exist, up to a bound. Presence only, never absence.

use std::{
    collections::HashSet,
    hash::BuildHasherDefault,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use dashmap::DashMap;

use super::fingerprint::{Fingerprint, PrehashedHasher};
use super::sorted_times::SortedTimes;
use crate::edges::parent_of;
use crate::ids::{EntityId, RunId};
use crate::plan::{JobIx, NodePlan};
use crate::storage::ObjectKey;

/// The objects known to exist, and the run under which each was last seen or made.
///
/// An entry is 96 bits of a hash of the key and the number of the run: 16 bytes, at most 40 with the map around it. The
/// map has a byte more for each place, and 7 of 16 places are taken when it has just doubled: 38.9 bytes an entry. It
/// doubles shard by shard, so that beside the new places stand the old ones of one shard only.
/// That two of 10⁸ keys share their hash has a chance below 10⁻¹²; reading such an object would undo the error.
#[derive(Debug)]
pub struct Presence {
    seen: DashMap<Fingerprint, u32, BuildHasherDefault<PrehashedHasher>>,
    runs: RwLock<Vec<RunId>>,
    part: RwLock<Option<Part>>,
    len: AtomicUsize,
    limit: usize,
}

/// What a listing showed of a part of a catalogue: it makes room for the next part.
#[derive(Debug)]
struct Part {
    listed: Arc<SortedTimes>,
    /// As of which run.
    run: RunId,
    /// What turned out not to be there, or is to be looked at.
    forgotten: HashSet<Fingerprint, BuildHasherDefault<PrehashedHasher>>,
}

/// The same on every machine. With fewer, the old places of a shard that doubles would weigh more; with more, shards would
/// be so small that the allocator keeps the old ones instead of giving them back to the system.
const SHARDS: usize = 16;

impl Presence {
    /// Remembers at most `limit` objects. All others are looked up each time.
    pub fn up_to(limit: usize) -> Self {
        let seen = DashMap::with_hasher_and_shard_amount(BuildHasherDefault::default(), SHARDS);
        Self { seen, runs: RwLock::default(), part: RwLock::default(), len: AtomicUsize::new(0), limit }
    }

    /// Remembers that an object was seen or made under `run`.
    pub fn learn(&self, key: &ObjectKey, run: RunId) {
        self.learn_fingerprint(key.into(), run);
    }

    /// The same for a fingerprint, for listings.
    pub fn learn_fingerprint(&self, key: Fingerprint, run: RunId) {
        let Some(number) = self.number_of(run) else { return };
        if let Some(mut known) = self.seen.get_mut(&key) {
            *known = (*known).max(number);
            return;
        }
        if self.len.load(Ordering::Relaxed) < self.limit && self.seen.insert(key, number).is_none() {
            self.len.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Remembers what a listing showed of one part of a catalogue as of `run`, in place of the part before. It counts beside the
    /// limit.
    pub fn show_part(&self, listed: Arc<SortedTimes>, run: RunId) {
        let part = Part { listed, run, forgotten: HashSet::default() };
        *self.part.write().unwrap_or_else(PoisonError::into_inner) = Some(part);
    }

    /// Forgets what jobs made of an entity, and all that it was made from, of other entities too: it is looked at.
    pub fn forget_made(&self, plan: &NodePlan, jobs: &[JobIx], entity: &EntityId) {
        let mut left: Vec<(JobIx, EntityId)> = jobs.iter().map(|at| (*at, entity.clone())).collect();
        let mut seen = HashSet::new();
        while let Some((at, entity)) = left.pop() {
            let job = plan.job(at);
            let Some(parts) = job.form.split(&entity).filter(|_| seen.insert((at, entity.clone()))) else { continue };
            job.outputs.iter().for_each(|output| self.forget(&output.key_of(&parts)));
            let parents = job.inputs.iter().filter_map(|input| parent_of(plan, input, &entity, &parts)?.ok());
            left.extend(parents.map(|parent| (parent.at, parent.target.entity)));
        }
    }

    /// Forgets an object that turned out not to be there.
    pub fn forget(&self, key: &ObjectKey) {
        key.paths().for_each(|path| self.forget_fingerprint(Fingerprint::of(key.store.as_str(), path)));
    }

    /// The same for a fingerprint.
    pub fn forget_fingerprint(&self, print: Fingerprint) {
        if self.seen.remove(&print).is_some() {
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
        if self.is_in_part(print, RunId::NEVER)
            && let Some(part) = &mut *self.part.write().unwrap_or_else(PoisonError::into_inner)
        {
            part.forgotten.insert(print);
        }
    }

    fn is_in_part(&self, print: Fingerprint, run: RunId) -> bool {
        let part = self.part.read().unwrap_or_else(PoisonError::into_inner);
        part.as_ref().is_some_and(|part| {
            part.run >= run && part.listed.get(&print).is_some() && !part.forgotten.contains(&print)
        })
    }

    /// Whether an object was seen or made under `run` or a later one.
    pub fn knows(&self, key: &ObjectKey, run: RunId) -> bool {
        key.paths().any(|path| self.knows_fingerprint(Fingerprint::of(key.store.as_str(), path), run))
    }

    /// The same for a fingerprint. Always `false` for the inbox: it has no run that began, so nothing says since when an
    /// answer must hold.
    pub fn knows_fingerprint(&self, key: Fingerprint, run: RunId) -> bool {
        if run.is_inbox() {
            return false;
        }
        let is_seen = self.seen.get(&key).map(|number| *number).is_some_and(|number| {
            let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
            runs.get(number as usize).is_some_and(|known| *known >= run)
        });
        is_seen || self.is_in_part(key, run)
    }

    /// How many objects it remembers.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether it remembers none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs get numbers in their order. A run older than all that this node met cannot get one, and its objects are not
    /// remembered. A run between two others counts as the earlier one. Both only cost look-ups.
    fn number_of(&self, run: RunId) -> Option<u32> {
        let at_most = |runs: &[RunId]| runs.partition_point(|known| *known <= run).checked_sub(1).map(|at| at as u32);
        {
            let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
            if run.is_inbox() {
                return at_most(&runs); // as the run before it: each inbox message has a run of its own, too many for numbers
            }
            if runs.last().is_some_and(|last| *last >= run) {
                return at_most(&runs);
            }
        }
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        if runs.last().is_none_or(|last| *last < run) {
            runs.push(run);
        }
        at_most(&runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StoreName;

    fn key(n: usize) -> ObjectKey {
        ObjectKey::new(StoreName::new("s").expect("a name"), format!("mel/t-{n}.npy"))
    }

    #[test]
    fn presence_counts_only_under_the_run_it_was_learned_in_or_an_earlier_one() {
        let (old, new) = (RunId::new(1, 0), RunId::new(2, 0));
        let presence = Presence::up_to(10);
        presence.learn(&key(1), old);
        assert!(presence.knows(&key(1), old) && !presence.knows(&key(1), new));
        presence.learn(&key(1), new);
        presence.learn(&key(1), old);
        assert!(presence.knows(&key(1), new), "a later run's knowledge was lost");
        presence.forget(&key(1));
        assert!(!presence.knows(&key(1), old) && presence.is_empty());
    }

    #[test]
    fn an_older_run_met_later_never_passes_for_a_newer_one() {
        let presence = Presence::up_to(10);
        presence.learn(&key(1), RunId::new(5, 0));
        presence.learn(&key(2), RunId::new(3, 0));
        assert!(!presence.knows(&key(2), RunId::new(4, 0)), "known under a run that never saw it");
    }

    #[test]
    fn a_part_of_a_catalogue_takes_the_place_of_the_one_before() {
        use crate::memory::UnsortedTimes;
        let (old, run) = (RunId::new(1, 0), RunId::new(2, 0));
        let presence = Presence::up_to(10);
        let part = |n: usize| {
            let mut times = UnsortedTimes::default();
            times.add((&key(n)).into(), 7);
            Arc::new(times.sorted())
        };
        presence.learn(&key(0), run);
        presence.show_part(part(1), run);
        assert!(presence.knows(&key(1), run) && presence.knows(&key(1), old) && !presence.knows(&key(2), run));
        assert!(!presence.knows(&key(1), RunId::new(3, 0)), "known under a later run than it was listed for");
        presence.forget(&key(1));
        assert!(!presence.knows(&key(1), run));
        presence.show_part(part(2), run);
        assert!(!presence.knows(&key(1), run) && presence.knows(&key(2), run) && presence.knows(&key(0), run));
        presence.show_part(part(1), run);
        assert!(presence.knows(&key(1), run), "forgotten of another showing");
    }

    #[test]
    fn beyond_its_bound_it_remembers_no_more_and_stays_right() {
        let run = RunId::new(1, 0);
        let presence = Presence::up_to(3);
        (0..5).for_each(|n| presence.learn(&key(n), run));
        assert_eq!(presence.len(), 3);
        assert!(presence.knows(&key(0), run) && !presence.knows(&key(4), run));
    }
}
