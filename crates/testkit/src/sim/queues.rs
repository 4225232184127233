//! The queues of a simulated broker: what waits, what is put off, what is in hand.

use std::collections::BTreeMap;

use bytes::Bytes;
use rand::Rng;
use tokio::{sync::oneshot, time::Instant};

use super::{life::Life, world::State};
use euterpe_actors::broker::{Delivery, Outgoing, Ticket, Writing};
use euterpe_actors::ids::JobName;
use euterpe_actors::wire;

/// A message in a queue or in hand.
#[derive(Clone)]
pub(super) struct Queued {
    pub(super) number: u64,
    pub(super) body: Bytes,
    pub(super) parks: u32,
    pub(super) redelivered: bool,
}

/// Somebody who waits for the next message of a job.
pub(super) struct Consumer {
    pub(super) life: Life,
    pub(super) job: JobName,
    pub(super) mouth: oneshot::Sender<Delivery>,
}

/// A message in hand.
pub(super) struct Held {
    pub(super) life: Life,
    pub(super) job: JobName,
    pub(super) message: Queued,
}

/// All queues.
#[derive(Default)]
pub(super) struct Queues {
    pub(super) ready: BTreeMap<JobName, Vec<Queued>>,
    pub(super) delayed: Vec<(Instant, JobName, Queued)>,
    pub(super) consumers: Vec<Consumer>,
    pub(super) held: BTreeMap<u64, Held>,
    next_number: u64,
    next_ticket: u64,
}

impl Queues {
    /// Whether nothing waits, is put off or is in hand.
    pub(super) fn are_empty(&self) -> bool {
        self.delayed.is_empty() && self.held.is_empty() && self.ready.values().all(Vec::is_empty)
    }

    /// Moves what is due into its queue.
    pub(super) fn ripen(&mut self, now: Instant) {
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

    /// The jobs that have a message and somebody who waits for it.
    pub(super) fn deliverable(&mut self) -> Vec<JobName> {
        self.consumers.retain(|consumer| !consumer.life.is_over() && !consumer.mouth.is_closed());
        let waits = |job: &JobName| self.consumers.iter().any(|consumer| consumer.job == *job);
        self.ready
            .iter()
            .filter(|(job, waiting)| !waiting.is_empty() && waits(job))
            .map(|(job, _)| job.clone())
            .collect()
    }

    /// Takes back everything that a life has in hand, as deliveries of a dead or lost connection.
    pub(super) fn take_back(&mut self, life: &Life) -> usize {
        let tickets: Vec<u64> = self.held.iter().filter(|(_, held)| held.life == *life).map(|(at, _)| *at).collect();
        for ticket in &tickets {
            self.give_back(*ticket);
        }
        tickets.len()
    }

    /// Puts a message in hand back into its queue. One that was taken back already stays where it is.
    pub(super) fn give_back(&mut self, ticket: u64) {
        if let Some(Held { job, mut message, .. }) = self.held.remove(&ticket) {
            message.redelivered = true;
            self.ready.entry(job).or_default().push(message);
        }
    }
}

impl State {
    /// Takes a message into its queue and tells the ledger.
    pub(super) fn enqueue(&mut self, outgoing: Outgoing) {
        let Outgoing { job, body, parks, delay, writing: _ } = outgoing; // a simulation has no other programs
        match wire::decode(&body) {
            Ok(message) => self.ledger.published(&message, !delay.is_zero()),
            Err(error) => self.ledger.violations.push(format!("somebody published what nobody can read: {error}")),
        }
        self.queues.next_number += 1;
        let message = Queued { number: self.queues.next_number, body, parks, redelivered: false };
        if delay.is_zero() {
            self.queues.ready.entry(job).or_default().push(message);
        } else {
            self.queues.delayed.push((Instant::now() + delay, job, message));
        }
    }

    /// Delivers one message of a job to one of those who wait for it, both chosen by the seed.
    pub(super) fn deliver(&mut self, job: &JobName, ticket_of: impl FnOnce(u64) -> Box<dyn Ticket>) {
        let waiting: Vec<usize> =
            (0..self.queues.consumers.len()).filter(|at| self.queues.consumers[*at].job == *job).collect();
        let consumer = self.queues.consumers.swap_remove(waiting[self.rng.random_range(0..waiting.len())]);
        let queue = self.queues.ready.entry(job.clone()).or_default();
        let at = self.rng.random_range(0..queue.len());
        let message = if self.knobs.duplicate() {
            let redelivered = self.rng.random();
            let copy = queue[at].clone();
            self.trace.note(format_args!("{} twice {}", self.step, copy.number));
            Queued { redelivered, ..copy }
        } else {
            queue.swap_remove(at)
        };
        self.queues.next_ticket += 1;
        let ticket = self.queues.next_ticket;
        self.trace.note(format_args!("{} deliver {job} {} to {}", self.step, message.number, consumer.life));
        let delivery = Delivery::new(
            message.body.clone(),
            Writing::Envelope,
            message.parks,
            message.redelivered,
            ticket_of(ticket),
        );
        self.queues.held.insert(ticket, Held { life: consumer.life, job: job.clone(), message });
        // Where nobody listens any more, the delivery that comes back gives itself back.
        drop(consumer.mouth.send(delivery));
    }
}
