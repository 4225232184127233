//! Waits for a store that is in trouble with what must not be done again: a finished product, the record of an end.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::executor::Executor;
use crate::storage::StorageError;

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(10);

/// The part of the time for which a message may be in hand that is waited for a store; the rest is for what follows.
const PART: f64 = 0.8;

/// How long the message in hand may still be kept.
#[derive(Debug)]
pub(super) struct Patience {
    /// None where the broker lets it be in hand for ever.
    until: Option<Instant>,
    /// The next wait.
    wait: Duration,
}

impl Executor {
    /// With the message in hand.
    pub(super) fn patience(&self) -> Patience {
        let longest = self.node.settings.broker.longest_in_hand(&self.job.name);
        Patience { until: longest.map(|longest| self.arrived + longest.mul_f64(PART)), wait: FIRST }
    }

    /// Waits before the store is asked again. Returns whether to ask: not where the error is no trouble that may pass, or the
    /// broker would take the message away.
    pub(super) async fn waits_for(&self, error: &StorageError, patience: &mut Patience) -> bool {
        if !error.is_trouble() || patience.until.is_some_and(|until| Instant::now() + patience.wait > until) {
            return false;
        }
        self.note_storage(Some(error));
        tokio::select! {
            biased;
            () = self.pool.drains() => return false, // a process that is to end does not wait for a store
            () = sleep(patience.wait) => {}
        }
        patience.wait = (patience.wait * 2).min(LONGEST);
        true
    }
}
