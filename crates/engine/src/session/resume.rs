//! Taking a run up again: what is open of it is sent once more, and followed to the end.

use anyhow::Context;
use euterpe_actors::ids::RunId;
use euterpe_actors::state::RunEnd;

use super::account::Account;
use super::{RunEnded, Session};
use crate::clock::{now, salt};
use crate::run::follow::follow;
use crate::run::over::Over;
use crate::run::resumption::Resumption;
use crate::run::running::Running;
use crate::run::watch::{Notice, Watch};

/// A run that was taken up, and the account of all of its entities.
#[derive(Debug)]
pub struct Resumed {
    /// How what was open ended.
    pub ended: RunEnded,
    /// What became of all entities of the run.
    pub account: Account,
    /// Whether the run is a ping.
    pub ping: bool,
}

impl Session {
    /// Sends again what is open of a run, here or over a broker, and follows it to the end.
    ///
    /// # Errors
    /// A run whose manifest is gone; workers that cannot begin; what keeps the run from keeping its records.
    pub async fn resume(
        &self,
        run: RunId,
        over: Option<Over>,
        max_dead: Option<u64>,
        watch: &dyn Watch,
    ) -> anyhow::Result<Resumed> {
        let workspace = &self.workspace;
        let manifest = self.manifest(run).await?;
        if manifest.digest != workspace.nodes.digest {
            watch.notice(Notice::GraphChanged);
        }
        if over.is_none() {
            workspace.prepare(|_| true).await?;
        }
        let before = workspace.state.run_end(run).await?;
        let presence = self.survey(run).await?;
        workspace.state.reopen_run(run).await.context("could not reopen the run")?;
        let open = Resumption { accountant: self.accountant(&manifest).await?, wave: salt() };
        let mut running = Running::new(workspace, manifest.clone(), presence, over.is_some());
        running.isolate = before.is_none(); // an unclean end: what killed the process may do so again
        let ended = follow(workspace, &running, over, max_dead, open, watch).await?;
        let account = self.check(run, false).await?;
        workspace.state.end_run(run, &end_record(&account, before.as_ref(), ended.complete)).await?;
        Ok(Resumed { ended: RunEnded { run, ended }, account, ping: manifest.selection.ping })
    }
}

/// The run's end record after all, over all of its entities and not only over those that were open.
fn end_record(account: &Account, before: Option<&RunEnd>, complete: bool) -> RunEnd {
    let jobs = account.jobs.iter().map(|(job, standings)| {
        let mut counts = before.and_then(|end| end.jobs.get(job)).copied().unwrap_or_default();
        counts.done = standings.done.saturating_sub(counts.exists);
        (counts.skipped, counts.dead) = (standings.skipped, standings.dead);
        (job.clone(), counts)
    });
    RunEnd { millis: now(), complete, entities: account.entities, jobs: jobs.collect() }
}
