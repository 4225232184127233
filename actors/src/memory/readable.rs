//! Remembers for a while that a store was seen to give objects to this node, and which source of a target it refuses.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::ids::{RunId, StoreName};
use crate::message::Target;

/// For how long that counts: rights change.
const LONGEST: Duration = Duration::from_secs(60);

/// How many targets are remembered. Beyond it all waits begin anew.
const MOST: usize = 1 << 14;

/// The parts of stores that could be read, and when. There is one for each source of the graph at the most.
#[derive(Debug, Default)]
pub struct Readable {
    seen: Mutex<HashMap<(StoreName, String), Instant>>,
    /// When a source of a target was first refused.
    refused: Mutex<HashMap<(RunId, Target), Instant>>,
}

impl Readable {
    /// Whether objects below `prefix` could be read of late.
    pub fn is_known(&self, store: &StoreName, prefix: &str) -> bool {
        let seen = self.locked().get(&(store.clone(), prefix.to_owned())).copied();
        seen.is_some_and(|seen| seen.elapsed() < LONGEST)
    }

    /// An object below `prefix` was read.
    pub fn note(&self, store: &StoreName, prefix: &str) {
        self.locked().insert((store.clone(), prefix.to_owned()), Instant::now());
    }

    /// A source of this target was refused: for how long by now.
    pub fn refused_for(&self, run: RunId, target: &Target) -> Duration {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() > MOST {
            refused.clear();
        }
        refused.entry((run, target.clone())).or_insert_with(Instant::now).elapsed()
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<(StoreName, String), Instant>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
