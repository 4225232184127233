//! What a node tells its observer: each thing worth logging or counting.

use std::time::Duration;

use crate::ids::{EntityId, JobName};
use crate::message::EntityMessage;
use crate::outcome::{Outcome, Reason};

/// Something that happened on a node.
#[derive(Debug)]
#[allow(missing_docs)] // most fields say by their names what they are
pub enum Event<'a> {
    /// A try of the transform begins.
    Started { job: &'a JobName, entity: &'a EntityId, message: &'a EntityMessage },
    /// A message was settled.
    Handled {
        /// The job from whose queue the message came.
        job: &'a JobName,
        /// None where the body could not be read, or was only put into an envelope.
        message: Option<&'a EntityMessage>,
        outcome: Outcome,
        /// Where the outcome has a reason.
        why: Option<(Reason, &'a str)>,
        /// From the arrival of the message until it was settled.
        took: Duration,
    },
    /// Messages were published and confirmed.
    Published { job: &'a JobName, purpose: Purpose, count: usize },
    /// A store is in trouble; the work waits for it.
    Stalled { job: &'a JobName, text: &'a str },
    /// A store that was in trouble answers again.
    Recovered { job: &'a JobName },
    /// The broker did not confirm. The message goes back to its queue and comes again.
    Unconfirmed { job: &'a JobName, text: &'a str },
    /// A worker ended although its pool was serving.
    WorkerLost {
        job: &'a JobName,
        /// The worker's number in its pool.
        slot: usize,
        /// When its successor starts; none while the pool's budget of restarts is spent.
        restart_in: Option<Duration>,
    },
    /// A worker could not start: its transform could not be built.
    WorkerFailed { job: &'a JobName, text: &'a str },
}

/// Why messages were published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To the children, to the waiter, or in an envelope to the same job.
    PassOn,
    /// To parents whose output is missing.
    Request,
    /// To the waiter, because the target failed.
    Failure,
    /// Another try, later.
    Retry,
    /// The same message, later.
    Park,
}

/// Watches a node. It is called in the middle of the work, so it must be quick and must not fail.
pub trait Observer: Send + Sync {
    /// Takes note of an event.
    fn on(&self, event: &Event<'_>);
}

/// Ignores every event.
#[derive(Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn on(&self, _: &Event<'_>) {}
}
