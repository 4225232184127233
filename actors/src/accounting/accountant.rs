//! What became of each target of a run, read from stores and records.

use std::collections::HashSet;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use super::dead_targets::DeadTargets;
use super::view::RunView;
use crate::addressing::required;
use crate::edges::parent_of;
use crate::freshness::is_made_since;
use crate::ids::EntityId;
use crate::memory::Fingerprint;
use crate::message::Target;
use crate::outcome::Reason;
use crate::plan::JobIx;
use crate::standing::stands;
use crate::state::{Selection, SkipRecord};
use crate::storage::{StorageError, StorageErrorKind};

/// How many entities are looked at at once: each look may take a bucket's time.
const AT_ONCE: usize = 32;

/// What became of a target. Ordered: the worst is the greatest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TargetStatus {
    /// Its outputs are there, and fresh.
    Done,
    /// It or an ancestor was declined. With that target and the reason.
    Skipped(Target, Reason),
    /// It or an ancestor has a dead letter. With that target and the reason.
    Dead(Target, Reason),
    /// None of these: work is left.
    Open,
}

/// Says what became of the targets of one run.
pub struct Accountant {
    view: RunView,
    dead: DeadTargets,
    /// The skip records that there are, once they are asked for.
    skips: OnceCell<HashSet<Fingerprint>>,
}

impl Accountant {
    /// Lists a run's dead letters once; everything else is looked up when it is asked for.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn open(view: RunView) -> Result<Self, StorageError> {
        let dead = DeadTargets::of(&view.state, view.run).await?;
        Ok(Self { view, dead, skips: OnceCell::new() })
    }

    /// How many names of the run could not be run at all: they are in none of its chunks.
    pub fn bad_names(&self) -> u64 {
        self.dead.bad_names()
    }

    /// What became of a target.
    ///
    /// # Errors
    /// A store's own.
    pub async fn status(&self, target: &Target) -> Result<TargetStatus, StorageError> {
        if !self.is_done(target).await? {
            return self.ending_of(target, &mut HashSet::new()).await;
        }
        // Where what is there is out of date and could not be made anew, the record of that counts.
        if !self.may_have_ended(target).await? {
            return Ok(TargetStatus::Done);
        }
        match self.ending_of(target, &mut HashSet::new()).await? {
            ended @ (TargetStatus::Dead(..) | TargetStatus::Skipped(..)) if self.is_out_of_date(target).await? => {
                Ok(ended)
            }
            _ => Ok(TargetStatus::Done),
        }
    }

    /// Whether there may be a record of the end of a target whose output is there, or of an ancestor's. Costs no look at any.
    async fn may_have_ended(&self, target: &Target) -> Result<bool, StorageError> {
        if !self.dead.is_empty() {
            return Ok(true);
        }
        // What counts as done in such a view is up to date.
        if self.view.refresh || self.view.standard.is_nothing() {
            return Ok(false);
        }
        let skips = self.skips.get_or_try_init(async || self.list_skips().await).await?;
        Ok(!skips.is_empty() && self.is_below_skip(target, skips, &mut HashSet::new()))
    }

    async fn list_skips(&self) -> Result<HashSet<Fingerprint>, StorageError> {
        let mut skips = HashSet::new();
        let remember = &mut |key: &str| {
            skips.insert(Fingerprint::of("", key));
        };
        self.view.state.each_skip_key(remember).await?;
        Ok(skips)
    }

    /// Whether a target or an ancestor has one of these records.
    fn is_below_skip(&self, target: &Target, skips: &HashSet<Fingerprint>, visited: &mut HashSet<Target>) -> bool {
        let RunView { plan, state, .. } = &self.view;
        let Some(at) = plan.find(target.job.as_str()) else { return false };
        if state.skip_keys(target).any(|key| skips.contains(&Fingerprint::of("", &key))) {
            return true;
        }
        let job = plan.job(at);
        let Some(parts) = job.form.split(&target.entity) else { return false };
        visited.insert(target.clone())
            && job.inputs.iter().any(|input| match parent_of(plan, input, &target.entity, &parts) {
                Some(Ok(parent)) => self.is_below_skip(&parent.target, skips, visited),
                _ => false,
            })
    }

    /// Whether what is there is out of date, and was not made in this run or since: what was made in a run is good for it.
    async fn is_out_of_date(&self, target: &Target) -> Result<bool, StorageError> {
        let RunView { plan, stores, run, now, .. } = &self.view;
        let Some(at) = plan.find(target.job.as_str()) else { return Ok(false) };
        let job = plan.job(at);
        let Some(parts) = job.form.split(&target.entity) else { return Ok(false) };
        let found = stores.look(&job.outputs[0].key_of(&parts)).await?;
        if is_made_since(found.and_then(|found| found.stamp).as_ref(), *run, *now) {
            return Ok(false);
        }
        Ok(self.view.inspector().check(at, &target.entity).await?.is_some())
    }

    /// Whether its outputs are there, and fresh for the run.
    async fn is_done(&self, target: &Target) -> Result<bool, StorageError> {
        let Some(at) = self.view.plan.find(target.job.as_str()) else { return Ok(false) };
        match self.view.is_fresh(at, &target.entity).await {
            // A key that this store can never hold: a dead letter says so, or the run has not got there yet.
            Err(error) if error.kind == StorageErrorKind::BadKey => Ok(false),
            done => done,
        }
    }

    /// What became of each of an entity's required jobs, parents first. The worst of them counts for the entity.
    ///
    /// # Errors
    /// A store's own.
    pub async fn entity(
        &self,
        selection: &Selection,
        entity: &EntityId,
    ) -> Result<Vec<(JobIx, TargetStatus)>, StorageError> {
        let mut statuses = Vec::new();
        for at in required(&self.view.plan, selection, entity) {
            let target = Target { job: self.view.plan.job(at).name.clone(), entity: entity.clone() };
            statuses.push((at, self.status(&target).await?));
        }
        Ok(statuses)
    }

    /// The same for several entities, in their order: some are looked at at once.
    ///
    /// # Errors
    /// A store's own.
    pub async fn entities(
        &self,
        selection: &Selection,
        entities: &[EntityId],
    ) -> Result<Vec<Vec<(JobIx, TargetStatus)>>, StorageError> {
        let looks: Vec<_> = entities.iter().map(|entity| self.entity(selection, entity)).collect();
        stream::iter(looks).buffered(AT_ONCE).try_collect().await
    }

    /// What the records say of a target whose output is missing: its own record, else those of its ancestors. An
    /// ancestor's record counts even where outputs between it and the target are there, because a wave that ended at that
    /// ancestor came no further.
    fn ending_of<'a>(
        &'a self,
        target: &'a Target,
        visited: &'a mut HashSet<Target>,
    ) -> BoxFuture<'a, Result<TargetStatus, StorageError>> {
        Box::pin(async move {
            let Some(at) = self.view.plan.find(target.job.as_str()) else { return Ok(TargetStatus::Open) };
            let job = self.view.plan.job(at);
            let dead = self.dead.get(target).map(|reason| TargetStatus::Dead(target.clone(), reason));
            // An earlier run's skip gives way to this run's own dead letter. It gives way to an ancestor's letter where the
            // job is forced, or where its output was made since.
            let mut worst = TargetStatus::Open;
            if let Some(skip) = self.skip_of(at, target).await? {
                worst = TargetStatus::Skipped(target.clone(), skip.reason);
                let gives_way = dead.is_some() || self.view.force.names(&job.name);
                if skip.run >= self.view.run || !(gives_way || self.is_done(target).await?) {
                    return Ok(worst);
                }
            }
            if let Some(dead) = dead {
                return Ok(dead);
            }
            let Some(parts) = job.form.split(&target.entity) else { return Ok(worst) };
            if !visited.insert(target.clone()) {
                return Ok(worst); // looked at already on another way, and not ended there
            }
            for input in &job.inputs {
                let Some(Ok(parent)) = parent_of(&self.view.plan, input, &target.entity, &parts) else { continue };
                match self.ending_of(&parent.target, visited).await? {
                    dead @ TargetStatus::Dead(..) => return Ok(dead),
                    skipped @ TargetStatus::Skipped(..) => worst = skipped,
                    TargetStatus::Done | TargetStatus::Open => {}
                }
            }
            Ok(worst)
        })
    }

    /// The skip of a target that accounts for it: one of this run or a later one, or an earlier one that still stands. What
    /// changed since an earlier one, the run was to look at again.
    async fn skip_of(&self, at: JobIx, target: &Target) -> Result<Option<SkipRecord>, StorageError> {
        let RunView { plan, stores, state, .. } = &self.view;
        let Some(skip) = state.skip_of(target, plan.job(at).settings).await? else { return Ok(None) };
        let counts = skip.run >= self.view.run || stands(plan, stores, state, at, &skip).await?;
        Ok(counts.then_some(skip))
    }
}
