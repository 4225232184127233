//! Remembers what failed for good or was skipped in a run, so that another continuation gets the same verdict at once.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::ids::RunId;
use crate::message::{Failure, Target};

/// How many are remembered; what is forgotten is tried once more.
const LIMIT: usize = 1 << 14;

/// The failures and skips of this node.
#[derive(Debug, Default)]
pub struct Verdicts {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    failures: HashMap<(RunId, Target), Arc<Failure>>,
    order: VecDeque<(RunId, Target)>,
    vanished: HashMap<(RunId, Target), u32>,
}

impl Verdicts {
    /// Remembers a failure, whose record is in the state store.
    pub fn keep(&self, run: RunId, failure: Arc<Failure>) {
        let key = (run, failure.target.clone());
        let mut memory = self.locked();
        if memory.failures.insert(key.clone(), failure).is_none() {
            memory.order.push_back(key);
        }
        if memory.order.len() > LIMIT
            && let Some(oldest) = memory.order.pop_front()
        {
            memory.failures.remove(&oldest);
        }
    }

    /// The failure of a target in a run, if one is remembered. Its record may have been removed since.
    pub fn of(&self, run: RunId, target: &Target) -> Option<Arc<Failure>> {
        let memory = self.locked();
        if memory.failures.is_empty() {
            return None;
        }
        memory.failures.get(&(run, target.clone())).cloned()
    }

    /// Forgets a target's failure: its record is gone, so it may be tried again.
    pub fn forget(&self, run: RunId, target: &Target) {
        self.locked().failures.remove(&(run, target.clone()));
    }

    /// Counts that an input of a target was seen and could not be read, and says how often that was now.
    pub fn vanished(&self, run: RunId, target: &Target) -> u32 {
        let mut memory = self.locked();
        if memory.vanished.len() > LIMIT {
            memory.vanished.clear();
        }
        let count = memory.vanished.entry((run, target.clone())).or_default();
        *count += 1;
        *count
    }

    /// Ends the count of [`Verdicts::vanished`].
    pub fn readable(&self, run: RunId, target: &Target) {
        let mut memory = self.locked();
        if !memory.vanished.is_empty() {
            memory.vanished.remove(&(run, target.clone()));
        }
    }

    fn locked(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
