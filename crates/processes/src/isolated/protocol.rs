//! The protocol between a node and a child of its own binary: JSON in frames, without attachments.
//!
//! ```text
//! node  ──▶  TransformSpec             Request                Request …          (a socket, the child's standard input)
//! child ──▶               Reply::Ready         Reply::Done            Reply …
//! ```

use std::{path::PathBuf, time::Duration};

use euterpe_actors::ids::{EntityId, InputName};
use euterpe_actors::outcome::Fault;
use euterpe_actors::transform::OpenContext;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest frame, in bytes. Options stand in the first one, and may be long.
pub(super) const LONGEST: usize = 16 << 20;

/// Which transform a child opens, and within which limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TransformSpec {
    /// Its name in the registry.
    pub transform: String,
    /// The options under `with:`.
    pub with: Value,
    /// The job that it is opened for.
    pub context: OpenContext,
    /// How much memory it may take beyond what the child has at its start, in bytes.
    pub memory: Option<u64>,
}

/// The work on one entity, with files where there were bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub entity: EntityId,
    pub inputs: Vec<RequestInput>,
    pub suffixes: Vec<String>,
    /// Made by the node, and removed by it.
    pub scratch: PathBuf,
    pub attempt: u32,
    pub timeout: Duration,
}

/// One input of the work.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RequestInput {
    pub name: InputName,
    pub path: String,
    pub file: PathBuf,
    pub size: u64,
}

/// A child's answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// The transform is open.
    Ready,
    /// The files of the outputs, the primary first.
    Done(Vec<PathBuf>),
    /// There are no outputs.
    Fault(Fault),
}
