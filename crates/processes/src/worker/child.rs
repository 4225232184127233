//! One worker process as the node sees it: started, given one entity at a time, ended with all that it started.

use std::{fs, io, os::fd::OwnedFd, process::Stdio, sync::Arc, time::Duration};

use bytes::Bytes;
use euterpe_actors::{
    outcome::{Fault, FaultKind},
    transform::Scratch,
};
use rustix::process::{Pid, Signal};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{
    Launcher,
    frames::{Frames, LONGEST},
    printed::Printed,
    speech::{Heard, PROTOCOL, Piece, Ready},
};
use crate::children::{
    Deadline, Kept, Mark, fenced_in, how_it_ended, resident, resident_of_all, signal_group, tethered,
};

/// How long a worker may take to say that it can begin: it may load a model.
const OPENING: Duration = Duration::from_secs(3600);
/// How long one that hung up is waited for, or one that is no longer needed.
const FAREWELL: Duration = Duration::from_secs(5);
/// How often its memory is looked at while it works.
const LOOK: Duration = Duration::from_millis(200);

/// A warm worker process. Dropped, it is killed with all that it started.
pub(super) struct Child {
    process: tokio::process::Child,
    /// The group, until the leader is known to be dead.
    group: Option<Pid>,
    _kept: Kept,
    mark: Mark,
    frames: Frames,
    printed: Printed,
    what: Arc<str>,
    memory: Option<u64>,
    /// What it said of itself.
    pub(super) ready: Ready,
    /// How many entities it has done.
    pub(super) served: u64,
    /// Its working folder, removed with it.
    _home: Scratch,
}

/// Why there is no answer.
enum Silence {
    /// It hung up, or what it sent is no frame.
    Broken(io::Error),
    /// The time is up.
    Overdue,
    /// It took so many bytes of memory.
    TooBig(u64),
}

impl Child {
    /// Starts a process and waits until it can begin.
    pub(super) async fn start(launcher: &Launcher) -> Result<Self, Fault> {
        let trouble = |error: io::Error| Fault::failed(format!("could not start `{}`: {error}", launcher.what));
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(trouble)?;
        ours.set_nonblocking(true).map_err(trouble)?;
        let (printed, printer) = io::pipe().map_err(trouble)?;
        let home = Scratch::at(launcher.next_home());
        let folder = home.path().and_then(std::path::absolute).map_err(trouble)?;

        let mut command = launcher.command().await?;
        command.current_dir(&folder).env("TMPDIR", &folder).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(printer.try_clone().map_err(trouble)?).stderr(printer);
        tethered(&mut command);
        fenced_in(&mut command, "EUTERPE_FD", OwnedFd::from(theirs));
        let mark = Mark::on(&mut command);
        let process = command.spawn().map_err(|error| launcher.unstartable(&error))?;
        drop(command); // and with it our copies of the other ends

        let group = process.id().and_then(|pid| Pid::from_raw(pid as i32));
        first_to_go(group);
        let mut child = Self {
            process,
            group,
            _kept: Kept::group(group),
            mark,
            frames: Frames::over(tokio::net::UnixStream::from_std(ours).map_err(trouble)?),
            printed: Printed::of(printed.into(), launcher.job.clone()).map_err(trouble)?,
            what: launcher.what.clone(),
            memory: launcher.memory,
            ready: Ready { protocol: 0, inputs: Default::default(), attach: 0, about: String::new() },
            served: 0,
            _home: home,
        };
        child.open(&launcher.opening).await?;
        Ok(child)
    }

    async fn open(&mut self, opening: &[u8]) -> Result<(), Fault> {
        match self.ask(opening, Instant::now() + OPENING).await {
            Ok((Heard::Ready(ready), _)) if ready.protocol == PROTOCOL => {
                self.ready = Ready { attach: ready.attach.min(LONGEST), ..ready };
                Ok(())
            }
            Ok((Heard::Ready(ready), _)) => Err(Fault::fatal(format!(
                "`{}` speaks version {} of the worker protocol, this node speaks {PROTOCOL}",
                self.what, ready.protocol
            ))),
            Ok((Heard::Fault(told), _)) => Err(told.into_fault(self.printed.tail())),
            Ok((heard, _)) => Err(self.out_of_turn(&heard)),
            Err(silence) => Err(self.end(silence, OPENING, Duration::ZERO).await),
        }
    }

    /// Has one entity worked on. The child comes back if it can go on; the answer is a fault of the entity or its outputs
    /// with what is attached to them.
    pub(super) async fn work(
        mut self,
        frame: &[u8],
        entity: &str,
        began: Instant,
        limit: Duration,
    ) -> (Option<Self>, Result<(Vec<Piece>, Bytes), Fault>) {
        self.printed.turn_to(entity);
        self.served += 1;
        let Deadline { told, grace } = Deadline::within(limit);
        let result = match self.ask(frame, began + told).await {
            Ok((Heard::Made(pieces), attachment)) => Ok((pieces, attachment)),
            Ok((Heard::Fault(told), _)) => Err(told.into_fault(self.printed.tail())),
            Ok((heard, _)) => return (None, Err(self.out_of_turn(&heard))),
            Err(silence) => return (None, Err(self.end(silence, limit, grace).await)),
        };
        self.printed.drain();
        (Some(self), result)
    }

    /// Whether it has taken so much of its memory that the next entity had better find a fresh one.
    pub(super) fn is_bloated(&self) -> bool {
        let (Some(memory), Some(process)) = (self.memory, self.group) else { return false };
        resident(process) > memory / 5 * 4
    }

    /// Itself if it still runs: a thread of the transform may have ended it since.
    pub(super) fn if_alive(mut self) -> Option<Self> {
        match self.process.try_wait() {
            Ok(None) => Some(self),
            Ok(Some(_)) | Err(_) => {
                self.end_group();
                None
            }
        }
    }

    /// Sends a frame and waits for what is an answer; all else is noted.
    async fn ask(&mut self, frame: &[u8], until: Instant) -> Result<(Heard, Bytes), Silence> {
        // One that does not read is as overdue as one that does not answer.
        match timeout_at(until, self.frames.send(frame)).await {
            Ok(sent) => sent.map_err(Silence::Broken)?,
            Err(_) => return Err(Silence::Overdue),
        }
        let mut look = Instant::now() + LOOK;
        loop {
            let next = if self.memory.is_some() { look.min(until) } else { until };
            tokio::select! {
                biased;
                frame = self.frames.next() => {
                    let hung_up = || Silence::Broken(io::ErrorKind::UnexpectedEof.into());
                    let frame = frame.map_err(Silence::Broken)?.ok_or_else(hung_up)?;
                    let heard = serde_json::from_slice(&frame.json).map_err(|error| Silence::Broken(error.into()))?;
                    match heard {
                        Heard::Log { level, text } => self.printed.log(level, &text),
                        Heard::Metric { name, value } => self.printed.metric(&name, value),
                        Heard::Progress(fraction) => self.printed.progress(fraction),
                        answer => return Ok((answer, frame.attachment)),
                    }
                }
                () = self.printed.read() => {}
                () = sleep_until(next) => {
                    if Instant::now() >= until {
                        return Err(Silence::Overdue);
                    }
                    look = Instant::now() + LOOK;
                    let (Some(most), Some(process)) = (self.memory, self.group) else { continue };
                    let taken = resident_of_all(process);
                    if taken > most {
                        return Err(Silence::TooBig(taken));
                    }
                }
            }
        }
    }

    fn out_of_turn(&self, heard: &Heard) -> Fault {
        let what = match heard {
            Heard::Ready(_) => "ready",
            _ => "made",
        };
        Fault::fatal(format!("`{}` answered out of turn with `{what}`; see the worker protocol", self.what))
    }

    /// Ends what does not answer, and says what became of it.
    async fn end(&mut self, silence: Silence, limit: Duration, grace: Duration) -> Fault {
        let (kind, text) = match silence {
            Silence::Broken(error) => {
                let hung_up = matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                );
                let status = if hung_up { self.wait(FAREWELL).await } else { None };
                match status {
                    Some(status) => {
                        (FaultKind::Killed, format!("the process of `{}` {}", self.what, how_it_ended(status)))
                    }
                    None => {
                        let text = format!("`{}` does not speak the worker protocol: {error}", self.what);
                        (FaultKind::Failed, text)
                    }
                }
            }
            Silence::Overdue => {
                self.signal(Signal::TERM);
                if self.wait(grace).await.is_none() {
                    self.signal(Signal::KILL);
                    self.wait(FAREWELL).await;
                }
                (FaultKind::Timeout, format!("`{}` ran longer than its timeout of {limit:?} and was ended", self.what))
            }
            Silence::TooBig(taken) => {
                let most = self.memory.unwrap_or(0);
                let mib = |bytes: u64| bytes.div_ceil(1 << 20);
                let text = format!(
                    "`{}` took {} MiB of memory, more than the {} MiB of its pool, and was ended",
                    self.what,
                    mib(taken),
                    mib(most)
                );
                (FaultKind::Killed, text)
            }
        };
        self.end_group();
        self.wait(FAREWELL).await;
        Fault::new(kind, text).with_stderr(self.printed.tail())
    }

    /// Waits for its end, at most so long, and reads meanwhile what it prints: it may be waiting for that.
    async fn wait(&mut self, most: Duration) -> Option<std::process::ExitStatus> {
        let until = Instant::now() + most;
        loop {
            tokio::select! {
                biased;
                status = self.process.wait() => return status.ok(),
                () = self.printed.read() => {}
                () = sleep_until(until) => return None,
            }
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            signal_group(group, signal);
        }
    }

    fn end_group(&mut self) {
        if let Some(group) = self.group.take() {
            signal_group(group, Signal::KILL);
            self.mark.kill();
        }
    }

    /// Lets it go: it ends by itself when it hears no more, or is killed soon after.
    pub(super) async fn retire(mut self) {
        self.frames.hang_up().await;
        if self.wait(FAREWELL).await.is_none() {
            tracing::debug!(what = %self.what, "a worker process that was told to end did not, and is killed");
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end_group(); // the runtime reaps it, for it was spawned with `kill_on_drop`
    }
}

/// Where memory runs out, the kernel is to take the worker and not the node.
fn first_to_go(process: Option<Pid>) {
    let Some(process) = process else { return };
    if let Err(error) = fs::write(format!("/proc/{}/oom_score_adj", process.as_raw_nonzero()), "500") {
        tracing::debug!(%error, "a worker process is not marked as the first to go where memory runs out");
    }
}
