//! A program does not outlive the process that started it, however that ends.
//!
//! What the program itself has started is in the same group, which the keeper ends.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{
        Resource, Rlimit, Signal, getpid, getppid, set_child_subreaper, set_parent_process_death_signal, setrlimit,
    },
    thread::set_no_new_privs,
};

/// Has the program of `command` killed when the thread that spawns it ends: to be spawned from a thread that lives as
/// long as the process.
#[allow(unsafe_code)] // there is no other way to say something about a program between its birth and its start
pub(crate) fn tethered(command: &mut tokio::process::Command) {
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

/// Hands `descriptor` to the program, its number under the name `variable`; lets it gain no rights and leave no core file,
/// and keeps all that it starts below it.
#[allow(unsafe_code)] // as above
pub(crate) fn fenced_in(command: &mut tokio::process::Command, variable: &str, descriptor: OwnedFd) {
    command.env(variable, descriptor.as_raw_fd().to_string());
    let fence = move || {
        fcntl_setfd(&descriptor, FdFlags::empty())?; // stays open, in this process alone
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
        set_no_new_privs(true)?;
        set_child_subreaper(Some(getpid()))?;
        Ok(())
    };
    // SAFETY: runs in the child between fork and exec, where only what is safe in a signal handler is allowed: five system
    // calls without memory or locks.
    unsafe { command.pre_exec(fence) };
}
