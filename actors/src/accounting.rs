//! How "nothing lost" is computed: from storage and records alone, never from counters and never from the broker.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures::future::BoxFuture;

use crate::dedupe::Presence;
use crate::freshness::Demand;
use crate::ids::{EntityId, RunId};
use crate::message::{Base, EntityMessage, Force, Target, Wave};
use crate::outcome::Reason;
use crate::plan::{JobIx, Mapping, NodePlan, Route};
use crate::state::{LetterFilter, Manifest, Selection, StateStore};
use crate::storage::{StorageError, Stores};

/// What became of one job for one entity. Ordered: the worst is the greatest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its output is there, and fresh.
    Done,
    /// It or an ancestor was declined, for this reason.
    Skipped(Target, Reason),
    /// It or an ancestor has a dead letter, for this reason.
    Dead(Target, Reason),
    /// None of these: work is left.
    Open,
}

/// Computes standings for one run.
pub struct Accountant {
    plan: Arc<NodePlan>,
    stores: Stores,
    state: StateStore,
    run: RunId,
    force: Force,
    /// What a listing showed; it spares look-ups of what is there.
    known: Option<Arc<Presence>>,
    dead: HashMap<Target, Reason>,
}

/// The jobs that an entity of a selection must bring to an end: the target, and for a wave what it reaches.
///
/// A ping requires nothing.
pub fn required(plan: &NodePlan, selection: &Selection, entity: &EntityId) -> Vec<JobIx> {
    if selection.ping {
        return Vec::new();
    }
    let origins = origins(plan, selection, entity);
    if selection.bottom_up {
        return origins;
    }
    let names = origins.iter().map(|at| plan.job(*at).name.clone()).collect();
    plan.reach(&Wave { id: 0, origins: names, only: selection.only.clone() })
}

/// The jobs to which an entity's first messages go.
pub fn origins(plan: &NodePlan, selection: &Selection, entity: &EntityId) -> Vec<JobIx> {
    match &selection.job {
        Some(job) => plan.find(job.as_str()).into_iter().collect(),
        None => plan.origins_of(entity),
    }
}

/// The first messages of an entity of a run, one for each job that it goes to.
pub fn first_messages(
    plan: &NodePlan,
    manifest: &Manifest,
    entity: &EntityId,
    mut next_id: impl FnMut() -> u64,
) -> Vec<EntityMessage> {
    let selection = &manifest.selection;
    let origins = origins(plan, selection, entity);
    let base = match selection.bottom_up {
        true => Base::Stop,
        false => {
            let names = origins.iter().map(|at| plan.job(*at).name.clone()).collect();
            Base::Down(Arc::new(Wave { id: manifest.wave, origins: names, only: selection.only.clone() }))
        }
    };
    let message = |at: &JobIx| {
        let target = Target { job: plan.job(*at).name.clone(), entity: entity.clone() };
        let mut message = EntityMessage::new(next_id(), manifest.run, target, plan.digest, base.clone());
        message.force = selection.force.clone();
        message.ping = selection.ping;
        message
    };
    origins.iter().map(message).collect()
}

/// The messages that repair a run: every open target again, all in one fresh wave whose origins are the open jobs.
pub fn resume_messages(
    plan: &NodePlan,
    manifest: &Manifest,
    open: &[Target],
    wave: u64,
    mut next_id: impl FnMut() -> u64,
) -> Vec<EntityMessage> {
    let selection = &manifest.selection;
    let mut origins: Vec<_> = open.iter().map(|target| target.job.clone()).collect();
    origins.sort_unstable();
    origins.dedup();
    let base = match selection.bottom_up {
        true => Base::Stop,
        false => Base::Down(Arc::new(Wave { id: wave, origins, only: selection.only.clone() })),
    };
    let message = |target: &Target| {
        let mut message = EntityMessage::new(next_id(), manifest.run, target.clone(), plan.digest, base.clone());
        message.force = selection.force.clone();
        message.resumed = true;
        message
    };
    open.iter().map(message).collect()
}

impl Accountant {
    /// Reads a run's dead letters once; everything else is looked up when it is asked for.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn open(
        plan: Arc<NodePlan>,
        stores: Stores,
        state: StateStore,
        run: RunId,
        force: Force,
        known: Option<Arc<Presence>>,
    ) -> Result<Self, StorageError> {
        let mut dead = HashMap::new();
        for (_, letter) in state.letters(&LetterFilter { run: Some(run), ..LetterFilter::default() }).await? {
            if let Ok(entity) = EntityId::new(&letter.entity) {
                dead.insert(Target { job: letter.job, entity }, letter.reason);
            }
            if let Some(about) = letter.about {
                dead.entry(about).or_insert(letter.reason);
            }
        }
        Ok(Self { plan, stores, state, run, force, known, dead })
    }

    /// What became of a job for an entity.
    ///
    /// # Errors
    /// A store's own.
    pub async fn standing(&self, target: &Target) -> Result<Standing, StorageError> {
        if self.is_done(target).await? {
            return Ok(Standing::Done);
        }
        self.ending_of(target, &mut HashSet::new()).await
    }

    /// Whether its primary output is there, and fresh for the run.
    async fn is_done(&self, target: &Target) -> Result<bool, StorageError> {
        let Some(at) = self.plan.find(target.job.as_str()) else { return Ok(false) };
        let job = self.plan.job(at);
        let Some(parts) = job.form.split(&target.entity) else { return Ok(false) };
        let key = job.outputs[0].key_of(&parts);
        let demand = Demand::new(&self.plan, at, &self.force, self.run);
        let listed = || self.known.as_ref().is_some_and(|known| known.knows(&key, RunId::new(0, 0)));
        if demand.is_presence() && listed() {
            return Ok(true);
        }
        match self.stores.get(&key.store).look(&key.path).await {
            Ok(found) => Ok(found.is_some_and(|found| demand.is_met_by(&found))),
            // A key that this store can never hold: a dead letter says so, or the run has not got there yet.
            Err(error) if error.kind == crate::storage::StorageErrorKind::BadKey => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The worst of the standings of an entity's required jobs, and each of them.
    ///
    /// # Errors
    /// A store's own.
    pub async fn entity(
        &self,
        selection: &Selection,
        entity: &EntityId,
    ) -> Result<Vec<(JobIx, Standing)>, StorageError> {
        let mut standings = Vec::new();
        for at in required(&self.plan, selection, entity) {
            let target = Target { job: self.plan.job(at).name.clone(), entity: entity.clone() };
            standings.push((at, self.standing(&target).await?));
        }
        Ok(standings)
    }

    /// What the records say of a target whose output is missing: its own, else those of all that it is made from. An
    /// ancestor's counts also where outputs on the way to it are there, for a wave that ended at it came no further.
    fn ending_of<'a>(
        &'a self,
        target: &'a Target,
        visited: &'a mut HashSet<Target>,
    ) -> BoxFuture<'a, Result<Standing, StorageError>> {
        Box::pin(async move {
            let Some(at) = self.plan.find(target.job.as_str()) else { return Ok(Standing::Open) };
            let job = self.plan.job(at);
            if let Some(skip) = self.state.skip_of(target, job.settings).await? {
                return Ok(Standing::Skipped(target.clone(), skip.reason));
            }
            if let Some(reason) = self.dead.get(target) {
                return Ok(Standing::Dead(target.clone(), *reason));
            }
            let Some(parts) = job.form.split(&target.entity) else { return Ok(Standing::Open) };
            if !visited.insert(target.clone()) {
                return Ok(Standing::Open); // looked at already on another way, and not ended there
            }
            let mut worst = Standing::Open;
            for input in &job.inputs {
                let Route::Job { job: parent, entity, .. } = &input.from else { continue };
                let theirs = match entity {
                    Mapping::Same => Ok(target.entity.clone()),
                    Mapping::To(map) => map.entity(&parts),
                };
                let Ok(entity) = theirs else { continue };
                let parent = Target { job: self.plan.job(*parent).name.clone(), entity };
                match self.ending_of(&parent, visited).await? {
                    dead @ Standing::Dead(..) => return Ok(dead),
                    skipped @ Standing::Skipped(..) => worst = skipped,
                    Standing::Done | Standing::Open => {}
                }
            }
            Ok(worst)
        })
    }
}
