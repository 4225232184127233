//! Which jobs an entity of a run is for, and the messages that start or repair the run.

use std::sync::Arc;

use crate::ids::{EntityId, JobName, RunId};
use crate::message::{Base, EntityMessage, Target, Wave};
use crate::plan::{JobIx, NodePlan};
use crate::state::{Manifest, Selection};

/// The jobs that must come to an end for an entity of a selection: the origins, and in a wave all that it reaches.
///
/// A ping requires nothing.
pub fn required(plan: &NodePlan, selection: &Selection, entity: &EntityId) -> Vec<JobIx> {
    required_from(plan, selection, &origins(plan, selection, entity))
}

/// The same for all entities whose first messages go to `origins`.
pub fn required_from(plan: &NodePlan, selection: &Selection, origins: &[JobIx]) -> Vec<JobIx> {
    if selection.ping {
        return Vec::new();
    }
    if selection.bottom_up {
        return origins.to_vec();
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

/// The jobs that a bare "force" names: bottom-up the job asked for, else all that the wave reaches.
pub fn reached(plan: &NodePlan, selection: &Selection) -> Vec<JobName> {
    if let (true, Some(job)) = (selection.bottom_up, &selection.job) {
        return vec![job.clone()];
    }
    let origins = match &selection.job {
        Some(job) => vec![job.clone()],
        None => {
            let starts = plan.job_indices().filter(|at| !plan.has_same_parent(*at));
            starts.map(|at| plan.job(at).name.clone()).collect()
        }
    };
    let wave = Wave { id: 0, origins, only: selection.only.clone() };
    plan.reach(&wave).into_iter().map(|at| plan.job(at).name.clone()).collect()
}

/// The first messages of an entity of a run, one for each of the jobs `origins` that it goes to.
pub fn first_messages(
    plan: &NodePlan,
    manifest: &Manifest,
    origins: &[JobIx],
    entity: &EntityId,
    next_id: impl FnMut() -> u64,
) -> Vec<EntityMessage> {
    messages_to(plan, &manifest.selection, (manifest.run, manifest.wave), origins, entity, next_id)
}

/// The messages that bring an entity to the jobs of a selection.
pub fn messages_of(
    plan: &NodePlan,
    selection: &Selection,
    run: RunId,
    wave: u64,
    entity: &EntityId,
    next_id: impl FnMut() -> u64,
) -> Vec<EntityMessage> {
    messages_to(plan, selection, (run, wave), &origins(plan, selection, entity), entity, next_id)
}

fn messages_to(
    plan: &NodePlan,
    selection: &Selection,
    (run, wave): (RunId, u64),
    origins: &[JobIx],
    entity: &EntityId,
    mut next_id: impl FnMut() -> u64,
) -> Vec<EntityMessage> {
    let base = match selection.bottom_up {
        true => Base::Stop,
        false => {
            let names = origins.iter().map(|at| plan.job(*at).name.clone()).collect();
            Base::Down(Arc::new(Wave { id: wave, origins: names, only: selection.only.clone() }))
        }
    };
    let message = |at: &JobIx| {
        let target = Target { job: plan.job(*at).name.clone(), entity: entity.clone() };
        let mut message = EntityMessage::new(next_id(), run, target, plan.digest, base.clone());
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
