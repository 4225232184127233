//! How "nothing lost" is computed: from storage and records alone, never from counters and never from the broker.

mod forecast;
mod selection;
mod sight;

use std::collections::{HashMap, HashSet};

use futures::future::BoxFuture;

pub use forecast::{Expected, Fate, Forecaster};
pub use selection::{first_messages, messages_of, origins, reached, required, required_from, resume_messages};
pub use sight::Sight;

use crate::edges::parent_of;
use crate::ids::EntityId;
use crate::message::Target;
use crate::outcome::Reason;
use crate::plan::JobIx;
use crate::state::{LetterFilter, Selection};
use crate::storage::{StorageError, StorageErrorKind};

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
    sight: Sight,
    dead: HashMap<Target, Reason>,
}

impl Accountant {
    /// Reads a run's dead letters once; everything else is looked up when it is asked for.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn open(sight: Sight) -> Result<Self, StorageError> {
        let mut dead = HashMap::new();
        let filter = LetterFilter { run: Some(sight.run.into()), ..LetterFilter::default() };
        for key in sight.state.letter_keys(&filter).await? {
            let Some(letter) = sight.state.letter(&key).await? else { continue };
            if let Ok(entity) = EntityId::new(&letter.entity) {
                dead.insert(Target { job: letter.job, entity }, letter.reason);
            }
            if let Some(about) = letter.about {
                dead.entry(about).or_insert(letter.reason);
            }
        }
        Ok(Self { sight, dead })
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
        let Some(at) = self.sight.plan.find(target.job.as_str()) else { return Ok(false) };
        match self.sight.is_fresh(at, &target.entity).await {
            // A key that this store can never hold: a dead letter says so, or the run has not got there yet.
            Err(error) if error.kind == StorageErrorKind::BadKey => Ok(false),
            done => done,
        }
    }

    /// The standing of each of an entity's required jobs, parents first; the worst of them is the entity's.
    ///
    /// # Errors
    /// A store's own.
    pub async fn entity(
        &self,
        selection: &Selection,
        entity: &EntityId,
    ) -> Result<Vec<(JobIx, Standing)>, StorageError> {
        let mut standings = Vec::new();
        for at in required(&self.sight.plan, selection, entity) {
            let target = Target { job: self.sight.plan.job(at).name.clone(), entity: entity.clone() };
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
            let Some(at) = self.sight.plan.find(target.job.as_str()) else { return Ok(Standing::Open) };
            let job = self.sight.plan.job(at);
            let dead = self.dead.get(target).map(|reason| Standing::Dead(target.clone(), *reason));
            // An earlier run's skip gives way to this run's own letter; and to that of an ancestor under force, or
            // where somebody made the output since.
            let mut worst = Standing::Open;
            if let Some(skip) = self.sight.state.skip_of(target, job.settings).await? {
                worst = Standing::Skipped(target.clone(), skip.reason);
                let gives_way = dead.is_some() || self.sight.force.names(&job.name);
                if skip.run >= self.sight.run || !(gives_way || self.is_done(target).await?) {
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
                let Some(Ok(parent)) = parent_of(&self.sight.plan, input, &target.entity, &parts) else { continue };
                match self.ending_of(&parent.target, visited).await? {
                    dead @ Standing::Dead(..) => return Ok(dead),
                    skipped @ Standing::Skipped(..) => worst = skipped,
                    Standing::Done | Standing::Open => {}
                }
            }
            Ok(worst)
        })
    }
}
