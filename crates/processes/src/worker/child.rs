//! One worker process as the node sees it: it opens the job, then is given one entity at a time.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use euterpe_actors::{
    disk_room::full_disk_told_in_passing,
    outcome::{Fault, FaultKind},
    transform::Scratch,
};
use tokio::{process::Command, time::Instant};

use super::protocol::{FromWorker, LONGEST, Output, Ready, VERSION};
use crate::supervised::{self, JobLog, Socket, TimeLimit, WaitError, describe_exit, over_memory, overdue, restrict};

/// How long a worker may take to say that it can begin: it may load a model.
const OPENING: Duration = Duration::from_secs(3600);
/// The variable by which a worker finds its socket.
const SOCKET: &str = "EUTERPE_FD";

/// A warm worker process. Dropped, it is killed with all that it started.
pub(super) struct Child {
    supervised: supervised::Child,
    /// The name of its program, for sentences.
    name: Arc<str>,
    /// Its answer to the opening.
    pub(super) ready: Ready,
    /// Where its working folder is.
    place: PathBuf,
    /// Its working folder, removed with it.
    _folder: Scratch,
}

/// A worker's answer to a request: the outputs, and the bytes that are attached to them.
pub(super) type Answer = Result<(Vec<Output>, Bytes), Fault>;

impl Child {
    /// Starts `command` in `folder`, sends it the frame `opening`, and waits until it can begin. Sentences call it `name`.
    pub(super) async fn start(
        mut command: Command,
        name: Arc<str>,
        folder: Scratch,
        memory: Option<u64>,
        log: JobLog,
        opening: &[u8],
    ) -> Result<Self, Fault> {
        let path = folder.path().and_then(std::path::absolute);
        let path = path.map_err(|error| Fault::of_io(format!("could not start `{name}`"), &error))?;
        command.current_dir(&path).env("TMPDIR", &path);
        restrict(&mut command);
        let supervised = supervised::Child::spawn(command, Socket::Variable(SOCKET), LONGEST, memory, Some(log))
            .map_err(|error| could_not_start(&name, &error))?;
        let ready = Ready {
            protocol: 0,
            inputs: Default::default(),
            attach: 0,
            about: String::new(),
            packages: Default::default(),
        };
        let mut child = Self { supervised, name, ready, place: path, _folder: folder };
        child.open(opening).await?;
        Ok(child)
    }

    async fn open(&mut self, opening: &[u8]) -> Result<(), Fault> {
        match self.ask(opening, Instant::now() + OPENING).await {
            Ok((FromWorker::Ready(ready), _)) if ready.protocol == VERSION => {
                self.ready = Ready { attach: ready.attach.min(LONGEST), ..ready };
                Ok(())
            }
            Ok((FromWorker::Ready(ready), _)) => Err(Fault::fatal(format!(
                "`{}` speaks version {} of the worker protocol, this node speaks {VERSION}",
                self.name, ready.protocol
            ))),
            Ok((FromWorker::Fault(fault), _)) => Err(fault.into_fault(self.supervised.last_output())),
            Ok((answer, _)) => Err(self.out_of_turn(&answer)),
            Err(error) => Err(self.end(error, OPENING, Duration::ZERO).await),
        }
    }

    /// Has the entity of the frame `request` worked on, whose try of at most `timeout` began at `began`. The child comes back
    /// if it can go on.
    pub(super) async fn work(
        mut self,
        request: &[u8],
        entity: &str,
        began: Instant,
        timeout: Duration,
    ) -> (Option<Self>, Answer) {
        self.supervised.turn_to(entity);
        let limit = TimeLimit::within(timeout);
        let answer = match self.ask(request, began + limit.term_after).await {
            Ok((FromWorker::Made(outputs), attachment)) => {
                match full_disk_told_in_passing(&self.name, self.supervised.last_output(), &self.place) {
                    Some(fault) => Err(fault),
                    None => Ok((outputs, attachment)),
                }
            }
            Ok((FromWorker::Fault(fault), _)) => Err(fault.into_fault(self.supervised.last_output())),
            Ok((answer, _)) => return (None, Err(self.out_of_turn(&answer))),
            Err(error) => return (None, Err(self.end(error, timeout, limit.grace).await)),
        };
        self.supervised.flush();
        (Some(self), answer)
    }

    /// Whether it has taken so much of its memory that the next entity had better find a fresh one.
    pub(super) fn is_nearly_over_memory(&self) -> bool {
        self.supervised.is_nearly_over_memory()
    }

    /// Whether it still runs.
    pub(super) fn is_running(&mut self) -> bool {
        self.supervised.is_running()
    }

    /// How many entities it was given.
    pub(super) fn served(&self) -> u64 {
        self.supervised.served
    }

    /// Lets it go: it ends by itself when its socket ends, or is killed soon after.
    pub(super) async fn retire(self) {
        if !self.supervised.retire().await {
            tracing::debug!(name = %self.name, "a worker process that was told to end did not, and is killed");
        }
    }

    /// Sends a frame and waits for the answer. Messages that come before it go to the log.
    async fn ask(&mut self, frame: &[u8], until: Instant) -> Result<(FromWorker, Bytes), WaitError> {
        self.supervised.send(frame, Some(until)).await?;
        loop {
            let frame = self.supervised.next(Some(until)).await?;
            let message = serde_json::from_slice(&frame.json).map_err(|error| WaitError::Unreadable(error.into()))?;
            match (message, self.supervised.log()) {
                (FromWorker::Log { level, text }, Some(log)) => log.line(level, &text),
                (FromWorker::Metric { name, value }, Some(log)) => log.metric(&name, value),
                (FromWorker::Progress(fraction), Some(log)) => log.progress(fraction),
                (answer, _) => return Ok((answer, frame.attachment)),
            }
        }
    }

    fn out_of_turn(&self, answer: &FromWorker) -> Fault {
        let kind = match answer {
            FromWorker::Ready(_) => "ready",
            _ => "made",
        };
        Fault::fatal(format!("`{}` answered out of turn with `{kind}`; see the worker protocol", self.name))
    }

    /// Ends a worker that does not answer, and says how it ended.
    async fn end(&mut self, error: WaitError, timeout: Duration, grace: Duration) -> Fault {
        let name = &self.name;
        let fault = match self.supervised.end(error, grace).await {
            Ok(status) => Fault::new(FaultKind::Killed, format!("the process of `{name}` {}", describe_exit(status))),
            Err(WaitError::Unreadable(error)) => {
                Fault::failed(format!("`{name}` does not speak the worker protocol: {error}"))
            }
            Err(WaitError::Overdue) => overdue(name, timeout),
            Err(WaitError::OverMemory(excess)) => over_memory(name, excess),
        };
        fault.with_stderr(self.supervised.last_output())
    }
}

/// A program that is not there is not there for any entity; other trouble may pass.
fn could_not_start(name: &str, error: &io::Error) -> Fault {
    let text = format!("could not start `{name}`");
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
            Fault::fatal(format!("{text}: {error}; install the program, or correct what the job names"))
        }
        _ => Fault::of_io(text, error),
    }
}
