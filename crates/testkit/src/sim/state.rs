//! What the schedule decides about: calls under way, queues, armed faults, and the one source of chance.

use std::time::Duration;

use rand::{Rng, rngs::StdRng};
use tokio::time::Instant;

use super::{
    execution_log::ExecutionLog,
    faults::ArmedFaults,
    incarnation::Incarnation,
    listing::Listing,
    queues::{Queued, Queues, Unsettled},
    trace::Trace,
    versions::Versions,
};
use euterpe_actors::broker::{BodyFormat, Delivery, Outgoing, Ticket};
use euterpe_actors::claims::memory::LeaseTable;
use euterpe_actors::ids::JobName;
use euterpe_actors::wire;

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallEnd {
    /// It takes effect, and the caller hears so.
    Succeeds,
    /// It takes no effect, and the caller gets an error.
    Refused,
    /// It takes effect, and the caller gets an error.
    AnswerLost,
    /// The caller died in the middle: some of it may take effect, and nobody gets an answer.
    CutShort,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    /// A store.
    Storage,
    /// The broker, to publish.
    Publish,
    /// The broker, to settle.
    Settle,
    /// A transform at work.
    Transform,
}

/// What a call does to the world when it ends, and the answer to its caller.
pub(super) type Effect = Box<dyn FnOnce(&mut State, CallEnd) + Send>;

/// A call that was made and did not end yet.
pub(super) struct Call {
    pub(super) incarnation: Incarnation,
    pub(super) port: Port,
    pub(super) name: String,
    /// Not before this moment.
    pub(super) due: Instant,
    pub(super) finish: Effect,
}

/// Everything that the schedule decides about.
pub(super) struct State {
    pub(super) rng: StdRng,
    pub(super) step: u64,
    pub(super) trace: Trace,
    pub(super) calls: Vec<Call>,
    pub(super) queues: Queues,
    pub(super) armed: ArmedFaults,
    /// The leases of targets, where nodes claim.
    pub(super) claims: LeaseTable,
    pub(super) log: ExecutionLog,
    pub(super) versions: Versions,
    /// What was listed for the run that is about to begin: its one node starts with that.
    pub(super) listing: Option<Listing>,
}

impl State {
    /// How long a call takes at least.
    pub(super) fn stall(&mut self, port: Port) -> Duration {
        if self.armed.stalls > 0 && port != Port::Settle && self.rng.random_ratio(1, 8) {
            self.armed.stalls -= 1;
            return Duration::from_millis(self.rng.random_range(20..40_000));
        }
        Duration::ZERO
    }

    /// Ends the call at `at` in `calls`.
    pub(super) fn finish(&mut self, at: usize, end: CallEnd) {
        let call = self.calls.swap_remove(at);
        let Call { incarnation, port, name, finish, .. } = call;
        self.trace.note(format_args!("{} {incarnation} {port:?} {name} {end:?}", self.step));
        finish(self, end);
    }

    /// Puts a message into its queue and logs it.
    pub(super) fn enqueue(&mut self, outgoing: Outgoing) {
        // A simulation has no other programs, and nobody traces it.
        let Outgoing { job, body, parks, delay, suspect, format: _, trace: _ } = outgoing;
        match wire::decode(&body) {
            Ok(message) => self.log.published(&message, !delay.is_zero()),
            Err(error) => self.log.violations.push(format!("somebody published what nobody can read: {error}")),
        }
        self.queues.next_number += 1;
        let message = Queued { number: self.queues.next_number, body, parks, redelivered: suspect };
        if delay.is_zero() {
            self.queues.ready.entry(job).or_default().push(message);
        } else {
            self.queues.delayed.push((Instant::now() + delay, job, message));
        }
    }

    /// Delivers one message of a job to one of the workers that wait, both chosen by the seed.
    pub(super) fn deliver(&mut self, job: &JobName, ticket_of: impl FnOnce(u64) -> Box<dyn Ticket>) {
        let waiting: Vec<usize> =
            (0..self.queues.consumers.len()).filter(|at| self.queues.consumers[*at].job == *job).collect();
        let consumer = self.queues.consumers.swap_remove(waiting[self.rng.random_range(0..waiting.len())]);
        if let Some(delivery) = self.take(job, &consumer.incarnation, ticket_of) {
            // If the worker is gone, the delivery comes back here and is dropped: that puts the message back.
            drop(consumer.sender.send(delivery));
        }
    }

    /// Delivers one message of a job to an incarnation, chosen by the seed, if there is any.
    pub(super) fn take(
        &mut self,
        job: &JobName,
        incarnation: &Incarnation,
        ticket_of: impl FnOnce(u64) -> Box<dyn Ticket>,
    ) -> Option<Delivery> {
        let queue = self.queues.ready.entry(job.clone()).or_default();
        if queue.is_empty() {
            return None;
        }
        let at = self.rng.random_range(0..queue.len());
        let message = if self.armed.duplicate() {
            let redelivered = self.rng.random();
            let copy = queue[at].clone();
            self.trace.note(format_args!("{} twice {}", self.step, copy.number));
            Queued { redelivered, ..copy }
        } else {
            queue.swap_remove(at)
        };
        self.queues.next_ticket += 1;
        let ticket = self.queues.next_ticket;
        self.trace.note(format_args!("{} deliver {job} {} to {incarnation}", self.step, message.number));
        let delivery = Delivery::new(
            message.body.clone(),
            BodyFormat::Envelope,
            message.parks,
            message.redelivered,
            ticket_of(ticket),
        );
        self.queues.unsettled.insert(ticket, Unsettled { incarnation: incarnation.clone(), job: job.clone(), message });
        Some(delivery)
    }

    /// Ends an incarnation: each of its calls takes effect, in part, or not at all, and what it had in hand goes back.
    pub(super) fn crash(&mut self, incarnation: &Incarnation) {
        incarnation.end();
        let mut at = 0;
        while at < self.calls.len() {
            if self.calls[at].incarnation != *incarnation {
                at += 1;
            } else if self.rng.random() {
                self.finish(at, CallEnd::CutShort);
            } else {
                drop(self.calls.swap_remove(at));
            }
        }
        self.queues.consumers.retain(|consumer| consumer.incarnation != *incarnation);
        self.queues.take_back(incarnation);
    }
}
