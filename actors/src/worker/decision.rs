//! What the steps of one message decide: a value that is then settled.

use std::{sync::Arc, time::Duration};

use crate::claims::Claim;
use crate::dedupe::Hold;
use crate::message::{Failure, Target};
use crate::outcome::{Fault, Outcome, Reason};

/// What is to become of a message.
#[derive(Debug)]
pub enum Decision {
    /// Its target is done ([`Outcome::Done`], [`Outcome::Exists`]) or only travelled to: tell who comes next.
    PassOn(Outcome),
    /// Its inputs were asked for; who answers wakes it.
    Requested,
    /// Somebody else's wake-up will do it.
    HandOver,
    /// Later, for a reason that is no failure.
    Park,
    /// Another try after a while.
    Again(Duration, Fault),
    /// Failed for good.
    GiveUp(Ending),
    /// Declined; the key of the record, if there is one already.
    Skip(Ending, Option<String>),
    /// An ancestor failed: tell who waits.
    Tell(Arc<Failure>),
    /// Outside what the wave may reach.
    Ignore,
    /// Not settled: back to the queue, for the broker did not confirm.
    Return(String),
}

/// How work ended without an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The kind of reason.
    pub reason: Reason,
    /// One sentence for people.
    pub text: String,
    /// The last of what the transform printed.
    pub stderr: String,
    /// The parent that said done and was not.
    pub about: Option<Target>,
}

impl Ending {
    /// An ending with its sentence.
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into(), stderr: String::new(), about: None }
    }

    /// The ending that a fault of the transform makes.
    pub fn of_fault(reason: Reason, fault: Fault) -> Self {
        Self { reason, text: fault.text, stderr: fault.stderr, about: None }
    }
}

/// A decision, with the rights to the target that were held while it was made. Settled before they are let go.
#[derive(Debug)]
pub struct Step {
    /// What is to become of the message.
    pub decision: Decision,
    /// The right among all nodes, if it came to work, and the work did not end with an output that all can see.
    pub claim: Option<Claim>,
    /// The right within this node, if the message got so far.
    pub hold: Option<Hold>,
}

impl Decision {
    /// Decided without holding the target.
    pub fn free(self) -> Step {
        Step { decision: self, claim: None, hold: None }
    }

    /// Decided while holding the target, and perhaps a claim to it.
    pub fn under(self, hold: Hold, claim: Option<Claim>) -> Step {
        Step { decision: self, claim, hold: Some(hold) }
    }
}
