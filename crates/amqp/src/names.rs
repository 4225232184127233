//! What the exchanges and queues of a graph are called.

use std::time::Duration;

use euterpe_actors::ids::JobName;

/// The waits that there are delay queues for: a wait in between takes the next longer one.
pub const WAITS: [Duration; 11] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
    Duration::from_secs(64),
    Duration::from_secs(150),
    Duration::from_secs(300),
];

/// The names of a graph's exchanges and queues: all begin with `euterpe.<graph>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    graph: String,
}

impl Names {
    /// The names of a graph.
    pub fn of(graph: &str) -> Self {
        Self { graph: graph.to_owned() }
    }

    /// The exchange that anybody publishes to, with the job as routing key.
    pub fn exchange(&self) -> String {
        format!("euterpe.{}", self.graph)
    }

    /// The queue of a job.
    pub fn queue(&self, job: &JobName) -> String {
        format!("euterpe.{}.job.{job}", self.graph)
    }

    /// The exchange and queue of what is put off for one of the waits that there are queues for.
    pub fn delay(&self, wait: Duration) -> String {
        format!("euterpe.{}.delay.{}", self.graph, wait.as_millis())
    }

    /// The exchange and queue of what the broker itself gave up on.
    pub fn fuse(&self) -> String {
        format!("euterpe.{}.fuse", self.graph)
    }

    /// The exchange of what nodes report.
    pub fn reports(&self) -> String {
        format!("euterpe.{}.reports", self.graph)
    }
}

/// The wait that something to be put off for `delay` takes: never a shorter one, but for the longest.
pub fn wait_for(delay: Duration) -> Duration {
    WAITS.into_iter().find(|wait| *wait >= delay).unwrap_or(WAITS[WAITS.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_put_off_for_less_than_was_asked_and_for_at_most_about_double() {
        assert_eq!(wait_for(Duration::from_millis(1)), Duration::from_millis(100));
        assert_eq!(wait_for(Duration::from_secs(3)), Duration::from_secs(4));
        assert_eq!(wait_for(Duration::from_secs(4)), Duration::from_secs(4));
        assert_eq!(wait_for(Duration::from_secs(900)), Duration::from_secs(300));
    }
}
