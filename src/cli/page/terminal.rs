//! The person at the terminal: sees a run go on, and stops it.

use std::cell::Cell;
use std::convert::Infallible;
use std::path::PathBuf;

use async_trait::async_trait;
use euterpe_actors::ids::RunId;
use euterpe_engine::{Notice, Running, Session, Watch};

use super::Output;
use super::progress::Progress;
use super::signals;
use crate::telemetry;

/// Shows a run, stops it on ctrl-c, SIGTERM and the end of the terminal, and keeps its log.
pub struct Terminal<'s> {
    out: Output,
    /// Whose runs have a log; none for what is no run of its own.
    logged: Option<&'s Session>,
    /// The run whose log is written.
    run: Cell<Option<RunId>>,
}

impl<'s> Terminal<'s> {
    /// Shows a run of this session, and keeps its log beside its records.
    pub fn of_run(session: &'s Session, out: Output) -> Self {
        Self { out, logged: Some(session), run: Cell::new(None) }
    }

    /// Shows what is no run of its own.
    pub fn of_retry(out: Output) -> Self {
        Self { out, logged: None, run: Cell::new(None) }
    }

    /// Ends the log, however the run ended. Where the records lie in a bucket, it is put there; that this did not succeed is
    /// told, and spoils no run.
    pub async fn end_log(&self) {
        let ended = (telemetry::end_run_log(), self.logged, self.run.take());
        let (Some(path), Some(session), Some(run)) = ended else { return };
        if session.workspace().state_bucket.is_none() {
            return;
        }
        if let Err(error) = session.workspace().state.keep_log(run, &path).await {
            tracing::warn!("the log of the run could not be put beside its records: {error}");
        }
    }
}

/// Where the log of a run is written: among its records, or where they lie in a bucket in this process's own folder.
fn log_path(session: &Session, running: &Running) -> PathBuf {
    let workspace = session.workspace();
    let below = euterpe_actors::state::log_key(running.run());
    match (&workspace.state_bucket, &workspace.home) {
        (Some(_), Some(home)) => home.path().join(below),
        _ => workspace.here.join(below),
    }
}

#[async_trait(?Send)]
impl Watch for Terminal<'_> {
    fn begins(&self, running: &Running) {
        let Some(session) = self.logged else { return };
        self.run.set(Some(running.run()));
        let path = log_path(session, running);
        if let Err(error) = telemetry::begin_run_log(&path) {
            tracing::warn!("the log of this run cannot be kept at {}: {error}", path.display());
        }
    }

    async fn watch(&self, running: &Running) {
        let says = if running.is_over_broker() { signals::ELSEWHERE } else { signals::HERE };
        let mut progress = Progress::new(running, self.out);
        let never: Infallible = tokio::select! {
            never = progress.show() => never,
            never = signals::stop_on(|| running.stopping(), |how| running.stop(how), says) => never,
        };
        match never {}
    }

    fn notice(&self, notice: Notice) {
        match notice {
            Notice::TooManyDead(most) => telemetry::say(&format!("stopping: {most} dead letters (--max-dead)")),
            Notice::GraphChanged => {
                telemetry::say("the graph has changed since this run; going on by the graph as it is today");
            }
        }
    }
}
