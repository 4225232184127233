//! The log that a run keeps among its records.

use std::path::PathBuf;

use anyhow::Context;
use bytes::Bytes;
use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::ids::RunId;
use euterpe_actors::state::log_key;

use super::Session;

/// The log of a run, where it is.
#[derive(Debug)]
pub enum RunLog {
    /// In a file of this machine, which may grow. It may not be there yet.
    File(PathBuf),
    /// In a bucket, whole; none where it is not there.
    Whole(Option<Bytes>),
}

impl Session {
    /// Where the log of a run is.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn run_log(&self, run: RunId) -> anyhow::Result<RunLog> {
        let (workspace, key) = (&self.workspace, log_key(run));
        if workspace.state_bucket.is_none() {
            return Ok(RunLog::File(workspace.here.join(key)));
        }
        let storage = workspace.state.storage();
        if storage.look(&key).await?.is_none() {
            return Ok(RunLog::Whole(None));
        }
        let object = storage.open(&key).await?;
        let read = on_blocking_thread(move || object.content.read()).await?;
        Ok(RunLog::Whole(Some(read.with_context(|| format!("could not read `{key}`"))?)))
    }

    /// Whether a run has come to its end, or was stopped, by its records.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn has_ended(&self, run: RunId) -> anyhow::Result<bool> {
        Ok(self.workspace.state.run_end(run).await?.is_some())
    }
}
