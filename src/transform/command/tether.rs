//! A program does not outlive the process that started it, however that ends.
//!
//! What the program itself has started may: it is in the same group, but nobody is left to end the group.

use std::io;

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

/// Has the program of `command` killed when the thread that spawns it ends: to be spawned from a thread that lives as
/// long as the process.
#[allow(unsafe_code)] // there is no other way to say something about a program between its birth and its start
pub(super) fn tethered(command: &mut tokio::process::Command) {
    let parent = getpid();
    let tether = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        match getppid() {
            Some(pid) if pid == parent => Ok(()),
            _ => Err(io::Error::from(rustix::io::Errno::SRCH)), // died in between
        }
    };
    // SAFETY: runs in the child between fork and exec, where only what is safe in a signal handler is allowed: two system
    // calls without memory or locks.
    unsafe { command.pre_exec(tether) };
}
