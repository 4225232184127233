//! One child process, supervised: it ends in time, it does not outgrow its memory, and nothing that it started outlives it.
//!
//! ```text
//! child ──▶ process ──▶ reaper ──▶ mark ──▶ environ     a child that talks in frames; any child process; what it started
//!   │          └──▶ watch ──▶ memory ◀── exit            limits, and the sentences for a child that exceeded them
//!   └──▶ frames, output ──▶ tail, job_log
//! ```
//!
//! What a child has started is found in two ways. It is in the child's process group, which is killed with one system
//! call. A process that has left the group still has the child's mark in its environment, and is found by a look at
//! `/proc`, which takes milliseconds and is therefore never taken on the thread of the actors.

mod child;
mod environ;
pub(crate) mod environment;
mod exit;
mod frames;
mod job_log;
mod mark;
pub(crate) mod memory;
mod output;
mod pre_exec;
mod process;
pub(crate) mod reaper;
mod start_times;
mod tail;
mod time_limit;
mod watch;

pub(crate) use child::{Child, Socket};
pub(crate) use environment::{inherit, scrub};
pub(crate) use exit::{describe_exit, over_memory, overdue};
pub(crate) use frames::{Frames, encode};
pub(crate) use job_log::{JobLog, Level};
pub(crate) use memory::MemoryLimit;
pub(crate) use output::Output;
pub(crate) use pre_exec::restrict;
pub(crate) use process::Process;
pub(crate) use time_limit::TimeLimit;
pub(crate) use watch::{WaitError, watch};
