//! What a worker can conclude about one message, and why work can fail.

use std::{fmt, io};

use serde::{Deserialize, Serialize};

use crate::node_trouble;

/// What a worker concluded about one message. Exactly one for each message handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The transform ran and its output is in place.
    Done,
    /// The output was there.
    Exists,
    /// Travelled on without work.
    Ping,
    /// Missing inputs were asked for.
    Requested,
    /// Another message will do it: a wake-up on its way, or the envelope into which a message by another program was put.
    HandedOver,
    /// Put off: another worker has the target in hand, or a store is in trouble.
    Parked,
    /// A try failed; another one follows.
    Retried,
    /// The transform declined this entity, with a reason on record.
    Skipped,
    /// An ancestor failed for good or was skipped.
    UpstreamFailed,
    /// Failed for good, with a dead letter.
    Dead,
    /// Outside of what this wave may reach.
    NotRecipient,
    /// Unreadable, kept as a dead letter.
    Malformed,
}

impl Outcome {
    /// All of them, in the order in which tables show them.
    pub const ALL: [Outcome; 12] = [
        Outcome::Done,
        Outcome::Exists,
        Outcome::Ping,
        Outcome::Requested,
        Outcome::HandedOver,
        Outcome::Parked,
        Outcome::Retried,
        Outcome::Skipped,
        Outcome::UpstreamFailed,
        Outcome::Dead,
        Outcome::NotRecipient,
        Outcome::Malformed,
    ];

    /// The name used in counters, logs and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Exists => "exists",
            Outcome::Ping => "ping",
            Outcome::Requested => "requested",
            Outcome::HandedOver => "handed_over",
            Outcome::Parked => "parked",
            Outcome::Retried => "retried",
            Outcome::Skipped => "skipped",
            Outcome::UpstreamFailed => "upstream_failed",
            Outcome::Dead => "dead",
            Outcome::NotRecipient => "not_recipient",
            Outcome::Malformed => "malformed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why an entity is a dead letter or was skipped: the kind, for machines and for grouping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The transform reported a failure, and its tries are used up.
    Failed,
    /// The transform panicked, and its tries are used up.
    Panicked,
    /// The transform ran longer than the job's timeout, and its tries are used up.
    Timeout,
    /// The process that did the work died: a signal, an abort, out of memory.
    KilledWorker,
    /// The transform said that another try is pointless.
    Fatal,
    /// The input cannot be used: not audio, empty, damaged.
    BadInput,
    /// A source object is not there.
    SourceMissing,
    /// Several source objects have this id.
    SourceAmbiguous,
    /// An input was seen and could not be read three times.
    InputUnreadable,
    /// Three times a parent said "done" and its output was not there.
    Absent,
    /// The entity does not have the job's form, or cannot be an id.
    BadId,
    /// The output cannot be kept under its key.
    BadKey,
    /// The stack of requests grew too deep.
    TooDeep,
    /// No such job in the graph.
    UnknownJob,
    /// Written by a newer version.
    UnknownVersion,
    /// The bytes are no message.
    Malformed,
    /// The transform declined (a skip, not a failure).
    Declined,
    /// A person dropped the dead letter (a skip, not a failure).
    Dropped,
    /// The broker delivered the message too often without an acknowledgement.
    GivenUpByBroker,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 19] = [
        Reason::Failed,
        Reason::Panicked,
        Reason::Timeout,
        Reason::KilledWorker,
        Reason::Fatal,
        Reason::BadInput,
        Reason::SourceMissing,
        Reason::SourceAmbiguous,
        Reason::InputUnreadable,
        Reason::Absent,
        Reason::BadId,
        Reason::BadKey,
        Reason::TooDeep,
        Reason::UnknownJob,
        Reason::UnknownVersion,
        Reason::Malformed,
        Reason::Declined,
        Reason::Dropped,
        Reason::GivenUpByBroker,
    ];

    /// The reason of a name, as [`Reason::name`] gives it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// The name used in records, groups and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Failed => "failed",
            Reason::Panicked => "panicked",
            Reason::Timeout => "timeout",
            Reason::KilledWorker => "killed_worker",
            Reason::Fatal => "fatal",
            Reason::BadInput => "bad_input",
            Reason::SourceMissing => "source_missing",
            Reason::SourceAmbiguous => "source_ambiguous",
            Reason::InputUnreadable => "input_unreadable",
            Reason::Absent => "absent",
            Reason::BadId => "bad_id",
            Reason::BadKey => "bad_key",
            Reason::TooDeep => "too_deep",
            Reason::UnknownJob => "unknown_job",
            Reason::UnknownVersion => "unknown_version",
            Reason::Malformed => "malformed",
            Reason::Declined => "declined",
            Reason::Dropped => "dropped",
            Reason::GivenUpByBroker => "given_up_by_broker",
        }
    }

    /// Whether this is a skip and not a failure.
    pub const fn is_skip(self) -> bool {
        matches!(self, Reason::Declined | Reason::Dropped)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a transform did not make its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind of failure, which decides whether to try again.
    pub kind: FaultKind,
    /// One sentence for people, without a full stop.
    pub text: String,
    /// The last of what the transform printed, at most 4 KiB.
    pub stderr: String,
}

/// The kinds of failure of a transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// An exception, an I/O error, an exit code: worth another try.
    Failed,
    /// A panic: worth another try.
    Panicked,
    /// Over the deadline: worth another try.
    Timeout,
    /// The child process was killed: at most three tries.
    Killed,
    /// Another try is pointless.
    Fatal,
    /// The input cannot be used; another try is pointless.
    BadInput,
    /// Declined: the entity needs no output here.
    Skip,
    /// The machine cannot do the work now: no room for its own files, no descriptors, no processes. No try is spent.
    NodeTrouble,
}

impl FaultKind {
    /// The reason that stands in records and logs.
    pub const fn reason(self) -> Reason {
        match self {
            // Trouble of the machine is no end and no retry, so it stands in no record.
            FaultKind::Failed | FaultKind::NodeTrouble => Reason::Failed,
            FaultKind::Panicked => Reason::Panicked,
            FaultKind::Timeout => Reason::Timeout,
            FaultKind::Killed => Reason::KilledWorker,
            FaultKind::Fatal => Reason::Fatal,
            FaultKind::BadInput => Reason::BadInput,
            FaultKind::Skip => Reason::Declined,
        }
    }
}

impl Fault {
    /// A fault of a kind with its sentence.
    pub fn new(kind: FaultKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), stderr: String::new() }
    }

    /// Worth another try.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::new(FaultKind::Failed, text)
    }

    /// The input cannot be used; no further try.
    pub fn bad_input(text: impl Into<String>) -> Self {
        Self::new(FaultKind::BadInput, text)
    }

    /// No further try.
    pub fn fatal(text: impl Into<String>) -> Self {
        Self::new(FaultKind::Fatal, text)
    }

    /// The machine cannot do any such work now. No try is spent, and the work waits or goes to another node.
    pub fn node_trouble(text: impl Into<String>) -> Self {
        Self::new(FaultKind::NodeTrouble, text)
    }

    /// The fault of an action that failed with this error: trouble of the node where the machine is out of something
    /// ([`node_trouble::remedy`]), else worth another try.
    pub fn of_io(action: impl fmt::Display, error: &io::Error) -> Self {
        match node_trouble::remedy(error) {
            Some(remedy) => Self::node_trouble(format!("{action}: {error}; {remedy}, and the work goes on")),
            None => Self::failed(format!("{action}: {error}")),
        }
    }

    /// The entity needs no output here.
    pub fn skip(text: impl Into<String>) -> Self {
        Self::new(FaultKind::Skip, text)
    }

    /// Adds the last 4 KiB of what was printed.
    pub fn with_stderr(mut self, stderr: &[u8]) -> Self {
        let tail = &stderr[stderr.len().saturating_sub(4096)..];
        self.stderr = String::from_utf8_lossy(tail).into_owned();
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}
