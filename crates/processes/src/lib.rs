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
//! folder_lock ──▶ lock_holders            a folder for one process alone, and who has it
//! file_size                               files that grow too large are an error
//! programs, code_digest                   whether a program is here, and which files hold a job's code
//! job_code ──▶ file_prints                whether that code is still what others were told of
//! usage                                   what processes take: CPU, memory
//! ```
//!
//! Read `supervised` first: its page says how a child ends. The other modules only choose the words that they exchange with
//! it. No module imports from one that stands above it.
//!
//! [`register`] adds the transforms that a graph file names by `use:`. The engine asks for the others by name:
//! [`PythonFunction::launcher`], [`worker_launcher`], [`command_transform`], [`isolated()`]. A program that starts children has two hidden verbs,
//! [`ISOLATED_VERB`] and [`REAPER_VERB`], for it serves as its own children.

mod code_digest;
mod command;
mod file_names;
mod file_prints;
mod file_size;
mod folder_lock;
mod isolated;
mod job_code;
mod leftovers;
mod lock_holders;
mod process_folder;
mod programs;
#[cfg(feature = "python")]
mod python;
mod supervised;
pub mod usage;
mod worker;

use std::sync::Arc;

use euterpe_actors::transform::{Registry, SampleCodec};

pub use code_digest::named_files;
pub use command::{COMMAND, command_transform};
pub use file_size::survive_large_files;
pub use folder_lock::{FolderLock, LockError};
pub use isolated::{ISOLATED_VERB, TransformSpec, isolated, serve_isolated};
pub use job_code::JobCode;
pub use leftovers::{Leftover, leftovers, remove_leftovers};
pub use process_folder::{ProcessFolder, SCRATCH_FOLDER, scratch_trouble};
pub use programs::program_of;
#[cfg(feature = "python")]
pub use python::{Interpreter, PythonFunction, python_sources};
pub use supervised::environment::THREAD_VARIABLES;
pub use supervised::memory::resident_of_children;
pub use supervised::reaper::{REAPER_VERB, enable_reaper, serve_reaper};
pub use worker::{Launcher, WORKER, worker_launcher};

/// Adds the transforms `command` and `worker`. Workers get tracks as samples by way of `codec`, where the program has one.
pub fn register(registry: &mut Registry, codec: Option<Arc<dyn SampleCodec>>) {
    registry.register(command::entry());
    registry.register(worker::entry(codec));
}
