//! The lines of a run, from the log among its records.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use euterpe_actors::ids::RunId;
use euterpe_actors::state::log_key;
use euterpe_engine::{LogFilter, LogLine, Mistake, RunLog, Session};

use super::page::Shown;
use super::stored_line;

/// How often it is looked for more.
const OFTEN: Duration = Duration::from_millis(200);
/// How many lines are shown at once.
const AT_ONCE: usize = 500;

/// Shows the lines that a filter takes; with `follow` also those that come, until the run has ended.
///
/// # Errors
/// A run that keeps no log; a log that cannot be read.
pub(super) async fn show(
    session: &Session,
    run: RunId,
    filter: &LogFilter,
    follow: bool,
    shown: &mut Shown,
) -> anyhow::Result<()> {
    let state = &session.workspace().state;
    let place = state.place();
    if let Some(log) = state.find_log(run).await?.filter(|log| *log != log_key(run)) {
        bail!(
            "a former version wrote the log of run {run}: text for people, without fields to choose by; it is `{log}` (in {place})"
        );
    }
    let path = match session.run_log(run).await? {
        RunLog::File(path) => path,
        RunLog::Whole(_) if follow => bail!(Mistake(format!(
            "the log of a run can be followed where its records lie in a folder, and they lie in {place}; name the broker of \
             its nodes with --broker, or leave out -f once it has ended"
        ))),
        RunLog::Whole(Some(log)) => {
            let mut lines = Lines::of(&log[..], filter);
            lines.show_new(shown)?;
            return lines.end(shown);
        }
        RunLog::Whole(None) => bail!(
            "run {run} has no log (in {place}): it is put there when the run has ended; the nodes of a run over a broker have \
             their own, which --broker reads"
        ),
    };
    let mut lines = None;
    loop {
        // Before it is read: what the run logs before its end is then among what is read.
        let ended = !follow || session.has_ended(run).await?;
        if lines.is_none() {
            lines = open(&path)?.map(|file| Lines::of(BufReader::new(file), filter));
        }
        let goes_on = match &mut lines {
            Some(lines) => lines.show_new(shown)?,
            None => true,
        };
        match (ended || !goes_on, lines) {
            (true, Some(lines)) => return lines.end(shown),
            (true, None) => bail!(
                "run {run} has no log (in {place}): nobody followed it, as after `publish`; its nodes have their own, which \
                 --broker reads"
            ),
            (false, opened) => lines = opened,
        }
        tokio::time::sleep(OFTEN).await;
    }
}

/// Opens a log, if it is there.
fn open(path: &Path) -> anyhow::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("the log `{}` cannot be read", path.display())),
    }
}

/// The lines of a log that may grow.
struct Lines<'f, R> {
    log: R,
    filter: &'f LogFilter,
    /// A line that has no end yet.
    begun: Vec<u8>,
    /// How many are left out but for the last ones, until all that is there was read once.
    tail: Option<usize>,
    damaged: u64,
}

impl<'f, R: BufRead> Lines<'f, R> {
    fn of(log: R, filter: &'f LogFilter) -> Self {
        Self { log, filter, begun: Vec::new(), tail: filter.tail, damaged: 0 }
    }

    /// Shows what is there and was not shown; whether anybody reads it.
    fn show_new(&mut self, shown: &mut Shown) -> anyhow::Result<bool> {
        let (mut found, tail) = (VecDeque::new(), self.tail.take());
        while let Some(line) = self.next()? {
            found.push_back(line);
            match tail {
                Some(tail) if found.len() > tail => drop(found.pop_front()),
                None if found.len() >= AT_ONCE && !shown.lines(found.drain(..))? => return Ok(false),
                _ => {}
            }
        }
        shown.lines(found.drain(..))
    }

    /// The next line that the filter takes.
    fn next(&mut self) -> anyhow::Result<Option<LogLine>> {
        loop {
            self.log.read_until(b'\n', &mut self.begun).context("the log cannot be read")?;
            if !self.begun.ends_with(b"\n") {
                return Ok(None);
            }
            match stored_line::read(&self.begun) {
                Some(line) if self.filter.takes(&line) => {
                    self.begun.clear();
                    return Ok(Some(line));
                }
                Some(_) => {}
                None => self.damaged += 1,
            }
            self.begun.clear();
        }
    }

    /// Says what of the log cannot be read: damaged lines, and one that the end of its process cut off.
    fn end(self, shown: &mut Shown) -> anyhow::Result<()> {
        shown.damaged(self.damaged + u64::from(!self.begun.is_empty()))
    }
}
