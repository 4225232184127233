//! How soon a lost worker is replaced: at once at first, slower the more are lost, never more than ten a minute.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// The restarts that a pool may spend without slowing down, within [`WINDOW`].
const BUDGET: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The restarts that a pool has spent lately.
#[derive(Debug, Default)]
pub struct RestartBudget {
    spent: VecDeque<Instant>,
}

/// How a lost worker is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    /// When the successor may start.
    pub wait: Duration,
    /// Whether the pool's budget is spent: it is degraded until a minute passes without a loss.
    pub degraded: bool,
}

impl RestartBudget {
    /// Spends one restart at `now`.
    pub fn spend(&mut self, now: Instant) -> Restart {
        while self.spent.front().is_some_and(|at| now.duration_since(*at) > WINDOW) {
            self.spent.pop_front();
        }
        let recent = self.spent.len();
        self.spent.push_back(now);
        let degraded = recent >= BUDGET;
        let wait = match degraded {
            false => FIRST_WAIT * 2u32.pow(recent as u32),
            true => LONGEST_WAIT,
        };
        Restart { wait, degraded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pool_whose_workers_always_die_restarts_at_most_ten_times_a_minute_and_recovers_its_budget() {
        let mut restarts = RestartBudget::default();
        let start = Instant::now();
        let mut count = 0;
        while start.elapsed() < Duration::from_secs(60) {
            tokio::time::advance(restarts.spend(Instant::now()).wait).await;
            count += 1;
        }
        assert!(count <= 10, "{count} restarts");
        tokio::time::advance(WINDOW * 2).await;
        assert_eq!(restarts.spend(Instant::now()), Restart { wait: FIRST_WAIT, degraded: false });
    }
}
