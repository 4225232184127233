//! What follows a failed try: another one after a while, or the end.

use std::time::Duration;

use crate::outcome::{Fault, FaultKind, Reason};

/// How often a job tries an entity again, and how long it waits in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Further tries after the first.
    pub retries: u32,
    /// The wait before the second try; each later one is four times as long, up to five minutes.
    pub backoff: Duration,
}

/// The longest wait between two tries.
const MAX_WAIT: Duration = Duration::from_secs(300);
/// The most tries of work that killed its process.
const MAX_KILLS: u32 = 3;

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries: 4, backoff: Duration::from_secs(1) }
    }
}

/// What follows a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Another try after this long.
    Again(Duration),
    /// The end: a dead letter.
    Permanent(Reason),
    /// Declined: a skip record.
    Skip,
    /// No try was spent: the machine could not do it.
    NotTried,
}

impl RetryPolicy {
    /// What follows the fault of try number `attempt` (the first is 0). `seed` chooses the jitter.
    pub(crate) fn judge(&self, attempt: u32, fault: &Fault, seed: u64) -> RetryDecision {
        let tries = match fault.kind {
            FaultKind::Failed | FaultKind::Panicked | FaultKind::Timeout => self.retries.saturating_add(1),
            FaultKind::Killed => self.retries.saturating_add(1).min(MAX_KILLS),
            FaultKind::Fatal | FaultKind::BadInput => 1,
            FaultKind::Skip => return RetryDecision::Skip,
            FaultKind::NodeTrouble => return RetryDecision::NotTried,
        };
        if attempt + 1 < tries {
            RetryDecision::Again(self.wait(attempt, seed))
        } else {
            RetryDecision::Permanent(fault.kind.reason())
        }
    }

    /// `backoff` × 4^attempt, at most [`MAX_WAIT`], between half and all of it as `seed` says.
    fn wait(&self, attempt: u32, seed: u64) -> Duration {
        let full = self.backoff.saturating_mul(4u32.saturating_pow(attempt)).min(MAX_WAIT);
        let part = (seed ^ (seed >> 32)) as u32;
        full / 2 + full.mul_f64(0.5 * f64::from(part) / f64::from(u32::MAX))
    }
}

/// After so many times a message is put off for no longer than before.
pub(crate) const LONGEST_AT: u32 = 10;

/// How long a message is parked that was parked `parks` times before: a tenth of a second, doubled each time, at most a
/// minute. It starts short because most messages wait for work of another node that is nearly done.
pub(crate) fn park_wait(parks: u32) -> Duration {
    Duration::from_millis(100 << parks.min(LONGEST_AT)).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_one_and_the_retries_and_the_wait_grows_fourfold_within_its_bounds() {
        let policy = RetryPolicy { retries: 2, backoff: Duration::from_secs(1) };
        let fault = Fault::failed("no");
        for (attempt, base) in [(0, 1.0), (1, 4.0)] {
            for seed in [0, 7, u64::MAX / 3, u64::from(u32::MAX)] {
                let RetryDecision::Again(wait) = policy.judge(attempt, &fault, seed) else { panic!("gave up") };
                assert!((base / 2.0..=base).contains(&wait.as_secs_f64()), "{wait:?}");
            }
        }
        assert_eq!(policy.judge(2, &fault, 0), RetryDecision::Permanent(Reason::Failed));
        let many = RetryPolicy { retries: 100, ..policy };
        let RetryDecision::Again(wait) = many.judge(90, &fault, u64::from(u32::MAX)) else { panic!("gave up") };
        assert!(wait <= MAX_WAIT);
    }

    #[test]
    fn bad_input_is_not_tried_again_and_a_killer_at_most_three_times() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.judge(0, &Fault::bad_input("x"), 0), RetryDecision::Permanent(Reason::BadInput));
        let killed = Fault::new(FaultKind::Killed, "signal 9");
        assert!(matches!(policy.judge(1, &killed, 0), RetryDecision::Again(_)));
        assert_eq!(policy.judge(2, &killed, 0), RetryDecision::Permanent(Reason::KilledWorker));
        assert_eq!(policy.judge(0, &Fault::skip("x"), 0), RetryDecision::Skip);
        assert_eq!(policy.judge(9, &Fault::node_trouble("full"), 0), RetryDecision::NotTried);
    }
}
