//! The entity message: the one thing that travels between pools.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{EntityId, InputName, JobName, RunId};
use crate::outcome::Reason;
use crate::trace::TraceContext;

pub use crate::refresh::{Force, Refresh};

/// The most frames that a message may stack; graphs deeper than this are refused when they are read.
pub const MAX_FRAMES: usize = 32;
/// The most bytes that an encoded message may have.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// How many hops a message remembers for people.
pub const MAX_HOPS: usize = 32;

/// One job for one entity: what a message is addressed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// The job that is to be brought to done.
    pub job: JobName,
    /// The entity that it is to be done for.
    pub entity: EntityId,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.job, self.entity)
    }
}

/// "Bring this job to done for this entity", with what happens after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityMessage {
    /// Unique for each publish; for logs and for jitter, never for decisions.
    pub id: u64,
    /// The run that caused it; every message that it causes keeps it.
    pub run: RunId,
    /// The target that is to be brought to done; its job is the one recipient.
    pub target: Target,
    /// Work, or the news that an input of the recipient will never come.
    pub kind: Kind,
    /// The target that was just completed, if one was.
    pub from: Option<Target>,
    /// On a wake-up only: the inputs that the popped frame waited for.
    pub waiting: Option<Vec<InputName>>,
    /// On a wake-up only: how often a parent said "done" and its output was not there.
    pub absent: u8,
    /// Tries of the transform that have failed so far, counted by us and not by the broker.
    pub attempt: u32,
    /// Travel the graph without doing work.
    pub ping: bool,
    /// The jobs to redo although their outputs exist.
    pub force: Force,
    /// Published by `runs resume`.
    pub resumed: bool,
    /// What is made anew although it is there; none where the publisher said nothing: then the node's graph file decides.
    #[serde(default, with = "in_records")]
    pub refresh: Option<Refresh>,
    /// Digest of the graph that the publisher used.
    pub graph: GraphDigest,
    /// Digest of the whole setup of the publisher. It travels in the envelope, and no record keeps it: what is published
    /// again is published under the setup of whoever does that.
    #[serde(skip)]
    pub setup: SetupDigest,
    /// The span that caused it, or, while it is in hand, its own: below that stands all that it causes. It travels beside the
    /// message, and no record keeps it. No decision reads it.
    #[serde(skip)]
    pub trace: Option<TraceContext>,
    /// What happens after the outermost frame.
    pub base: Base,
    /// The targets that wait for this one, the last to be woken first.
    pub frames: Vec<Frame>,
    /// The last hops, for people.
    pub audit: Vec<Hop>,
}

/// Digest of jobs, edges, entity forms and output templates, not of pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub struct GraphDigest(pub u64);

/// Digest of a setup. Zero stands for none: a message by others, or one of a version that told nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SetupDigest(pub u64);

impl SetupDigest {
    /// Of a message whose publisher told nothing of its setup.
    pub const NONE: SetupDigest = SetupDigest(0);
}

impl std::fmt::Display for SetupDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What the recipient is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Bring the target to done.
    Work,
    /// An ancestor that the target waits for failed for good or was skipped.
    Failed(Arc<Failure>),
}

/// Why an ancestor's output will not come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What failed.
    pub target: Target,
    /// In which way.
    pub reason: Reason,
    /// One sentence for people.
    pub text: String,
    /// Where its dead letter or skip record lies in the state store.
    pub record: String,
}

/// What happens when the outermost frame is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Base {
    /// Bottom-up: nothing more.
    Stop,
    /// Top-down: every child over an identity edge gets the entity.
    Down(Arc<Wave>),
}

/// One publish of entities at the top of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wave {
    /// Unique for each publish of a wave.
    pub id: u64,
    /// The jobs that it was published to.
    pub origins: Vec<JobName>,
    /// The jobs that it may reach, or all.
    pub only: Option<Vec<JobName>>,
}

/// A target that waits: it is woken with `Work` when the target of the message that carries this frame is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The target that is woken.
    pub to: Target,
    /// All the inputs that it lacked when it asked.
    pub waiting: Vec<InputName>,
    /// How often a parent said "done" and its output was not there.
    pub absent: u8,
    /// What it was asked to redo.
    pub force: Force,
}

/// One stop on a message's way. No decision reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The job that handled it.
    pub job: JobName,
    /// The node that handled it.
    pub node: Arc<str>,
    /// When, in milliseconds after the Unix epoch by that node's clock.
    pub millis: u64,
}

/// In records, which people read, it stands in its place; in the bytes of a message it travels in the envelope.
mod in_records {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::refresh::Refresh;

    pub fn serialize<S: Serializer>(refresh: &Option<Refresh>, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { refresh.serialize(to) } else { ().serialize(to) }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Refresh>, D::Error> {
        if from.is_human_readable() { Deserialize::deserialize(from) } else { <()>::deserialize(from).map(|()| None) }
    }
}

impl EntityMessage {
    /// A first message to `target`, before anything happened to it.
    pub fn new(id: u64, run: RunId, target: Target, graph: GraphDigest, base: Base) -> Self {
        Self {
            id,
            run,
            target,
            kind: Kind::Work,
            from: None,
            waiting: None,
            absent: 0,
            attempt: 0,
            ping: false,
            force: Force::None,
            resumed: false,
            refresh: None,
            graph,
            setup: SetupDigest::NONE,
            trace: None,
            base,
            frames: Vec::new(),
            audit: Vec::new(),
        }
    }

    /// Whether this wakes a target that asked for inputs.
    pub fn is_wake_up(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether somebody saw an output of the target missing. A cached hit may not answer such a message.
    pub fn is_request(&self) -> bool {
        !self.is_wake_up() && (!self.frames.is_empty() || self.base == Base::Stop || self.resumed)
    }

    /// Whether this came down the graph, for every job that the wave reaches.
    pub fn is_wave(&self) -> bool {
        !self.is_wake_up() && !self.is_request()
    }

    /// A message caused by this one, with the same run, graph, setup, trace, base, frames, force, refresh, ping and audit.
    pub fn follow_up(&self, id: u64, target: Target) -> Self {
        Self {
            setup: self.setup,
            trace: self.trace,
            ping: self.ping,
            force: self.force.clone(),
            refresh: self.refresh.clone(),
            frames: self.frames.clone(),
            audit: self.audit.clone(),
            ..Self::new(id, self.run, target, self.graph, self.base.clone())
        }
    }

    /// A copy with one more hop on record, the oldest dropped beyond [`MAX_HOPS`].
    pub fn stopped_at(mut self, hop: Hop) -> Self {
        if self.audit.len() >= MAX_HOPS {
            self.audit.remove(0);
        }
        self.audit.push(hop);
        self
    }
}
