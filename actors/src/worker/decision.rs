//! What the steps of one message decide: a value, which is then carried out.

use std::{sync::Arc, time::Duration};

use crate::broker::BrokerError;
use crate::claims::Claim;
use crate::memory::TargetHold;
use crate::message::{Failure, Target};
use crate::outcome::{Fault, Outcome, Reason};
use crate::storage::StorageError;

/// What is to become of a message.
#[derive(Debug)]
pub(super) enum Decision {
    /// Its target is done ([`Outcome::Done`], [`Outcome::Exists`]) or was only travelled to: tell its continuation.
    PassOn(Outcome),
    /// Its inputs were asked for; whatever answers wakes the target.
    Requested,
    /// The wake-up of another message will do the work.
    HandOver,
    /// Later, for a reason that is no failure.
    Park(ParkReason),
    /// Back to the queue and not counted: its work did not begin, and does not begin here soon.
    Return,
    /// Later, because this machine cannot do it now; its pool pauses.
    Pause(Fault),
    /// Another try after this long.
    Retry(Duration, Fault),
    /// Failed for good.
    GiveUp(Ending),
    /// Declined. With the key of the skip record, if there is one already.
    Skip(Ending, Option<String>),
    /// An ancestor failed: tell the waiter, if there is one.
    ForwardFailure(Arc<Failure>),
    /// Outside of what the wave may reach.
    NotRecipient,
    /// Not settled: back to its queue, because the broker did not confirm. With what it said.
    GiveBack(String),
}

/// Why a message is put off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParkReason {
    /// Other workers or nodes are at what it waits for: it is to hear of their end soon.
    Others,
    /// A store is in trouble, or an input cannot be read.
    Trouble,
}

/// How work ended without an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub reason: Reason,
    /// One sentence for people.
    pub text: String,
    /// The last of what the transform printed.
    pub stderr: String,
    /// The parent that said "done" although its output was not there.
    pub about: Option<Target>,
    /// Whether the transform ran: then the message does not go back while its record cannot be kept, for it would run again.
    pub worked: bool,
}

impl Ending {
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into(), stderr: String::new(), about: None, worked: false }
    }

    /// The ending that a fault of the transform makes.
    pub fn of_fault(reason: Reason, fault: Fault) -> Self {
        Self { reason, text: fault.text, stderr: fault.stderr, about: None, worked: true }
    }
}

/// A decision, with the rights to the target under which it was made. It is settled before they are released.
#[derive(Debug)]
pub(super) struct HeldDecision {
    pub decision: Decision,
    /// The right among all nodes. None where no work was begun, or where its output is there for all to see.
    pub claim: Option<Claim>,
    /// The right within this node. None where the decision needed none.
    pub hold: Option<TargetHold>,
}

impl Decision {
    /// Decided without holding the target.
    pub fn free(self) -> HeldDecision {
        HeldDecision { decision: self, claim: None, hold: None }
    }

    /// Decided while holding the target, and perhaps a claim to it.
    pub fn under(self, hold: TargetHold, claim: Option<Claim>) -> HeldDecision {
        HeldDecision { decision: self, claim, hold: Some(hold) }
    }
}

/// Why what follows from a message was not carried on. The message must not be acknowledged.
#[derive(Debug)]
pub(super) enum CarryError {
    /// The broker did not take it.
    Broker(BrokerError),
    /// The state store did not take a record of it.
    State(StorageError),
}

impl From<BrokerError> for CarryError {
    fn from(error: BrokerError) -> Self {
        CarryError::Broker(error)
    }
}

impl From<StorageError> for CarryError {
    fn from(error: StorageError) -> Self {
        CarryError::State(error)
    }
}

/// How a message ended: the outcome and its reason. On an error nothing is settled: the message goes back to its queue.
pub(super) type Settled = Result<(Outcome, Option<(Reason, String)>), BrokerError>;
