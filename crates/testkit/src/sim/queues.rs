//! The queues of a simulated broker: messages that are ready, delayed or in hand.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::{sync::oneshot, time::Instant};

use super::incarnation::Incarnation;
use euterpe_actors::broker::Delivery;
use euterpe_actors::ids::JobName;

/// A message in a queue or in hand.
#[derive(Clone)]
pub(super) struct Queued {
    pub(super) number: u64,
    pub(super) body: Bytes,
    pub(super) parks: u32,
    pub(super) redelivered: bool,
}

/// A worker that waits for the next message of a job.
pub(super) struct Consumer {
    pub(super) incarnation: Incarnation,
    pub(super) job: JobName,
    pub(super) sender: oneshot::Sender<Delivery>,
}

/// A message in hand.
pub(super) struct Unsettled {
    pub(super) incarnation: Incarnation,
    pub(super) job: JobName,
    pub(super) message: Queued,
}

/// All queues.
#[derive(Default)]
pub(super) struct Queues {
    pub(super) ready: BTreeMap<JobName, Vec<Queued>>,
    pub(super) delayed: Vec<(Instant, JobName, Queued)>,
    pub(super) consumers: Vec<Consumer>,
    pub(super) unsettled: BTreeMap<u64, Unsettled>,
    pub(super) next_number: u64,
    pub(super) next_ticket: u64,
}

impl Queues {
    /// Whether no message is ready, delayed or in hand.
    pub(super) fn are_empty(&self) -> bool {
        self.delayed.is_empty() && self.unsettled.is_empty() && self.ready.values().all(Vec::is_empty)
    }

    /// Moves delayed messages that are due into their queues.
    pub(super) fn release_due(&mut self, now: Instant) {
        let mut at = 0;
        while at < self.delayed.len() {
            if self.delayed[at].0 <= now {
                let (_, job, message) = self.delayed.swap_remove(at);
                self.ready.entry(job).or_default().push(message);
            } else {
                at += 1;
            }
        }
    }

    /// The jobs that have a message and a worker that waits for it.
    pub(super) fn deliverable(&mut self) -> Vec<JobName> {
        self.consumers.retain(|consumer| !consumer.incarnation.is_over() && !consumer.sender.is_closed());
        let waits = |job: &JobName| self.consumers.iter().any(|consumer| consumer.job == *job);
        self.ready
            .iter()
            .filter(|(job, waiting)| !waiting.is_empty() && waits(job))
            .map(|(job, _)| job.clone())
            .collect()
    }

    /// Takes back everything that an incarnation has in hand, as deliveries of a dead or lost connection.
    pub(super) fn take_back(&mut self, incarnation: &Incarnation) -> usize {
        let tickets: Vec<u64> =
            self.unsettled.iter().filter(|(_, held)| held.incarnation == *incarnation).map(|(at, _)| *at).collect();
        for ticket in &tickets {
            self.give_back(*ticket);
        }
        tickets.len()
    }

    /// Puts a message in hand back into its queue. One that was taken back already stays where it is.
    pub(super) fn give_back(&mut self, ticket: u64) {
        if let Some(Unsettled { job, mut message, .. }) = self.unsettled.remove(&ticket) {
            message.redelivered = true;
            self.ready.entry(job).or_default().push(message);
        }
    }
}
