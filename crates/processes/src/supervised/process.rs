//! A child process with its group and its mark: told to end, then killed, and nothing of it is left behind.

use std::{io, process::ExitStatus, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{process::Command, time::timeout};

use super::{mark::Mark, pre_exec::die_with_parent, reaper::Registration, watch::WaitError};

/// How long a process is waited for that hung up, that is told to go, or that got SIGKILL.
const FAREWELL: Duration = Duration::from_secs(5);

/// A child process, the leader of a group of its own. Dropped before its end, it is killed with all that it started.
pub(crate) struct Process {
    child: tokio::process::Child,
    /// The group's number. `None` once the group was killed: the number may then be another's.
    group: Option<Pid>,
    mark: Mark,
    /// Goes when the process is done with: then there is nothing to reap.
    _registration: Registration,
}

impl Process {
    /// Starts the program of `command`.
    ///
    /// # Errors
    /// As [`Command::spawn`]: there is no such program, or it may not be run.
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let mark = Mark::on(command);
        die_with_parent(command);
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let group = child.id().and_then(|pid| Pid::from_raw(pid as i32));
        Ok(Self { child, group, mark, _registration: Registration::of(group) })
    }

    /// Its number; `None` once it was killed.
    pub(crate) fn pid(&self) -> Option<Pid> {
        self.group
    }

    /// Whether it has not ended yet. If it has, what it left is killed.
    pub(crate) fn is_running(&mut self) -> bool {
        let running = matches!(self.child.try_wait(), Ok(None));
        if !running {
            self.kill_soon();
        }
        running
    }

    /// Waits until it ends by itself.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Waits a moment for it to end by itself, and says whether it has.
    pub(crate) async fn farewell(&mut self) -> bool {
        self.wait_at_most(FAREWELL).await.is_some()
    }

    async fn wait_at_most(&mut self, most: Duration) -> Option<ExitStatus> {
        timeout(most, self.child.wait()).await.ok()?.ok()
    }

    /// Sends SIGTERM to the group, and SIGKILL if the process has not ended after `grace`.
    async fn terminate(&mut self, grace: Duration) {
        self.signal(Signal::TERM);
        if self.wait_at_most(grace).await.is_none() {
            self.signal(Signal::KILL);
            self.wait_at_most(FAREWELL).await;
        }
    }

    /// Ends a process after `error`, with `grace` between SIGTERM and SIGKILL.
    ///
    /// # Errors
    /// The same error, unless the process hung up because it ended by itself: then its exit tells more.
    pub(crate) async fn end(&mut self, error: WaitError, grace: Duration) -> Result<ExitStatus, WaitError> {
        let mut status = None;
        match &error {
            WaitError::Unreadable(error) if is_hang_up(error) => status = self.wait_at_most(FAREWELL).await,
            WaitError::Overdue => self.terminate(grace).await,
            WaitError::Unreadable(_) | WaitError::OverMemory(_) => {}
        }
        self.kill_all().await;
        status.ok_or(error)
    }

    /// Kills what is left of the group.
    pub(crate) fn kill_group(&mut self) {
        self.signal(Signal::KILL);
        self.group = None;
    }

    /// Kills the process and all that it started, wherever that has gone.
    pub(crate) async fn kill_all(&mut self) {
        self.kill_group();
        self.mark.kill().await;
        self.wait_at_most(FAREWELL).await;
    }

    /// As [`Process::kill_all`], without waiting for it; nothing if that was done before.
    fn kill_soon(&mut self) {
        if self.group.is_some() {
            self.kill_group();
            self.mark.kill_soon();
        }
    }

    fn signal(&self, signal: Signal) {
        let Some(group) = self.group else { return };
        match kill_process_group(group, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {} // a group that has ended needs no signal
            Err(error) => tracing::warn!(group = %group.as_raw_nonzero(), %error, "could not signal a child process"),
        }
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

impl Drop for Process {
    fn drop(&mut self) {
        // The runtime reaps the child itself, for it was spawned with `kill_on_drop`.
        self.kill_soon();
    }
}
