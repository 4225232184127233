//! Remembers what failed for good or was skipped in a run, so that another continuation gets the same answer at once.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::ids::RunId;
use crate::message::{Failure, Target};

/// How many are remembered; a target whose failure is forgotten is tried once more.
const LIMIT: usize = 1 << 14;

/// The failures and skips of this node.
#[derive(Debug, Default)]
pub struct KnownFailures {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    failures: HashMap<(RunId, Target), Arc<Failure>>,
    /// The oldest first.
    order: VecDeque<(RunId, Target)>,
}

impl KnownFailures {
    /// Remembers a failure, whose record is in the state store.
    pub fn keep(&self, run: RunId, failure: Arc<Failure>) {
        let key = (run, failure.target.clone());
        let mut table = self.locked();
        if table.failures.insert(key.clone(), failure).is_none() {
            table.order.push_back(key);
        }
        if table.order.len() > LIMIT
            && let Some(oldest) = table.order.pop_front()
        {
            table.failures.remove(&oldest);
        }
    }

    /// The failure of a target in a run, if one is remembered. Its record may have been removed since.
    pub fn of(&self, run: RunId, target: &Target) -> Option<Arc<Failure>> {
        let table = self.locked();
        if table.failures.is_empty() {
            return None;
        }
        table.failures.get(&(run, target.clone())).cloned()
    }

    /// Forgets a target's failure: its record is gone, so it may be tried again.
    pub fn forget(&self, run: RunId, target: &Target) {
        self.locked().failures.remove(&(run, target.clone()));
    }

    fn locked(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
