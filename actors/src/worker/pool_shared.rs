//! What the workers of one pool share: how many of them may wait at once, and whether a store is in trouble.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Shared by the workers of one pool.
#[derive(Debug)]
pub(crate) struct PoolShared {
    waiters: Arc<Semaphore>,
    stalled: AtomicBool,
}

impl PoolShared {
    /// For a pool of so many workers. Half of them may wait for others, so that the pool always moves.
    pub fn of(workers: usize) -> Arc<Self> {
        Arc::new(Self { waiters: Arc::new(Semaphore::new(workers / 2)), stalled: AtomicBool::new(false) })
    }

    /// The right to wait for another worker, until it is dropped; none where too many wait already.
    pub(super) fn may_wait(&self) -> Option<OwnedSemaphorePermit> {
        self.waiters.clone().try_acquire_owned().ok()
    }

    /// Notes whether a store is in trouble. Returns whether that is news.
    pub(super) fn note_stalled(&self, stalled: bool) -> bool {
        self.stalled.swap(stalled, Ordering::Relaxed) != stalled
    }
}
