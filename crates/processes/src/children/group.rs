//! The process group of a child: told to end, then killed, and never left behind.

use std::{future::Future, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::Child,
    time::{sleep, timeout},
};

use super::keeper::Kept;
use super::mark::Mark;

/// When a program is told to end and when it is killed, so that both are over before the job's timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline {
    /// SIGTERM after this long.
    pub(crate) told: Duration,
    /// SIGKILL this long after it.
    pub(crate) grace: Duration,
}

impl Deadline {
    /// The deadline of a try: five seconds to end in, or a quarter of a short timeout, and a moment to be reaped.
    pub(crate) fn within(timeout: Duration) -> Self {
        let grace = (timeout / 4).min(Duration::from_secs(5));
        let moment = (timeout / 20).min(Duration::from_millis(500));
        Self { told: timeout.saturating_sub(grace + moment), grace }
    }
}

/// A program and all that it starts. Dropped before its end, all of that is killed.
pub(crate) struct Group {
    child: Child,
    leader: Option<Pid>,
    mark: Mark,
    _kept: Kept,
}

/// How a program ended.
pub(crate) struct Ended {
    pub(crate) status: std::process::ExitStatus,
    /// Whether it was told to end because its time was up.
    pub(crate) overdue: bool,
}

impl Group {
    /// The group of a child that was spawned as the leader of one, with a mark.
    pub(crate) fn of(child: Child, mark: Mark) -> Self {
        let leader = child.id().and_then(|pid| Pid::from_raw(pid as i32));
        Self { child, leader, mark, _kept: Kept::group(leader) }
    }

    /// Waits for the program's end, or brings it about at the deadline. What it left running in its group is killed in any
    /// case; what left the group, unless the program ended well.
    pub(crate) async fn end(&mut self, deadline: Deadline) -> std::io::Result<Ended> {
        let ended = match timeout(deadline.told, self.child.wait()).await {
            Ok(status) => Ended { status: status?, overdue: false },
            Err(_) => {
                self.signal(Signal::TERM);
                let status = match timeout(deadline.grace, self.child.wait()).await {
                    Ok(status) => status?,
                    Err(_) => {
                        self.signal(Signal::KILL);
                        self.child.wait().await?
                    }
                };
                Ended { status, overdue: true }
            }
        };
        self.kill();
        if !ended.status.success() {
            self.mark.kill();
        }
        Ok(ended)
    }

    /// The output of a reader of the program's pipes, which ends with the group; a process that left the group and holds
    /// the pipe open is not waited for.
    pub(crate) async fn drained<T>(reader: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            read = reader => Some(read),
            () = sleep(Duration::from_secs(1)) => None,
        }
    }

    fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.leader = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            signal_group(leader, signal);
        }
    }
}

/// Sends a signal to a group; one that has ended needs none.
pub(crate) fn signal_group(leader: Pid, signal: Signal) {
    match kill_process_group(leader, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => tracing::warn!(group = %leader.as_raw_nonzero(), %error, "could not signal a child process"),
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The runtime reaps the child itself, for it was spawned with `kill_on_drop`.
        if self.leader.is_some() {
            self.kill();
            self.mark.kill();
        }
    }
}
