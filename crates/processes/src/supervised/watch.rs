//! Waits for something from a child process, within its limits of time and memory.

use std::{
    future::{Future, pending},
    io,
};

use euterpe_actors::awake::awake_until;
use rustix::process::Pid;
use tokio::time::Instant;

use super::memory::{Excess, MemoryLimit};

/// Why what was waited for did not come.
#[derive(Debug)]
pub(crate) enum WaitError {
    /// The child hung up, or what it sent is no frame.
    Unreadable(io::Error),
    /// The time is up.
    Overdue,
    /// The child and what it started have more memory than they may have.
    OverMemory(Excess),
}

/// Waits for `work` until the time is up or `process` has more memory than `memory`; without end if neither is limited.
pub(crate) async fn watch<T>(
    until: Option<Instant>,
    memory: &mut MemoryLimit,
    process: Option<Pid>,
    work: impl Future<Output = T>,
) -> Result<T, WaitError> {
    let time_is_up = async {
        match until {
            Some(until) => awake_until(until).await,
            None => pending().await,
        }
    };
    tokio::select! {
        biased; // the limits first: a child that prints without end always has something to be read
        () = time_is_up => Err(WaitError::Overdue),
        excess = memory.exceeded_by(process) => Err(WaitError::OverMemory(excess)),
        done = work => Ok(done),
    }
}
