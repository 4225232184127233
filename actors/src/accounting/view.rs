//! What a run sees of the outputs: which are there, and fresh. Shared by the accountant and the forecaster.

use std::{collections::HashSet, sync::Arc};

use futures::future::BoxFuture;

use crate::edges::parent_of;
use crate::freshness::{Demand, is_made_since};
use crate::ids::{EntityId, RunId};
use crate::memory::{Glance, ListedDates, Presence};
use crate::message::{Force, Target};
use crate::out_of_date::{Inspector, OutOfDate};
use crate::plan::{JobIx, NodePlan};
use crate::standard::Standard;
use crate::standing::standing_skip;
use crate::state::{SkipRecord, StateStore};
use crate::storage::{ObjectKey, StorageError, Stores};

/// A run's view of the graph's stores. It reads and never writes.
pub struct RunView {
    /// The graph.
    pub plan: Arc<NodePlan>,
    /// Its stores.
    pub stores: Stores,
    /// Dead letters, skips, manifests.
    pub state: StateStore,
    /// For a forecast, a run that is later than all before.
    pub run: RunId,
    /// The jobs that the run redoes.
    pub force: Force,
    /// The time in milliseconds after the Unix epoch: stamps of the future cover nothing.
    pub now: u64,
    /// What a listing showed: objects in it are not looked up.
    pub known: Option<Arc<Presence>>,
    /// When these were written, as that listing told it.
    pub dates: Option<Arc<ListedDates>>,
    /// What outputs are measured by.
    pub standard: Standard,
    /// Whether an output counts as missing that is out of date, unless it was made in this run or in a later one. Not where a
    /// run that is over is accounted for: what was replaced since is the next one's.
    pub refresh: bool,
}

impl RunView {
    /// Whether the output of the job at `at` under `key` is there, fresh, and up to date where that matters.
    ///
    /// # Errors
    /// The store's own.
    pub async fn is_there(&self, at: JobIx, entity: &EntityId, key: &ObjectKey) -> Result<bool, StorageError> {
        let demand = self.demand(at);
        if demand.is_presence() && self.known.as_ref().is_some_and(|known| known.knows(key, RunId::NEVER)) {
            return Ok(true);
        }
        let found = self.stores.look(key).await?;
        match found.filter(|found| demand.is_met_by(found)) {
            Some(found) if self.refresh && !is_made_since(found.stamp.as_ref(), self.run, self.now) => {
                let mut inspector = self.inspector();
                inspector.stands(at, entity, key, &found).await
            }
            found => Ok(found.is_some()),
        }
    }

    /// Whether an output may be out of date, as far as listings tell.
    pub fn may_be_out_of_date(&self, at: JobIx, entity: &EntityId) -> bool {
        let (Some(dates), job) = (&self.dates, self.plan.job(at)) else { return true };
        let Some(parts) = job.form.split(entity) else { return false };
        dates.is_doubtful(&job.outputs[0].key_of(&parts))
    }

    /// Why the output of the job at `at` is out of date; none where it is not, or is not there, or that does not matter.
    ///
    /// # Errors
    /// The store's own.
    pub async fn out_of_date(&self, at: JobIx, entity: &EntityId) -> Result<Option<OutOfDate>, StorageError> {
        match self.refresh {
            true => self.inspector().check(at, entity).await,
            false => Ok(None),
        }
    }

    /// Looks at outputs by the standard of the run.
    pub fn inspector(&self) -> Inspector<'_> {
        Inspector::new(&self.plan, &self.stores, &self.state, &self.standard)
    }

    /// The skip that keeps a target from being made: its own, or that of something which it would be made from and which is
    /// not there, or out of date.
    ///
    /// # Errors
    /// Those of the stores and of the state.
    pub async fn standing_skip(&self, at: JobIx, entity: &EntityId) -> Result<Option<SkipRecord>, StorageError> {
        self.skip_above(at, entity, &mut HashSet::new()).await
    }

    fn skip_above<'a>(
        &'a self,
        at: JobIx,
        entity: &'a EntityId,
        visited: &'a mut HashSet<Target>,
    ) -> BoxFuture<'a, Result<Option<SkipRecord>, StorageError>> {
        Box::pin(async move {
            if let Some(skip) = standing_skip(&self.plan, &self.stores, &self.state, at, entity).await? {
                return Ok(Some(skip));
            }
            let job = self.plan.job(at);
            let Some(parts) = job.form.split(entity) else { return Ok(None) };
            for input in &job.inputs {
                let Some(Ok(parent)) = parent_of(&self.plan, input, entity, &parts) else { continue };
                if !visited.insert(parent.target.clone()) {
                    continue;
                }
                // A record is looked for before the parent's output is: mostly there is none, and that costs less.
                if let Some(skip) = self.skip_above(parent.at, &parent.target.entity, visited).await?
                    && !self.is_there(parent.at, &parent.target.entity, &parent.key).await?
                {
                    return Ok(Some(skip));
                }
            }
            Ok(None)
        })
    }

    /// Whether all outputs of a job are there, and fresh: the primary does not speak for the others.
    ///
    /// # Errors
    /// The store's own.
    pub async fn is_fresh(&self, at: JobIx, entity: &EntityId) -> Result<bool, StorageError> {
        let job = self.plan.job(at);
        let Some(parts) = job.form.split(entity) else { return Ok(false) };
        if let (Some(dates), Some(known)) = (&self.dates, &self.known) {
            dates.forget_doubtful(&self.plan, known, &[at], entity);
        }
        for output in &job.outputs {
            if !self.is_there(at, entity, &output.key_of(&parts)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether all outputs of all of `jobs` are there, and nothing is forced. A run does not send such an entity.
    pub async fn is_finished(&self, jobs: &[JobIx], entity: &EntityId) -> bool {
        if self.take_stock(jobs, entity) == Glance::UpToDate && jobs.iter().all(|at| self.demand(*at).is_presence()) {
            return true;
        }
        for at in jobs {
            let there = self.is_listed(*at, entity) || self.is_fresh(*at, entity).await.unwrap_or(false);
            if !there || !self.demand(*at).is_presence() {
                return false;
            }
        }
        true
    }

    fn take_stock(&self, jobs: &[JobIx], entity: &EntityId) -> Glance {
        match (&self.dates, &self.known) {
            (Some(dates), Some(known)) => dates.take_stock(&self.plan, known, jobs, entity),
            _ => Glance::NotDoubtful,
        }
    }

    /// Whether the listing alone says that a job is done.
    fn is_listed(&self, at: JobIx, entity: &EntityId) -> bool {
        let (Some(known), job) = (&self.known, self.plan.job(at)) else { return false };
        let Some(parts) = job.form.split(entity) else { return false };
        self.demand(at).is_presence()
            && job.outputs.iter().all(|output| known.knows(&output.key_of(&parts), RunId::NEVER))
    }

    fn demand(&self, at: JobIx) -> Demand<'_> {
        Demand::new(&self.plan, at, &self.force, self.run, self.now)
    }
}
