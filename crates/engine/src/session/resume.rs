//! Taking a run up again: what is open of it is sent once more, and followed to the end.

use anyhow::{Context, bail};
use euterpe_actors::accounting::{gone_jobs, is_taken};
use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::state::{Manifest, RunEnd};

use super::account::Account;
use super::{RunEnded, Session};
use crate::clock::{now, salt};
use crate::run::follow::{Ended, follow};
use crate::run::over::Over;
use crate::run::resumption::Resumption;
use crate::run::running::Running;
use crate::run::statuses::sight_until_over;
use crate::run::survey::known_in_memory;
use crate::run::watch::{Notice, Watch};
use crate::workspace::Workspace;

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
    /// A run whose manifest is gone; a run of another graph file; workers that cannot begin; what keeps the run from keeping its records.
    pub async fn resume(
        &self,
        run: RunId,
        over: Option<Over>,
        max_dead: Option<u64>,
        watch: &dyn Watch,
    ) -> anyhow::Result<Resumed> {
        let workspace = &self.workspace;
        let manifest = self.manifest(run).await?;
        self.refuse_other_file(&manifest)?;
        self.refuse_unsayable(&manifest).await?;
        if manifest.digest != workspace.nodes.digest {
            watch.notice(Notice::GraphChanged);
        }
        if over.is_none() {
            workspace.prepare(|_| true).await?;
        }
        let before = workspace.state.run_end(run).await?;
        let presence = known_in_memory(workspace, run).await?;
        workspace.state.reopen_run(run).await.context("could not reopen the run")?;
        let manifest = match self.has_other_stores(&manifest) {
            true => {
                // Whoever asks about the run later is to look there.
                let moved = self.moved_here(&manifest);
                workspace.state.begin_run(&moved).await.context("could not record the stores of the run")?;
                moved
            }
            false => manifest,
        };
        #[cfg(feature = "amqp")]
        if let Some(over) = &over {
            // Everything that is open is published now: what waits in queues under another setup has no meaning any more.
            workspace.state.supersede(run, over.setup.digest).await.context("could not reopen the run")?;
        }
        let open = Resumption { sight: sight_until_over(workspace, &manifest).await?, wave: salt() };
        let mut running = Running::new(workspace, manifest.clone(), presence, over.is_some());
        running.isolate = before.is_none(); // an unclean end: what killed the process may do so again
        let ended = follow(workspace, &running, over, max_dead, open, watch).await?;
        let account = self.check(run, false).await?;
        let record = end_record(&account, before.as_ref(), workspace, &ended, manifest.selection.ping);
        running.keep_record(async || workspace.state.end_run(run, &record).await).await?;
        Ok(Resumed { ended: RunEnded { run, ended }, account, ping: manifest.selection.ping })
    }
}

impl Session {
    /// Refuses a run that asked for what this graph cannot say.
    async fn refuse_unsayable(&self, manifest: &Manifest) -> anyhow::Result<()> {
        let (nodes, state) = (&self.workspace.nodes, &self.workspace.state);
        let (run, selection) = (manifest.run, &manifest.selection);
        let remedy = "nothing was sent; give the graph that back and resume, or run the ids anew as the graph is today";
        if let Some(job) = gone_jobs(nodes, selection).first() {
            bail!("run {run} asked for job `{job}`, which this graph has no more; {remedy}");
        }
        if selection.ping {
            return Ok(());
        }
        for chunk in state.chunks(run).await? {
            let read = state.chunk(&chunk).await.map(Some);
            let entities = state.pass_over(read, &chunk)?.unwrap_or_default();
            if let Some(entity) = entities.iter().find(|entity| !is_taken(nodes, selection, entity)) {
                bail!("run {run} asked for `{entity}`, and no job of this graph takes an id of that form; {remedy}");
            }
        }
        Ok(())
    }
}

/// The run's end record after all, over all of its entities and not only over those that were open.
fn end_record(account: &Account, before: Option<&RunEnd>, workspace: &Workspace, ended: &Ended, ping: bool) -> RunEnd {
    let millis = |job: &JobName| workspace.nodes.find(job.as_str()).map_or(0, |at| ended.tally.jobs[at.0].millis);
    let jobs = account.jobs.iter().map(|(job, standings)| {
        let mut counts = before.and_then(|end| end.jobs.get(job)).copied().unwrap_or_default();
        counts.done = standings.done.saturating_sub(counts.exists);
        (counts.skipped, counts.dead) = (standings.skipped, standings.dead);
        counts.millis += millis(job);
        (job.clone(), counts)
    });
    let slowest = ended.tally.slowest.with(before.map_or(&[], |end| &end.slowest));
    let is_over = ping || (account.open == 0 && account.unreadable_chunks == 0 && account.all_read);
    let (complete, entities) = (ended.complete && is_over, account.entities);
    RunEnd { millis: now(), complete, entities, jobs: jobs.collect(), slowest }
}
