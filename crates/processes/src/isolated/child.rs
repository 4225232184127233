//! One child process as the node sees it: started, given work, told from its death what went wrong.

use std::{
    io,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use euterpe_actors::outcome::{Fault, FaultKind};
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::frames::{self, Answer, Order, Recipe};
use crate::children::{how_it_ended, signal_group};

/// The hidden verb by which this binary serves as such a child.
pub const VERB: &str = "__transform";

/// How much of what the child prints is kept.
const TAIL: usize = 4096;

/// How long the last of what a dead child printed is waited for; who inherited its pipe may hold it open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A child of this binary that holds a transform. Dropped, it is killed with all that it started.
pub(super) struct Child {
    process: tokio::process::Child,
    /// The group, until the leader is known to be dead: its number may then be another's.
    group: Option<Pid>,
    orders: ChildStdin,
    answers: ChildStdout,
    printed: Printed,
    transform: String,
    /// How many pieces of work it has done.
    pub(super) served: u64,
}

impl Child {
    /// Starts a child and lets it open its transform.
    pub(super) async fn start(recipe: &Recipe) -> Result<Self, Fault> {
        let trouble = |error: io::Error| Fault::failed(format!("could not start a child process: {error}"));
        // Not by name: the file may have been replaced since this process started.
        let mut command = Command::new("/proc/self/exe");
        command.arg(VERB).arg(std::process::id().to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.process_group(0).kill_on_drop(true).spawn().map_err(trouble)?;
        let missing = || trouble(io::Error::other("it has no pipes"));
        let orders = process.stdin.take().ok_or_else(missing)?;
        let answers = process.stdout.take().ok_or_else(missing)?;
        let printed = Printed::of(process.stderr.take().ok_or_else(missing)?);
        let group = process.id().and_then(|pid| Pid::from_raw(pid as i32));
        let mut child =
            Self { process, group, orders, answers, printed, transform: recipe.transform.clone(), served: 0 };
        match child.ask(recipe).await? {
            Answer::Ready => Ok(child),
            Answer::Fault(fault) => Err(fault),
            Answer::Made(_) => Err(Fault::fatal("the child process answered out of turn")),
        }
    }

    /// Itself if it still runs: what it was told to do last may have left a thread that ended it since.
    pub(super) fn if_alive(mut self) -> Option<Self> {
        match self.process.try_wait() {
            Ok(None) => Some(self),
            Ok(Some(_)) | Err(_) => {
                self.group = None;
                None
            }
        }
    }

    /// Has one piece of work done. An error is the death of the child, which is then of no more use.
    pub(super) async fn work(&mut self, order: &Order) -> Result<Answer, Fault> {
        self.printed.forget();
        self.served += 1;
        match self.ask(order).await? {
            Answer::Fault(fault) if fault.stderr.is_empty() => {
                Ok(Answer::Fault(fault.with_stderr(&self.printed.so_far())))
            }
            answer => Ok(answer),
        }
    }

    async fn ask(&mut self, piece: &impl serde::Serialize) -> Result<Answer, Fault> {
        let answer = match frames::send(&mut self.orders, piece).await {
            Ok(()) => frames::receive(&mut self.answers).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) if is_hang_up(&error) => Err(self.death().await),
            Err(error) => Err(Fault::failed(format!("could not talk to the child process: {error}"))),
        }
    }

    async fn death(&mut self) -> Fault {
        // It closed its pipes; should it go on without them, it is of no use either.
        let status = match tokio::time::timeout(LAST_WORDS, self.process.wait()).await {
            Ok(status) => status,
            Err(_) => {
                self.kill();
                self.process.wait().await
            }
        };
        self.group = None;
        let printed = self.printed.last_words().await;
        let how = status.map_or_else(|error| error.to_string(), how_it_ended);
        let text = format!("the process that ran `{}` {how}", self.transform);
        Fault::new(FaultKind::Killed, text).with_stderr(&printed)
    }

    fn kill(&self) {
        if let Some(group) = self.group {
            signal_group(group, Signal::KILL);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill(); // the runtime reaps it, for it was spawned with `kill_on_drop`
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// The last of what a child prints, read beside its work.
struct Printed {
    tail: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Printed {
    fn of(pipe: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let tail = Arc::new(Mutex::new(Vec::new()));
        Self { reader: tokio::spawn(keep_last(pipe, tail.clone())), tail }
    }

    fn so_far(&self) -> Vec<u8> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn forget(&self) {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn last_words(&mut self) -> Vec<u8> {
        if tokio::time::timeout(LAST_WORDS, &mut self.reader).await.is_err() {
            self.reader.abort();
        }
        self.so_far()
    }
}

impl Drop for Printed {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn keep_last(mut pipe: impl AsyncRead + Unpin, tail: Arc<Mutex<Vec<u8>>>) {
    let mut part = vec![0; 16 << 10];
    while let Ok(read @ 1..) = pipe.read(&mut part).await {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(&part[..read]);
        let over = tail.len().saturating_sub(TAIL);
        tail.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_what_is_printed_the_last_four_kibibytes_are_kept() {
        let text: Vec<u8> = (0..100_000_u32).map(|at| b'a' + (at % 26) as u8).collect();
        let mut printed = Printed::of(io::Cursor::new(text.clone()));
        assert_eq!(printed.last_words().await, text[text.len() - TAIL..]);
    }
}
