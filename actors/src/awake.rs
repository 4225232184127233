//! Deadlines that count only time in which this process ran. One that was stopped and goes on (ctrl-Z and `fg`, SIGSTOP, a
//! container that was paused) takes up its work where it was: what ended in time meanwhile is not late.

use std::time::{Duration, Instant as Clock};

use tokio::time::{Instant, sleep};

/// How often it is looked whether the process was stopped: so much of a stop is counted at most.
const STEP: Duration = Duration::from_secs(1);

/// A process that runs is not woken so much later than it asked for, but on a machine that is overloaded.
const LATE: Duration = Duration::from_millis(500);

/// Waits until `until`, and for so much longer as this process did not run in the meantime.
pub async fn awake_until(until: Instant) {
    let began = Clock::now();
    by_clock(until, || began.elapsed()).await;
}

/// Waits while this process runs for `time`.
pub async fn awake_for(time: Duration) {
    awake_until(Instant::now() + time).await;
}

/// The same by `clock`, which goes on while the process is stopped.
async fn by_clock(mut until: Instant, clock: impl Fn() -> Duration) {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        let (step, began) = (left.min(STEP), clock());
        sleep(step).await;
        let late = clock().saturating_sub(began + step);
        if late > LATE {
            until += late;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// How long `by_clock` waits for ten seconds where the clock shows so many milliseconds more at each reading.
    async fn waited(readings: &[u64]) -> Duration {
        let (readings, shown) = (RefCell::new(readings.iter()), RefCell::new(Duration::ZERO));
        let clock = || {
            *shown.borrow_mut() +=
                readings.borrow_mut().next().map_or(Duration::ZERO, |more| Duration::from_millis(*more));
            *shown.borrow()
        };
        let began = Instant::now();
        by_clock(began + Duration::from_secs(10), clock).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_the_process_was_stopped_does_not_count() {
        let seconds = Duration::from_secs_f64;
        assert_eq!(waited(&[0, 1000, 0, 1000]).await, seconds(10.0), "it ran");
        assert_eq!(waited(&[0, 1000, 0, 1400]).await, seconds(10.0), "it was woken a little late");
        assert_eq!(waited(&[0, 1000, 0, 61_000]).await, seconds(70.0), "it was stopped for a minute");
        assert_eq!(waited(&[0, 3_600_000]).await, seconds(3609.0), "for an hour");
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_that_has_passed_is_not_waited_for() {
        let began = Instant::now();
        awake_until(began).await;
        awake_for(Duration::ZERO).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
        awake_for(Duration::from_millis(1500)).await;
        assert_eq!(began.elapsed(), Duration::from_millis(1500));
    }
}
