//! How far a pool is on its way to its end, and how its workers hear of it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// How far a pool is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Taking messages.
    Serving,
    /// Finishing the work in hand, taking no more.
    Draining,
    /// Dropping what is in hand: it goes back to its queue.
    Now,
}

/// The phase of a pool. Workers hear of a change in the order in which they began to wait, so that a simulation of a seed
/// is always the same; a `watch` channel of tokio wakes them in an order of chance.
#[derive(Debug)]
pub(crate) struct PhaseSwitch {
    phase: Mutex<Phase>,
    changed: Notify,
}

impl PhaseSwitch {
    /// Of a pool that serves.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { phase: Mutex::new(Phase::Serving), changed: Notify::new() })
    }

    /// The phase.
    pub fn now(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on to a phase; never back.
    pub fn raise(&self, to: Phase) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if to > *phase {
            *phase = to;
            drop(phase);
            self.changed.notify_waiters();
        }
    }

    /// Waits until the pool is so far at least.
    pub async fn reaches(&self, phase: Phase) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.now() >= phase {
                return;
            }
            changed.await;
        }
    }
}
