//! Verbs of the program that are started from a page: each in a process of its own, with what it prints kept for a while.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use crate::locks::locked;
use crate::wanted::{Wanted, typed};
use crate::words::now;

/// How many commands may be at work at once.
const AT_ONCE: usize = 4;
/// How many are remembered.
const KEPT: usize = 50;
/// How many lines of each are.
const LINES: usize = 400;
/// The longest line that is kept, in characters.
const LONGEST: usize = 2000;
/// How long a command may take that only says what another one would do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that was started.
#[derive(Debug)]
pub(crate) struct Started {
    pub number: u64,
    /// As it is typed in a shell.
    pub typed: String,
    /// When, in milliseconds after the Unix epoch.
    pub begun: u64,
    now: Mutex<Now>,
}

/// How a command is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Now {
    /// The last lines that it printed.
    pub lines: VecDeque<String>,
    /// How it ended, and when.
    pub ended: Option<(String, u64)>,
    /// Whether it ended well.
    pub is_good: bool,
    pid: Option<i32>,
}

impl Started {
    /// How it is now.
    pub(crate) fn now(&self) -> Now {
        locked(&self.now).clone()
    }

    fn keep(&self, line: String) {
        let mut now = locked(&self.now);
        if now.lines.len() >= LINES {
            now.lines.pop_front();
        }
        now.lines.push_back(line.chars().take(LONGEST).collect());
    }

    /// Asks it to end, as ctrl-c does.
    ///
    /// # Errors
    /// Where it cannot be told so.
    pub(crate) fn interrupt(&self) -> std::io::Result<()> {
        let now = locked(&self.now);
        match now.pid.filter(|_| now.ended.is_none()).and_then(Pid::from_raw) {
            Some(pid) => Ok(kill_process(pid, Signal::INT)?),
            None => Ok(()),
        }
    }
}

/// The program, and what was started of it.
#[derive(Debug)]
pub(crate) struct Commands {
    program: PathBuf,
    /// What stands behind each verb.
    pub(crate) graph: Vec<String>,
    environment: Vec<(String, String)>,
    started: Mutex<VecDeque<Arc<Started>>>,
    number: AtomicU64,
    /// The right to ask what a command would do.
    forecasts: Semaphore,
}

impl Commands {
    pub(crate) fn new(program: PathBuf, graph: Vec<String>, environment: Vec<(String, String)>) -> Self {
        Self {
            program,
            graph,
            environment,
            started: Mutex::default(),
            number: AtomicU64::new(1),
            forecasts: Semaphore::new(2),
        }
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.args(words).envs(environment).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: ctrl-c at this server's terminal is passed on once.
        command.process_group(0);
        command
    }

    /// What a command would do, in the words of the program: whether it could say so, and what it printed.
    ///
    /// # Errors
    /// Where it cannot be started, or takes too long.
    pub(crate) async fn forecast(&self, wanted: &Wanted) -> anyhow::Result<(bool, String)> {
        let _turn = self.forecasts.acquire().await?;
        let mut command = self.command(&wanted.words(&self.graph, true));
        let output = command.kill_on_drop(true).output();
        let output = tokio::time::timeout(PATIENCE, output).await;
        let output = output
            .context("it takes too long to find out what it would do")?
            .context("the program cannot be started")?;
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok((output.status.success(), text.join("").trim().to_owned()))
    }

    /// Starts a command; `news` is called whenever it printed something or ended.
    ///
    /// # Errors
    /// Where too many are at work, or it cannot be started.
    pub(crate) fn start(&self, wanted: &Wanted, news: impl Fn(bool) + Clone + 'static) -> anyhow::Result<Arc<Started>> {
        if self.all().iter().filter(|other| other.now().ended.is_none()).count() >= AT_ONCE {
            bail!("{AT_ONCE} commands are at work already; wait for one to end");
        }
        let words = wanted.words(&self.graph, false);
        let mut child = self.command(&words).spawn().context("the program cannot be started")?;
        let pid = child.id().map(|id| id as i32);
        let started = Arc::new(Started {
            number: self.number.fetch_add(1, Ordering::Relaxed),
            typed: typed(&words),
            begun: now(),
            now: Mutex::new(Now { pid, ..Now::default() }),
        });
        let mut all = locked(&self.started);
        all.push_front(started.clone());
        while all.len() > KEPT {
            all.pop_back();
        }
        drop(all);
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let follow = started.clone();
        actix_web::rt::spawn(async move {
            let printed = futures::future::join(lines(out, &follow, &news), lines(err, &follow, &news));
            printed.await;
            ended(child, &follow).await;
            news(true);
        });
        Ok(started)
    }

    /// What was started, the newest first.
    pub(crate) fn all(&self) -> Vec<Arc<Started>> {
        locked(&self.started).iter().cloned().collect()
    }

    /// Asks all that are at work to end; how many there are.
    pub(crate) fn interrupt_all(&self) -> usize {
        let at_work: Vec<_> = self.all().into_iter().filter(|started| started.now().ended.is_none()).collect();
        for started in &at_work {
            if let Err(error) = started.interrupt() {
                tracing::warn!(%error, "could not stop `{}`", started.typed);
            }
        }
        at_work.len()
    }

    /// The one of a number.
    pub(crate) fn find(&self, number: u64) -> Option<Arc<Started>> {
        locked(&self.started).iter().find(|started| started.number == number).cloned()
    }
}

async fn lines<R: AsyncRead + Unpin>(from: Option<R>, started: &Started, news: &impl Fn(bool)) {
    let Some(from) = from else { return };
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line).await {
            Ok(0) => return,
            Ok(_) => started.keep(String::from_utf8_lossy(&line).trim_end().to_owned()),
            Err(error) => return started.keep(format!("what it prints cannot be read: {error}")),
        }
        news(false);
    }
}

async fn ended(mut child: Child, started: &Started) {
    let ended = child.wait().await;
    let mut now = locked(&started.now);
    now.is_good = ended.as_ref().is_ok_and(std::process::ExitStatus::success);
    let how = match ended.as_ref().map(std::process::ExitStatus::code) {
        Ok(Some(0)) => "ended well".to_owned(),
        Ok(Some(4)) => "ended with dead letters (exit 4)".to_owned(),
        Ok(Some(130)) => "was stopped (exit 130)".to_owned(),
        Ok(Some(code)) => format!("failed (exit {code})"),
        Ok(None) => "was killed".to_owned(),
        Err(error) => format!("ended in a way that is not known: {error}"),
    };
    now.ended = Some((how, crate::words::now()));
}
