//! What a node tells whoever watches it: each thing worth logging or counting.

use std::time::Duration;

use crate::ids::{EntityId, JobName};
use crate::message::EntityMessage;
use crate::outcome::{Outcome, Reason};

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// A try of the transform begins.
    Started {
        /// The job.
        job: &'a JobName,
        /// The entity.
        entity: &'a EntityId,
        /// The message that caused it.
        message: &'a EntityMessage,
    },
    /// A message was settled.
    Handled {
        /// The job whose queue it came from.
        job: &'a JobName,
        /// The message; none where its bytes could not be read, or were only put into an envelope.
        message: Option<&'a EntityMessage>,
        /// The conclusion.
        outcome: Outcome,
        /// Why, where the outcome has a reason.
        why: Option<(Reason, &'a str)>,
        /// From its arrival to its settling.
        took: Duration,
    },
    /// Messages were published and confirmed.
    Published {
        /// The job that published them.
        job: &'a JobName,
        /// What for.
        purpose: Purpose,
        /// How many.
        count: usize,
    },
    /// A store is in trouble; the work waits for it.
    Stalled {
        /// The job that met it.
        job: &'a JobName,
        /// What the store said.
        text: &'a str,
    },
    /// A store that was in trouble answers again.
    Recovered {
        /// The job that saw it.
        job: &'a JobName,
    },
    /// The broker did not confirm; the message goes back and comes again.
    Unconfirmed {
        /// The job that published.
        job: &'a JobName,
        /// What the broker said.
        text: &'a str,
    },
    /// A worker ended although nobody asked it to.
    WorkerLost {
        /// Its job.
        job: &'a JobName,
        /// Its place in the pool.
        slot: usize,
        /// When its successor starts; none when the pool's budget of restarts is spent for now.
        restart_in: Option<Duration>,
    },
    /// A worker could not start: its transform could not be built.
    WorkerFailed {
        /// Its job.
        job: &'a JobName,
        /// Why.
        text: &'a str,
    },
}

/// What messages were published for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Down the graph, back to who waits, or in an envelope to the same job.
    PassOn,
    /// To parents whose output is missing.
    Request,
    /// The news of a failure, to who waits.
    Failure,
    /// Another try, later.
    Retry,
    /// The same message, later.
    Park,
}

/// Whoever watches a node. Called where things happen: must be quick and must not fail.
pub trait Observer: Send + Sync {
    /// Takes note of an event.
    fn on(&self, event: &Event<'_>);
}

/// Watches nothing.
#[derive(Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn on(&self, _: &Event<'_>) {}
}
