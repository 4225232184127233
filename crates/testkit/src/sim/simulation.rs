//! One simulation: drawn from its seed, run until it is quiet, then judged.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    checks,
    cluster::Cluster,
    compare::compare,
    execution_log::ExecutionLog,
    existing::put_existing_outputs,
    final_state::FinalState,
    graph,
    scenario::{Scenario, Submission},
    schedule::Schedule,
    versions::Versions,
    world::World,
};

/// What the simulation of one seed came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// A hash of all events, in order.
    pub trace: u64,
    /// Calls that ended and messages that were delivered.
    pub steps: u64,
    /// Starts of transforms.
    pub executions: usize,
    /// Injected faults of nodes, broker and stores. Those planted in transforms are not counted.
    pub faults: u64,
    /// Whether the seed drew no faults.
    pub calm: bool,
    /// Each rule that does not hold, as a sentence. A right protocol has none.
    pub violations: Vec<String>,
}

/// Runs the simulation of a seed; `verbose` prints everything that happens.
pub fn simulate(seed: u64, verbose: bool) -> Report {
    in_paused_time(simulation(seed, verbose))
}

/// Runs a simulation on one thread whose time goes on only when everything waits.
pub(super) fn in_paused_time(simulation: impl Future<Output = Report>) -> Report {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().expect("a runtime needs no more than memory")
    };
    actix::System::with_tokio_rt(runtime).block_on(simulation)
}

async fn simulation(seed: u64, verbose: bool) -> Report {
    let scenario = Scenario::draw(seed);
    let mut schedule = begin(seed, verbose, &scenario, Versions::default());
    let world = schedule.world.clone();
    let mut violations = Vec::new();
    match schedule.run_to_quiet().await {
        Err(restless) => violations.push(restless),
        Ok(()) => {
            if schedule.deleted {
                violations.extend(resume(&mut schedule).await.err());
            }
            let final_state = FinalState::read(&world, &scenario, &mut violations);
            for (_, submission) in schedule.submitted.iter().filter(|(_, submission)| !submission.resumed) {
                violations.extend(final_state.open(submission).into_iter().map(|target| {
                    let stale = if final_state.outputs.contains_key(&target) { ", its output is stale" } else { "" };
                    format!("open for {}: {}({}){stale}", submission.run, graph::name(target.0.0), target.1)
                }));
            }
            violations.extend(compare(&world, &scenario, &final_state, &schedule.submitted).await);
            let log = &world.state().log;
            violations.extend(checks::violations(
                &scenario,
                &final_state,
                log,
                &schedule.submitted,
                schedule.deleted,
                schedule.injected,
            ));
        }
    }
    report(seed, &schedule, violations)
}

/// A world as a scenario has it, with nodes that are started, in which nothing has happened yet.
pub(super) fn begin<'s>(seed: u64, verbose: bool, scenario: &'s Scenario, versions: Versions) -> Schedule<'s> {
    let shared = scenario.sketch.cores().map(|cores| (cores, scenario.sketch.sharing().collect()));
    let log = ExecutionLog::of(shared);
    let world = World::new(seed, verbose, &[graph::SOURCES, graph::OUTPUTS, graph::STATE], log);
    if verbose {
        println!(
            "{:#?}\nplanted {:?}\nwithout source {:?}",
            scenario.sketch, scenario.planted_faults, scenario.sourceless
        );
    }
    world.state().versions = versions;
    put_existing_outputs(&world, scenario);
    let cluster = Cluster::start(&world, scenario);
    Schedule {
        world,
        scenario,
        cluster,
        submissions: scenario.submissions.clone(),
        submitted: Vec::new(),
        faults: scenario.faults.clone(),
        injected: 0,
        deleted: false,
        start: Instant::now(),
    }
}

/// What a simulation came to.
pub(super) fn report(seed: u64, schedule: &Schedule<'_>, violations: Vec<String>) -> Report {
    let state = schedule.world.state();
    Report {
        seed,
        trace: state.trace.digest(),
        steps: state.step,
        executions: state.log.executions.len(),
        faults: schedule.injected,
        calm: schedule.injected == 0 && schedule.scenario.is_calm(),
        violations,
    }
}

/// Outputs were deleted: publishes again what is open of each submission, all in one fresh wave, and goes on to the end.
async fn resume(schedule: &mut Schedule<'_>) -> Result<(), String> {
    let mut again = Vec::new();
    {
        let final_state = FinalState::read(&schedule.world, schedule.scenario, &mut Vec::new());
        for (_, submission) in &schedule.submitted {
            let open = final_state.open(submission);
            if open.is_empty() {
                continue;
            }
            again.push(Submission { targets: open, resumed: true, after: Duration::ZERO, ..submission.clone() });
        }
    }
    schedule.submissions = again;
    schedule.run_to_quiet().await
}
