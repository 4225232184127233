//! A run: what is missing is made, once, and every entity is followed to its end.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use euterpe_actors::ids::{JobName, RunId, StoreName};
use euterpe_actors::plan::{JobIx, NodePlan, Route};
use euterpe_actors::setup::is_empty;
use euterpe_actors::state::{Selection, StateStore};

use super::Session;
use crate::clock::now;
use crate::run::follow::{Ended, follow};
use crate::run::former::histories;
use crate::run::ids::Ids;
use crate::run::intake::Intake;
use crate::run::over::Over;
use crate::run::running::Running;
use crate::run::survey::Survey;
use crate::run::tally::Tally;
use crate::run::watch::Watch;
use crate::workspace::Workspace;

/// What is run, and where.
pub struct RunRequest {
    /// The jobs.
    pub selection: Selection,
    /// The entities.
    pub ids: Ids,
    /// At most so many entities of which something is left to do.
    pub limit: Option<u64>,
    /// Stop when so many entities have become dead letters.
    pub max_dead: Option<u64>,
    /// The broker whose nodes do the work; none where this process does.
    pub over: Option<Over>,
}

/// A run and how it ended.
#[derive(Clone, Debug)]
pub struct RunEnded {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub ended: Ended,
}

impl Session {
    /// Runs to the end, or until `watch` stops it.
    ///
    /// # Errors
    /// Workers of a job that cannot begin, ids that cannot be read, a broker that does not take messages, a state that does
    /// not take the run's records. What was made stays.
    pub async fn run(&self, request: RunRequest, watch: &dyn Watch) -> anyhow::Result<RunEnded> {
        let RunRequest { selection, mut ids, limit, max_dead, over } = request;
        let workspace = &self.workspace;
        let last = workspace.state.runs().await?.last().copied();
        let isolate = over.is_none() && is_suspect(&workspace.state, last).await?;
        if over.is_none() && !selection.ping {
            workspace.prepare(|job| self.may_reach(&selection, job)).await?;
        }
        let run = Workspace::run_after(last);
        let manifest = workspace.manifest(run, selection);
        let looks_at_all = limit.is_none() && ids.are_of_sources() && is_of_all(&workspace.nodes, &manifest.selection);
        let Survey { presence, dates, walk } = self.survey_noted(run, &mut ids, &manifest.selection).await?;
        let began = now();
        workspace.state.begin_run(&manifest).await.context("could not write the manifest of the run")?;
        let mut running = Running::new(workspace, manifest, presence, over.is_some());
        running.isolate = isolate;
        (running.dates, running.walk) = (dates, Some(walk));
        let ended = follow(workspace, &running, over, max_dead, Intake { ids, limit }, watch).await?;
        self.keep_confirmed(running.dates.as_deref()).await;
        self.tell_empty_sources(&ended.tally).await;
        if looks_at_all && ended.complete {
            self.note_looks(began, &ended.tally).await?;
        }
        Ok(RunEnded { run, ended })
    }

    /// Tells of stores that hold nothing and of which the jobs that made something read optional inputs alone: a disk that is not
    /// mounted looks like this, and nothing else tells it.
    async fn tell_empty_sources(&self, tally: &Tally) {
        let nodes = &self.workspace.nodes;
        let mut optional: BTreeMap<&StoreName, BTreeSet<&JobName>> = BTreeMap::new();
        let mut others = self.workspace.written_stores();
        for (job, tally) in nodes.jobs.iter().zip(&tally.jobs) {
            for input in &job.inputs {
                match &input.from {
                    Route::Source { store, optional: true, .. } if tally.done > 0 => {
                        optional.entry(store).or_default().insert(&job.name);
                    }
                    Route::Source { store, optional: false, .. } => drop(others.insert(store)),
                    _ => {}
                }
            }
        }
        for (store, jobs) in optional.into_iter().filter(|(store, _)| !others.contains(store)) {
            let storage = self.workspace.stores.get(store);
            match is_empty(&**storage).await {
                Ok(true) => {
                    let (place, jobs) =
                        (storage.place(), jobs.into_iter().map(JobName::as_str).collect::<Vec<_>>().join(", "));
                    tracing::warn!(
                        target: "euterpe::run", %jobs,
                        "made without the optional inputs of store `{store}`, for it holds nothing ({place}): if its disk is not \
                         mounted, mount it; the next run makes anew what it changes"
                    );
                }
                Ok(false) => {}
                Err(error) => tracing::debug!("could not look whether store `{store}` holds anything: {error}"),
            }
        }
    }

    /// Notes that all outputs were looked at that were made when their job may have read elsewhere, of each job of which nothing is
    /// left to do.
    async fn note_looks(&self, began: u64, tally: &Tally) -> anyhow::Result<()> {
        let (mut recipes, _) = histories(&self.workspace).await?;
        let mut is_news = false;
        for (job, tally) in self.workspace.nodes.jobs.iter().zip(&tally.jobs) {
            if tally.required > 0 && tally.dead + tally.skipped == 0 && tally.ended == tally.required {
                is_news |= recipes.get_mut(&job.name).is_some_and(|history| history.note_look(began));
            }
        }
        if is_news { self.keep_recipes(&recipes).await } else { Ok(()) }
    }

    /// Whether a run of this selection may come to a job: bottom-up it comes to what lies above, else it may to any.
    fn may_reach(&self, selection: &Selection, job: &JobName) -> bool {
        let nodes = &self.workspace.nodes;
        match selection.job.as_ref().and_then(|named| nodes.find(named.as_str())) {
            Some(named) if selection.bottom_up => {
                let is = |at: JobIx| nodes.job(at).name == *job;
                is(named) || nodes.job(named).ancestors.iter().copied().any(is)
            }
            _ => true,
        }
    }
}

/// Whether a selection means each job of each entity, and what is out of date is looked for.
fn is_of_all(nodes: &NodePlan, selection: &Selection) -> bool {
    let Selection { job, bottom_up, only, force: _, ping, refresh } = selection;
    let is_never = refresh.as_ref().unwrap_or_else(|| nodes.refresh()).is_never();
    job.is_none() && only.is_none() && !bottom_up && !ping && !is_never
}

/// Whether some work may kill the process: the run before was killed, perhaps by it, or a dead letter says so. Then all
/// work of this run is done in child processes.
async fn is_suspect(state: &StateStore, last: Option<RunId>) -> anyhow::Result<bool> {
    if let Some(last) = last
        && state.run_end(last).await?.is_none()
    {
        return Ok(true);
    }
    Ok(state.has_killers().await?)
}
