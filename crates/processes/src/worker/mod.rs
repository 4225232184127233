//! Runs a transform in worker processes of any language: warm, one entity at a time, and of no danger to the node.
//!
//! Node and worker talk in frames over a socket of their own (`docs/worker-protocol.md`). A worker that hangs, takes too much
//! memory or dies is ended with all that it started, and that was one failed try of one entity.
//!
//! ```text
//! options ──▶ launcher ◀── transform                 `use: worker` in a graph file; the transform of one worker
//!                │             └──▶ inputs ──▶ audio, outputs
//!                └──▶ child ──▶ protocol             one process
//! ```

mod audio;
mod child;
mod inputs;
mod launcher;
mod options;
mod outputs;
mod program;
mod protocol;
mod transform;

pub use launcher::Launcher;
pub(crate) use options::entry;
pub use options::{WORKER, worker_launcher};
#[cfg(feature = "python")]
pub(crate) use program::Program;
#[cfg(feature = "python")]
pub(crate) use protocol::Opening;
#[cfg(feature = "python")]
pub(crate) use protocol::Source;
