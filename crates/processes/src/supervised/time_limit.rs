//! When a program gets SIGTERM and when SIGKILL, so that both are over before the job's timeout.

use std::time::Duration;

/// The two moments, counted from the beginning of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeLimit {
    /// SIGTERM after this long.
    pub(crate) term_after: Duration,
    /// SIGKILL this long after SIGTERM.
    pub(crate) grace: Duration,
}

impl TimeLimit {
    /// The limit of a try that may take `timeout`: five seconds to end in (a quarter of a short timeout), and at most half
    /// a second for the kernel and for us to notice that it is dead.
    pub(crate) fn within(timeout: Duration) -> Self {
        let grace = (timeout / 4).min(Duration::from_secs(5));
        let moment = (timeout / 20).min(Duration::from_millis(500));
        Self { term_after: timeout.saturating_sub(grace + moment), grace }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_signals_are_sent_within_the_timeout() {
        let seconds = |timeout| {
            let limit = TimeLimit::within(Duration::from_secs_f64(timeout));
            (limit.term_after.as_secs_f64(), limit.grace.as_secs_f64())
        };
        assert_eq!(seconds(600.0), (594.5, 5.0));
        assert_eq!(seconds(4.0), (2.8, 1.0));
    }
}
