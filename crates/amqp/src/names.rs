//! The names of a graph's exchanges and queues.

use std::time::Duration;

use euterpe_actors::ids::JobName;

/// The waits for which there are delay queues. A wait in between takes the next longer one.
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
    /// The names of the graph called `graph`.
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

    /// The exchange and the queue of messages that wait for `wait`, which is one of those that have a delay queue.
    pub fn delay(&self, wait: Duration) -> String {
        format!("euterpe.{}.delay.{}", self.graph, wait.as_millis())
    }

    /// The exchange and the queue of messages that the broker itself gave up on: its dead letters.
    pub fn dead_letters(&self) -> String {
        format!("euterpe.{}.fuse", self.graph)
    }

    /// The exchange of the nodes' reports.
    pub fn reports(&self) -> String {
        format!("euterpe.{}.reports", self.graph)
    }
}

/// The shortest of [`WAITS`] that is not shorter than `delay`; the longest one for a delay beyond it.
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
