//! Settings that a child process makes for itself after it is forked and before it becomes its program.

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
use tokio::process::Command;

/// Has the kernel kill the program when the thread that spawns it ends. That thread must live as long as the process.
#[allow(unsafe_code)] // a parent-death signal can only be set by the child itself
pub(super) fn die_with_parent(command: &mut Command) {
    let parent = getpid();
    let set = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        match getppid() {
            Some(pid) if pid == parent => Ok(()),
            _ => Err(io::Error::from(rustix::io::Errno::SRCH)), // the parent died before the signal was set
        }
    };
    // SAFETY: the closure runs in the child between fork and exec, where only what is safe in a signal handler is allowed:
    // it makes two system calls and takes neither memory nor locks.
    unsafe { command.pre_exec(set) };
}

/// Leaves `descriptor` open in the program, which finds its number in the variable `variable`.
#[allow(unsafe_code)] // a descriptor must stay closed in all other children, so it is opened up in this one alone
pub(super) fn pass_descriptor(command: &mut Command, variable: &str, descriptor: OwnedFd) {
    command.env(variable, descriptor.as_raw_fd().to_string());
    // SAFETY: as above; one system call.
    unsafe { command.pre_exec(move || Ok(fcntl_setfd(&descriptor, FdFlags::empty())?)) };
}

/// For programs that are not ours: they gain no rights, leave no core file, and stay the ancestors of all that they start,
/// so that its memory can be counted.
#[allow(unsafe_code)] // the limits are those of the child, not of this process
pub(crate) fn restrict(command: &mut Command) {
    let set = || {
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
        set_no_new_privs(true)?;
        set_child_subreaper(Some(getpid()))?;
        Ok(())
    };
    // SAFETY: as above; four system calls.
    unsafe { command.pre_exec(set) };
}
