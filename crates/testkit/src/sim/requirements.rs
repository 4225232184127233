//! What a submission forces, requires and allows to run, worked out apart from the production code.

use std::collections::BTreeSet;

use super::{
    graph::{self, TargetIx},
    scenario::{Existing, Scenario, Submission},
};
use euterpe_actors::message::Base;
use euterpe_actors::plan::{JobIx, NodePlan};

/// The jobs that a submission forces among a job and its ancestors.
pub(super) fn forced(plan: &NodePlan, submission: &Submission, job: JobIx) -> Vec<JobIx> {
    let family = plan.job(job).ancestors.iter().copied().chain([job]);
    family.filter(|at| submission.force.names(&plan.job(*at).name)).collect()
}

/// What a submission requires: its targets, and what its wave reaches from each.
pub(super) fn required(plan: &NodePlan, submission: &Submission) -> BTreeSet<TargetIx> {
    let mut all = BTreeSet::new();
    if submission.ping {
        return all;
    }
    let mut to_see: Vec<TargetIx> = submission.targets.clone();
    while let Some((job, entity)) = to_see.pop() {
        if !all.insert((job, entity.clone())) {
            continue;
        }
        if let Base::Down(wave) = &submission.base {
            let inside = |child: &&JobIx| wave.only.as_ref().is_none_or(|only| only.contains(&plan.job(**child).name));
            to_see.extend(plan.job(job).children.iter().filter(inside).map(|child| (*child, entity.clone())));
        }
    }
    all
}

/// What may run for a submission: what it requires and is not there, and what is missing above that.
pub(super) fn allowed(scenario: &Scenario, submission: &Submission, deleted: bool) -> BTreeSet<TargetIx> {
    let there = |target: &TargetIx| {
        let is = |old: &&Existing| (old.job, &old.entity) == (target.0, &target.1);
        !deleted
            && scenario.existing.iter().any(|old| is(&old))
            && forced(&scenario.plan, submission, target.0).is_empty()
    };
    let mut all = BTreeSet::new();
    let mut to_see: Vec<TargetIx> = required(&scenario.plan, submission).into_iter().collect();
    while let Some(target) = to_see.pop() {
        if !there(&target) && !all.contains(&target) {
            to_see.extend(graph::parents(&scenario.plan, target.0, &target.1));
            all.insert(target);
        }
    }
    all
}
