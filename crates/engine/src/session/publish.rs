//! Publishing: entities are sent to the nodes of a graph, and nobody waits for their end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use euterpe_actors::ids::RunId;
use euterpe_actors::memory::Presence;
use euterpe_actors::state::Selection;
use euterpe_amqp::ConnectionSettings;

use super::{REMEMBERED, Session};
use crate::run::ids::Ids;
use crate::run::intake::Intake;
use crate::run::over::{self, Over};
use crate::run::passed::Passed;
use crate::run::remote::{self, Sent};
use crate::run::running::Running;
use crate::run::survey::Survey;
use crate::run::tally::Tally;

/// How often it is looked for trouble.
const LOOK: Duration = Duration::from_millis(200);

/// Tells of trouble, such as a state that does not take the records, until it is dropped.
async fn tell_troubles(running: &Running) -> Infallible {
    loop {
        tokio::time::sleep(LOOK).await;
        for trouble in running.troubles() {
            tracing::warn!(job = %trouble.job, "{}", trouble.text);
        }
    }
}

/// What is published.
pub struct PublishRequest {
    /// The jobs.
    pub selection: Selection,
    /// The entities.
    pub ids: Ids,
    /// At most so many entities of which something is left to do.
    pub limit: Option<u64>,
    /// Leave out entities whose outputs are all there, as a listing of the stores shows.
    pub missing_only: bool,
}

/// What was published.
#[derive(Clone, Debug)]
pub struct Published {
    /// The run.
    pub run: RunId,
    /// Its entities.
    pub tally: Tally,
    /// What the listing of the source passed over.
    pub passed: Passed,
    /// How many entities were left out, since all their outputs are there.
    pub left_out: u64,
    /// How many were sent.
    pub sent: u64,
    /// What keeps nodes from working on them, a line each.
    pub problems: Vec<String>,
}

impl Session {
    /// Connects to a broker, trying for `patience`. `consumer_timeout` is the setting of brokers before 3.12.
    ///
    /// # Errors
    /// What keeps it from being used.
    pub async fn connect(
        &self,
        dial: ConnectionSettings,
        consumer_timeout: Option<Duration>,
        patience: Duration,
    ) -> anyhow::Result<Over> {
        over::connect(&self.workspace, dial, consumer_timeout, patience).await
    }

    /// Publishes, and returns when all of it is confirmed.
    ///
    /// # Errors
    /// Ids that cannot be read; a broker that does not take messages; a manifest that cannot be written.
    pub async fn publish(&self, request: PublishRequest, over: Over) -> anyhow::Result<Published> {
        let PublishRequest { selection, mut ids, limit, missing_only } = request;
        let workspace = &self.workspace;
        let run = workspace.next_run().await?;
        let manifest = workspace.manifest(run, selection);
        let (presence, dates, walk) = match missing_only {
            true => {
                let Survey { presence, dates, walk } = self.survey_noted(run, &mut ids, &manifest.selection).await?;
                (presence, dates, Some(walk))
            }
            false => {
                self.note_recipes().await?;
                (Arc::new(Presence::up_to(REMEMBERED)), None, None)
            }
        };
        workspace.state.begin_run(&manifest).await.context("could not write the manifest of the run")?;
        let mut running = Running::new(workspace, manifest, presence, true);
        (running.dates, running.walk) = (dates, walk);
        let Sent { passed, problems } = tokio::select! {
            sent = remote::publish(workspace, &running, &over, Intake { ids, limit }) => sent?,
            never = tell_troubles(&running) => match never {},
        };
        over.amqp.close().await;
        self.keep_confirmed(running.dates.as_deref()).await;
        running.tracker.roots.end_all();
        let tally = running.tally();
        // Of an entity that is left out, all jobs are counted as there.
        let left_out = tally.jobs.iter().map(|job| job.exists).max().unwrap_or(0);
        let sent = tally.entities - tally.bad_names - left_out;
        Ok(Published { run, tally, passed, left_out, sent, problems })
    }
}
