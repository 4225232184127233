//! The age of a file by the clock of its file system.

use std::time::Duration;

/// How far ahead of the clock the time of a file may be, for clocks of file systems go in steps.
const AHEAD: Duration = Duration::from_secs(2);

/// The age of a file that was `written` at this time since 1970, where it is `now`. None where that is of the future: the clock
/// was ahead when it was written, or is behind.
pub(super) fn age(written: Duration, now: Duration) -> Option<Duration> {
    if written > now + AHEAD { None } else { Some(now.saturating_sub(written)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_future_is_no_age() {
        let at = Duration::from_millis;
        let cases = [(1_000, Some(9_000)), (10_000, Some(0)), (12_000, Some(0)), (12_001, None)];
        for (written, is) in cases {
            assert_eq!(age(at(written), at(10_000)), is.map(at), "{written}");
        }
    }
}
