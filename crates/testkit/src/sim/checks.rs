//! The rules that must hold when a simulation is quiet. Each violation is a sentence.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    execution_log::ExecutionLog,
    final_state::{FinalState, Status},
    graph::{self, TargetIx},
    requirements::{allowed, forced, required},
    scenario::{Scenario, Submission},
};
use euterpe_actors::message::{Base, Force};

/// All violations, except open targets.
pub(super) fn violations(
    scenario: &Scenario,
    final_state: &FinalState<'_>,
    log: &ExecutionLog,
    submitted: &[(u64, Submission)],
    deleted: bool,
    injected: u64,
) -> Vec<String> {
    let mut wrong = log.violations.clone();
    if !deleted {
        // Who waits for an output that is made and then deleted is served by resuming, under a new request.
        let unanswered = log.unanswered();
        wrong.extend(unanswered.map(|target| format!("unanswered: {target} asked for inputs and heard nothing")));
    }
    wrong.extend(scenario.targets().filter_map(|(job, entity)| final_state.wrong(log, &(job, entity.clone()))));
    for (_, submission) in submitted {
        // A later run counts for an earlier one, whichever was published first.
        let since =
            submitted.iter().filter(|(_, other)| other.run >= submission.run).map(|(step, _)| *step).min().unwrap_or(0);
        for target in required(&scenario.plan, submission) {
            if final_state.status(submission, &target) == Status::Done
                && let Some(text) = final_state.stale(log, submission, since, &target)
            {
                wrong.push(format!("stale for {}: {text}", submission.run));
            }
        }
    }
    wrong.extend(final_state.unexplained(deleted));
    wrong.extend(unasked(scenario, log, submitted, deleted));
    if scenario.is_calm() {
        wrong.extend(log.late.iter().cloned());
        if scenario.planted_faults.is_empty() {
            wrong.extend(log.coreless.iter().cloned());
        }
        wrong.extend(repeated(scenario, log, submitted));
        if scenario.nodes == 1 {
            wrong.extend(too_many_messages(scenario, log, submitted));
        }
    } else if scenario.claims && !deleted {
        wrong.extend(repeated_beyond_faults(scenario, log, submitted, injected));
    }
    wrong
}

/// Targets that ran although no submission needed them.
fn unasked(scenario: &Scenario, log: &ExecutionLog, submitted: &[(u64, Submission)], deleted: bool) -> Vec<String> {
    let may_run: BTreeSet<TargetIx> =
        submitted.iter().flat_map(|(_, submission)| allowed(scenario, submission, deleted)).collect();
    let ran: BTreeSet<TargetIx> =
        log.executions.iter().filter(|e| e.run.is_some()).map(|e| (e.job, e.entity.clone())).collect();
    ran.difference(&may_run)
        .map(|(job, e)| format!("nobody asked for {}({e}), and it ran", graph::name(job.0)))
        .collect()
}

/// Without faults, and with one node or with claims: targets that ran more than once for a run, or more often than they
/// were forced.
fn repeated(scenario: &Scenario, log: &ExecutionLog, submitted: &[(u64, Submission)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for ((job, entity), by_run) in log.successes() {
        let total: u32 = by_run.values().sum();
        let forcing =
            submitted.iter().filter(|(_, submission)| !forced(&scenario.plan, submission, job).is_empty()).count()
                as u32;
        if total > 1 + forcing || by_run.values().any(|times| *times > 1) {
            wrong.push(format!("double work without a fault: {}({entity}) ran {by_run:?}", graph::name(job.0)));
        }
    }
    if log.doubled > 0 {
        wrong.push(format!("{} times two workers of one node had one entity in hand", log.doubled));
    }
    wrong
}

/// With faults and claims: each fault may repeat at most what the workers of one node have in hand.
fn repeated_beyond_faults(
    scenario: &Scenario,
    log: &ExecutionLog,
    submitted: &[(u64, Submission)],
    injected: u64,
) -> Option<String> {
    let again = |((job, _), by_run): ((_, _), BTreeMap<_, u32>)| {
        let total: u32 = by_run.values().sum();
        let forcing =
            submitted.iter().filter(|(_, submission)| !forced(&scenario.plan, submission, job).is_empty()).count()
                as u32;
        u64::from(total.saturating_sub(1 + forcing))
    };
    let twice: u64 = log.successes().into_iter().map(again).sum();
    let workers: usize = scenario.plan.jobs.iter().map(|job| job.workers).sum();
    let most = injected * workers as u64;
    (twice > most).then(|| format!("{twice} times work was done again, after {injected} faults at {workers} workers"))
}

/// On one node where nothing goes wrong and one thing is asked for: one message down each edge of the wave, and along
/// each edge over which an output is asked for one request and one wake-up.
fn too_many_messages(scenario: &Scenario, log: &ExecutionLog, submitted: &[(u64, Submission)]) -> Option<String> {
    let [(_, submission)] = submitted else { return None };
    if submission.force != Force::None {
        return None;
    }
    let plan = &scenario.plan;
    let reached = required(plan, &Submission { ping: false, ..submission.clone() });
    let mut down = 0;
    // Each message of the wave may be the one that submissions, where several see the same.
    let mut most_arrivals = 1;
    if let Base::Down(wave) = &submission.base {
        let mut arrivals: BTreeMap<TargetIx, u64> =
            submission.targets.iter().map(|target| (target.clone(), 1)).collect();
        for (job, entity) in &reached {
            for child in &plan.job(*job).children {
                if wave.only.as_ref().is_none_or(|only| only.contains(&plan.job(*child).name)) {
                    *arrivals.entry((*child, entity.clone())).or_default() += 1;
                    down += 1;
                }
            }
        }
        most_arrivals = arrivals.into_values().max().unwrap_or(1);
    }
    let needed = if submission.ping { BTreeSet::new() } else { allowed(scenario, submission, false) };
    let in_wave = |target: &TargetIx, parent: &TargetIx| {
        let both = reached.contains(parent) && reached.contains(target);
        matches!(submission.base, Base::Down(_)) && both && parent.1 == target.1
    };
    let mut asking = 0;
    for target in &needed {
        let parents: BTreeSet<TargetIx> = graph::parents(plan, target.0, &target.1).into_iter().collect();
        let missing = parents.iter().filter(|parent| needed.contains(*parent) && !in_wave(target, parent));
        asking += 2 * missing.count() as u64;
    }
    let most = (1.05 * (down + most_arrivals * asking) as f64) as u64;
    (log.passed > most).then(|| format!("{} messages passed on, {most} are enough", log.passed))
}
