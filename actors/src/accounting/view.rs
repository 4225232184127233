//! What a run sees of the outputs: which are there, and fresh. Shared by the accountant and the forecaster.

use std::sync::Arc;

use crate::freshness::Demand;
use crate::ids::{EntityId, RunId};
use crate::memory::{Fingerprint, Presence};
use crate::message::Force;
use crate::plan::{JobIx, NodePlan};
use crate::state::StateStore;
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
    /// What a listing showed: objects in it are not looked up.
    pub known: Option<Arc<Presence>>,
}

impl RunView {
    /// Whether the output of the job at `at` under `key` is there, and fresh.
    ///
    /// # Errors
    /// The store's own.
    pub async fn is_there(&self, at: JobIx, key: &ObjectKey) -> Result<bool, StorageError> {
        let demand = self.demand(at);
        if demand.is_presence() && self.known.as_ref().is_some_and(|known| known.knows(key, RunId::NEVER)) {
            return Ok(true);
        }
        let found = self.stores.get(&key.store).look(&key.path).await?;
        Ok(found.is_some_and(|found| demand.is_met_by(&found)))
    }

    /// Whether the primary output of a job is there, and fresh.
    ///
    /// # Errors
    /// The store's own.
    pub async fn is_fresh(&self, at: JobIx, entity: &EntityId) -> Result<bool, StorageError> {
        self.has_outputs(at, entity, 1).await
    }

    /// Whether all outputs of a job are there, and fresh: a request for a further output is not answered by the primary.
    ///
    /// # Errors
    /// The store's own.
    pub async fn is_whole(&self, at: JobIx, entity: &EntityId) -> Result<bool, StorageError> {
        self.has_outputs(at, entity, usize::MAX).await
    }

    async fn has_outputs(&self, at: JobIx, entity: &EntityId, most: usize) -> Result<bool, StorageError> {
        let job = self.plan.job(at);
        let Some(parts) = job.form.split(entity) else { return Ok(false) };
        for output in job.outputs.iter().take(most) {
            if !self.is_there(at, &output.key_of(&parts)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the primary outputs of all of `jobs` are there, and nothing is forced. A run does not send such an entity.
    pub async fn is_finished(&self, jobs: &[JobIx], entity: &EntityId) -> bool {
        for at in jobs {
            let there = self.is_listed(*at, entity) || self.is_fresh(*at, entity).await.unwrap_or(false);
            if !there || !self.demand(*at).is_presence() {
                return false;
            }
        }
        true
    }

    /// Whether the listing alone says that a job is done.
    fn is_listed(&self, at: JobIx, entity: &EntityId) -> bool {
        let (Some(known), job) = (&self.known, self.plan.job(at)) else { return false };
        let Some(parts) = job.form.split(entity) else { return false };
        let output = &job.outputs[0];
        let key = Fingerprint::of(output.store.as_str(), &output.key.output_key(&parts));
        self.demand(at).is_presence() && known.knows_fingerprint(key, RunId::NEVER)
    }

    fn demand(&self, at: JobIx) -> Demand<'_> {
        Demand::new(&self.plan, at, &self.force, self.run)
    }
}
