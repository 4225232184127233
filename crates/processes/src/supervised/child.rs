//! A child process that takes and answers frames over a socket, and whose output is captured meanwhile.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::Pid;
use tokio::{process::Command, time::Instant};

use super::{
    frames::{Frame, Frames},
    job_log::JobLog,
    memory::MemoryLimit,
    output::Output,
    pre_exec::pass_descriptor,
    process::Process,
    watch::{WaitError, watch},
};

/// Where a child finds its end of the socket.
pub(crate) enum Socket {
    /// On its standard input.
    Stdin,
    /// In the descriptor whose number this variable holds; standard input is empty.
    Variable(&'static str),
}

/// A child that is given one frame after the other. Dropped, it is killed with all that it started.
pub(crate) struct Child {
    process: Process,
    frames: Frames,
    output: Output,
    memory: MemoryLimit,
    /// How many entities it was given.
    pub(crate) served: u64,
}

impl Child {
    /// Starts the program of `command`. Frames are at most `longest` bytes, `memory` is in bytes, and lines that the child
    /// prints go to `log`.
    ///
    /// # Errors
    /// There is no such program, or it may not be run, or this process has no descriptors left.
    pub(crate) fn spawn(
        mut command: Command,
        socket: Socket,
        longest: usize,
        memory: Option<u64>,
        log: Option<JobLog>,
    ) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let (output, printer) = Output::pipe(log)?;
        command.stdout(printer.try_clone()?).stderr(printer);
        match socket {
            Socket::Stdin => {
                command.stdin(OwnedFd::from(theirs));
            }
            Socket::Variable(name) => {
                command.stdin(Stdio::null());
                pass_descriptor(&mut command, name, theirs.into());
            }
        }
        let process = Process::spawn(&mut command)?;
        drop(command); // and with it our copies of the child's ends
        prefer_for_oom_kill(process.pid());
        let frames = Frames::over(ours, longest)?;
        Ok(Self { process, frames, output, memory: MemoryLimit::of(memory), served: 0 })
    }

    /// Sends a frame. A child that does not read it in time is as overdue as one that does not answer.
    pub(crate) async fn send(&mut self, frame: &[u8], until: Option<Instant>) -> Result<(), WaitError> {
        let Self { process, frames, output, memory, .. } = self;
        let sent = watch(until, memory, process.pid(), output.reading(frames.send(frame))).await?;
        sent.map_err(WaitError::Unreadable)
    }

    /// The next frame that the child sends.
    pub(crate) async fn next(&mut self, until: Option<Instant>) -> Result<Frame, WaitError> {
        let Self { process, frames, output, memory, .. } = self;
        let frame = watch(until, memory, process.pid(), output.reading(frames.next())).await?;
        frame.map_err(WaitError::Unreadable)?.ok_or_else(|| WaitError::Unreadable(io::ErrorKind::UnexpectedEof.into()))
    }

    /// Ends a child that does not answer; as [`Process::end`].
    pub(crate) async fn end(&mut self, error: WaitError, grace: Duration) -> Result<ExitStatus, WaitError> {
        self.output.reading(self.process.end(error, grace)).await
    }

    /// Whether it still runs: a thread of the transform may have ended it since its last answer.
    pub(crate) fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Lets it go: it ends by itself when the socket ends, or is killed soon after. Whether it ended by itself.
    pub(crate) async fn retire(mut self) -> bool {
        self.frames.hang_up().await;
        self.output.reading(self.process.farewell()).await
    }

    /// Whether it has taken so much of its memory that the next entity had better find a fresh one.
    pub(crate) fn is_nearly_over_memory(&self) -> bool {
        self.memory.is_nearly_reached_by(self.process.pid())
    }

    /// It is given this entity: what it prints from now on is about it.
    pub(crate) fn turn_to(&mut self, entity: &str) {
        self.served += 1;
        self.output.turn_to(entity);
    }

    /// Logs what it has printed so far, as being about the entity in hand.
    pub(crate) fn flush(&mut self) {
        self.output.drain();
    }

    /// The last of what it printed about the entity in hand.
    pub(crate) fn last_output(&mut self) -> &[u8] {
        self.output.tail()
    }

    /// The log that its lines go to.
    pub(crate) fn log(&mut self) -> Option<&mut JobLog> {
        self.output.log()
    }
}

/// If memory runs out, the kernel is to kill the child and not the node.
fn prefer_for_oom_kill(process: Option<Pid>) {
    let Some(process) = process else { return };
    if let Err(error) = fs::write(format!("/proc/{}/oom_score_adj", process.as_raw_nonzero()), "500") {
        tracing::debug!(%error, "the kernel was not told to kill a child process before the node");
    }
}
