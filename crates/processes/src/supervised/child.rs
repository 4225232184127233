//! A child process that takes and answers frames over a socket, and whose output is captured meanwhile.

use std::{
    fs,
    future::{Future, pending},
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    pin::pin,
    process::Stdio,
    time::Duration,
};

use rustix::process::Pid;
use tokio::{
    process::Command,
    time::{Instant, sleep_until},
};

use super::{
    exit::Ending,
    frames::{Frame, Frames},
    job_log::JobLog,
    memory::MemoryLimit,
    output::Output,
    pre_exec::pass_descriptor,
    process::Process,
};

/// How long a child that hung up, or that is told to go, is waited for.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where a child finds its end of the socket.
pub(crate) enum Socket {
    /// On its standard input.
    Stdin,
    /// In the descriptor whose number this variable holds; standard input is empty.
    Variable(&'static str),
}

/// Why there is no frame.
pub(crate) enum Silence {
    /// The child hung up, or what it sent is no frame.
    Unreadable(io::Error),
    /// The time is up.
    Overdue,
    /// The child and what it started have so many bytes resident.
    OverMemory(u64),
}

/// A child that is given one frame after the other. Dropped, it is killed with all that it started.
pub(crate) struct Child {
    process: Process,
    frames: Frames,
    output: Output,
    memory: MemoryLimit,
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
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
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
        let (frames, output) = (Frames::over(ours, longest)?, Output::of(reader.into(), log)?);
        Ok(Self { process, frames, output, memory: MemoryLimit::of(memory) })
    }

    /// Sends a frame. A child that does not read it in time is as overdue as one that does not answer.
    pub(crate) async fn send(&mut self, frame: &[u8], until: Option<Instant>) -> Result<(), Silence> {
        let Self { process, frames, output, memory } = self;
        watched(output, memory, process.pid(), until, frames.send(frame)).await?.map_err(Silence::Unreadable)
    }

    /// The next frame that the child sends.
    pub(crate) async fn next(&mut self, until: Option<Instant>) -> Result<Frame, Silence> {
        let Self { process, frames, output, memory } = self;
        let frame = watched(output, memory, process.pid(), until, frames.next()).await?;
        frame.map_err(Silence::Unreadable)?.ok_or_else(|| Silence::Unreadable(io::ErrorKind::UnexpectedEof.into()))
    }

    /// Ends a child that does not answer, with `grace` between SIGTERM and SIGKILL, and says how it ended.
    pub(crate) async fn end(&mut self, silence: Silence, grace: Duration) -> Ending {
        let Self { process, output, .. } = self;
        let ending = match silence {
            Silence::Unreadable(error) if is_hang_up(&error) => {
                match reading(output, process.wait_at_most(FAREWELL)).await {
                    Some(status) => Ending::Exited(status),
                    None => Ending::Unreadable(error),
                }
            }
            Silence::Unreadable(error) => Ending::Unreadable(error),
            Silence::Overdue => {
                reading(output, process.terminate(grace)).await;
                Ending::Overdue
            }
            Silence::OverMemory(taken) => Ending::OverMemory(taken),
        };
        reading(output, process.kill_all()).await;
        ending
    }

    /// Itself if it still runs: a thread of the transform may have ended it since its last answer.
    pub(crate) fn if_running(mut self) -> Option<Self> {
        self.process.is_running().then_some(self)
    }

    /// Lets it go: it ends by itself when the socket ends, or is killed soon after. Whether it ended by itself.
    pub(crate) async fn retire(mut self) -> bool {
        self.frames.hang_up().await;
        reading(&mut self.output, self.process.wait_at_most(FAREWELL)).await.is_some()
    }

    /// Whether it has taken so much of its memory that the next entity had better find a fresh one.
    pub(crate) fn is_nearly_over_memory(&self) -> bool {
        self.memory.is_nearly_reached_by(self.process.pid())
    }

    /// What it prints from now on is about this entity.
    pub(crate) fn turn_to(&mut self, entity: &str) {
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

/// Waits for `work`, and captures meanwhile what the child prints: a child whose pipe is full would wait for us.
async fn reading<T>(output: &mut Output, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = output.read() => {}
        }
    }
}

/// Waits for `work` as [`reading`] does, until the time is up or the child has taken too much memory.
async fn watched<T>(
    output: &mut Output,
    memory: &mut MemoryLimit,
    process: Option<Pid>,
    until: Option<Instant>,
    work: impl Future<Output = T>,
) -> Result<T, Silence> {
    let time_is_up = async {
        match until {
            Some(until) => sleep_until(until).await,
            None => pending().await,
        }
    };
    tokio::select! {
        biased; // the limits first: a child that prints without end always has something to be read
        () = time_is_up => Err(Silence::Overdue),
        taken = memory.exceeded_by(process) => Err(Silence::OverMemory(taken)),
        done = reading(output, work) => Ok(done),
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// If memory runs out, the kernel is to kill the child and not the node.
fn prefer_for_oom_kill(process: Option<Pid>) {
    let Some(process) = process else { return };
    if let Err(error) = fs::write(format!("/proc/{}/oom_score_adj", process.as_raw_nonzero()), "500") {
        tracing::debug!(%error, "the kernel was not told to kill a child process before the node");
    }
}
