//! Counts how often an input of a target was seen and could then not be read.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::ids::RunId;
use crate::message::Target;

/// How many targets are counted. Beyond it all counts start anew: a few more tries before a target is given up.
const LIMIT: usize = 1 << 14;

/// The counts of this node.
#[derive(Debug, Default)]
pub struct UnreadableInputs {
    counts: Mutex<HashMap<(RunId, Target), u32>>,
}

impl UnreadableInputs {
    /// Counts one more and says how many there are now.
    pub fn count(&self, run: RunId, target: &Target) -> u32 {
        let mut counts = self.locked();
        if counts.len() > LIMIT {
            counts.clear();
        }
        let count = counts.entry((run, target.clone())).or_default();
        *count += 1;
        *count
    }

    /// Ends the count of a target: all of its inputs were read.
    pub fn clear(&self, run: RunId, target: &Target) {
        let mut counts = self.locked();
        if !counts.is_empty() {
            counts.remove(&(run, target.clone()));
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<(RunId, Target), u32>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
