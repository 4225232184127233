//! What a target lacks, as the worker would find it: its output, its inputs, and what can never be had.

use super::{Fate, Forecaster};
use crate::dedupe::Fingerprint;
use crate::edges::{ParentInput, Unobtainable, find_source, parent_of};
use crate::freshness::Demand;
use crate::ids::{EntityId, RunId};
use crate::message::Target;
use crate::outcome::Reason;
use crate::plan::{JobIx, Route};
use crate::storage::{ObjectKey, StorageError, StorageErrorKind};

/// One input of a target that is to be made.
pub(super) struct Need {
    /// The parent and whether a wave brings both the same entity.
    pub at: JobIx,
    pub target: Target,
    pub same: bool,
}

impl Forecaster {
    /// The inputs of a target that other jobs make and that are not there, or not fresh. The inner error is permanent.
    pub(super) async fn needs(
        &self,
        at: JobIx,
        target: &Target,
    ) -> Result<Result<Vec<Need>, Unobtainable>, StorageError> {
        let job = self.plan.job(at);
        let Some(parts) = job.form.split(&target.entity) else {
            let text = format!("`{}` does not have the form `{}` of job `{}`", target.entity, job.form, job.name);
            return Ok(Err(Unobtainable { reason: Reason::BadId, text }));
        };
        let mut needs = Vec::new();
        for input in &job.inputs {
            if let Route::Source { store, key, exts } = &input.from {
                match find_source(&self.stores, &parts, store, key, exts).await {
                    Ok(Ok(_)) => continue,
                    Ok(Err(never)) => return Ok(Err(never)),
                    Err(error) => return bad_key(error).map(Err),
                }
            }
            let Some(parent) = parent_of(&self.plan, input, &target.entity, &parts) else { continue };
            let parent = match parent {
                Ok(parent) => parent,
                Err(never) => return Ok(Err(never)),
            };
            match self.is_there(parent.at, &parent.key).await {
                Ok(true) => {}
                Ok(false) => {
                    let ParentInput { at, target, same, .. } = parent;
                    needs.push(Need { at, target, same });
                }
                Err(error) => return bad_key(error).map(Err),
            }
        }
        Ok(Ok(needs))
    }

    /// Whether the primary output of a job is there, and fresh.
    pub(super) async fn is_fresh(&self, at: JobIx, entity: &EntityId) -> Result<bool, StorageError> {
        let job = self.plan.job(at);
        match job.form.split(entity) {
            Some(parts) => self.is_there(at, &job.outputs[0].key_of(&parts)).await,
            None => Ok(false),
        }
    }

    /// Whether all of its outputs are there, and fresh: who missed one of them is not content with the primary.
    pub(super) async fn is_whole(&self, at: JobIx, entity: &EntityId) -> Result<bool, StorageError> {
        let job = self.plan.job(at);
        let Some(parts) = job.form.split(entity) else { return Ok(false) };
        for output in &job.outputs {
            if !self.is_there(at, &output.key_of(&parts)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the primary outputs of all of `jobs` are there, and nothing is forced: such an entity is not sent at all.
    pub(super) async fn is_finished(&self, jobs: &[JobIx], entity: &EntityId) -> Result<bool, StorageError> {
        for at in jobs {
            let is_presence = Demand::new(&self.plan, *at, &self.force, self.run).is_presence();
            if !is_presence || !(self.is_listed(*at, entity) || self.is_fresh(*at, entity).await.unwrap_or(false)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn is_there(&self, at: JobIx, key: &ObjectKey) -> Result<bool, StorageError> {
        let demand = Demand::new(&self.plan, at, &self.force, self.run);
        if demand.is_presence() && self.known.as_ref().is_some_and(|known| known.knows(key, RunId::new(0, 0))) {
            return Ok(true);
        }
        let found = self.stores.get(&key.store).look(&key.path).await?;
        Ok(found.is_some_and(|found| demand.is_met_by(&found)))
    }

    /// Whether the listing alone says that a job is done.
    pub(super) fn is_listed(&self, at: JobIx, entity: &EntityId) -> bool {
        let (Some(known), job) = (&self.known, self.plan.job(at)) else { return false };
        let Some(parts) = job.form.split(entity) else { return false };
        let output = &job.outputs[0];
        Demand::new(&self.plan, at, &self.force, self.run).is_presence()
            && known.knows_fingerprint(
                Fingerprint::of(output.store.as_str(), &output.key.output_key(&parts)),
                RunId::new(0, 0),
            )
    }
}

/// A key that its store can never hold blocks the target.
pub(super) fn blocked_by_key(error: StorageError, target: &Target) -> Result<Fate, StorageError> {
    bad_key(error).map(|never| Fate::Blocked(target.clone(), never))
}

/// A key that a store can never hold is permanent; any other trouble is the store's.
fn bad_key(error: StorageError) -> Result<Unobtainable, StorageError> {
    match error.kind {
        StorageErrorKind::BadKey => Ok(Unobtainable { reason: Reason::BadKey, text: error.to_string() }),
        _ => Err(error),
    }
}
