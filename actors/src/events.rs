//! What a node tells its observer: each thing worth logging or counting.

use std::time::Duration;

use crate::ids::{EntityId, JobName};
use crate::message::EntityMessage;
use crate::outcome::{Outcome, Reason};
use crate::trace::MessageSpan;

/// Something that happened on a node.
#[derive(Debug)]
#[allow(missing_docs)] // most fields say by their names what they are
pub enum Event<'a> {
    /// A try of the transform begins.
    Started { job: &'a JobName, entity: &'a EntityId, message: &'a EntityMessage },
    /// A try that had begun came to no end that was told: its worker panicked, or was told to end now. The message goes back
    /// to its queue.
    Abandoned { job: &'a JobName, entity: &'a EntityId, message: u64 },
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
    /// The transform ran for a message, and what follows from it was carried out, or could not be confirmed.
    Worked { job: &'a JobName, times: WorkTimes },
    /// The span of a message has ended, on a node that traces; told just before the message is told to be handled, or not
    /// confirmed.
    Traced { job: &'a JobName, span: MessageSpan, ended: SpanEnd<'a> },
    /// A message is left to other nodes, because its publisher means something else by this job.
    LeftToOthers { job: &'a JobName },
    /// A claim was lost while the work went on: another node took it over, or it ran out because it could not be renewed.
    ClaimLost { job: &'a JobName },
    /// A message waited for the answer to a request that another message had made.
    Awaited { job: &'a JobName, message: &'a EntityMessage, took: Duration },
    /// Messages were published and confirmed.
    Published { job: &'a JobName, purpose: Purpose, count: usize },
    /// A store is in trouble; the work waits for it.
    Stalled { job: &'a JobName, text: &'a str },
    /// A store that was in trouble answers again.
    Recovered { job: &'a JobName },
    /// A message's publisher means something else by this job: it is left to other nodes. Told once for each setup.
    OtherSetup { job: &'a JobName, text: &'a str },
    /// The machine is in trouble: the pool of the job pauses, and takes less work at once until some succeeds.
    PoolPaused { job: &'a JobName, text: &'a str },
    /// Work of a pool that paused succeeded.
    PoolResumed { job: &'a JobName },
    /// The broker did not confirm. The message goes back to its queue and comes again.
    Unconfirmed {
        job: &'a JobName,
        /// None where the body could not be read.
        message: Option<&'a EntityMessage>,
        text: &'a str,
    },
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

/// What a span says of its message.
#[derive(Debug)]
#[allow(missing_docs)] // as of the event
pub struct SpanEnd<'a> {
    /// None where the body could not be read.
    pub message: Option<&'a EntityMessage>,
    /// None where the broker did not confirm: the message comes again, and has another span then.
    pub outcome: Option<Outcome>,
    pub reason: Option<Reason>,
    /// One sentence where something went wrong.
    pub text: Option<&'a str>,
    /// From the arrival of the message until its end.
    pub took: Duration,
    /// Where the transform ran.
    pub times: Option<WorkTimes>,
}

/// How long the parts of one work took, one after the other, from the arrival of its message to its settling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkTimes {
    /// In hand: looking for outputs and inputs, waiting for others' answers, for a core and for the claim.
    pub wait: Duration,
    /// Opening the inputs.
    pub fetch: Duration,
    /// In the transform, with what it reads of its inputs meanwhile.
    pub work: Duration,
    /// Putting the outputs in place; none where the transform made none.
    pub store: Option<Duration>,
    /// Keeping records, publishing what carries the message on, and waiting until that is confirmed.
    pub publish: Duration,
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
