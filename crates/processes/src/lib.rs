//! Child processes: the transforms that run in them, and what keeps them from harming or outliving a node.
//!
//! A transform that crashes, hangs or fills the memory must cost one try of one entity, and never the node. So it runs in a
//! child process, of which there are three kinds. A *worker* is a program of any language that stays and takes one entity
//! after the other; a Python function is a worker whose program is the interpreter. A *command* is a program that is started
//! for each entity. An *isolated* transform is one of our own, moved into a child of this binary when a message may have
//! killed a process before.
//!
//! ```text
//! python ──▶ worker ──▶ isolated          what a transform says to its child: one protocol each
//!               │           │
//! command ──────┴───────────┴──▶ supervised     one child process: frames, deadline, memory, output, how it ended,
//!                                               and the end of all that it started
//!
//! process_folder ◀── leftovers            the private folder of a process, and what dead processes left
//! folder_lock                             a folder for one process alone
//! ```
//!
//! Read `supervised` first: its page says how a child ends. The other modules only choose the words that they exchange with
//! it. No module imports from one that stands above it.
//!
//! [`register`] adds the transforms that a graph file names by `use:`. The engine asks for the others by name:
//! [`PythonFunction::launcher`], [`worker_launcher`], [`isolated()`]. A program that starts children has two hidden verbs,
//! [`ISOLATED_VERB`] and [`REAPER_VERB`], for it serves as its own children.

mod command;
mod file_names;
mod folder_lock;
mod isolated;
mod leftovers;
mod process_folder;
#[cfg(feature = "python")]
mod python;
mod supervised;
mod worker;

use std::sync::Arc;

use euterpe_actors::transform::{Registry, SampleCodec};

pub use folder_lock::{FolderLock, LockError};
pub use isolated::{ISOLATED_VERB, TransformSpec, isolated, serve_isolated};
pub use leftovers::{Leftover, leftovers, remove_leftovers};
pub use process_folder::{ProcessFolder, SCRATCH_FOLDER};
#[cfg(feature = "python")]
pub use python::{Interpreter, PythonFunction};
pub use supervised::reaper::{REAPER_VERB, enable_reaper, serve_reaper};
pub use worker::{Launcher, WORKER, worker_launcher};

/// Adds the transforms `command` and `worker`. Workers get tracks as samples by way of `codec`, where the program has one.
pub fn register(registry: &mut Registry, codec: Option<Arc<dyn SampleCodec>>) {
    registry.register(command::entry());
    registry.register(worker::entry(codec));
}
