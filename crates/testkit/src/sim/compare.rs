//! Compares the production's own account of each run with the one of the simulator.

use std::sync::Arc;

use super::{
    final_state::{FinalState, Status},
    graph,
    requirements::required,
    scenario::{Scenario, Submission},
    world::World,
};
use euterpe_actors::accounting::{Accountant, RunView, TargetStatus};
use euterpe_actors::message::Target;
use euterpe_actors::standard::Standard;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Storage, Stores};

/// Where the production's own account of a run differs from this one.
pub(super) async fn compare(
    world: &World,
    scenario: &Scenario,
    final_state: &FinalState<'_>,
    submitted: &[(u64, Submission)],
) -> Vec<String> {
    let store = |name: &str| -> Arc<dyn Storage> { world.objects[&graph::store(name)].clone() };
    let stores = Stores::new([graph::SOURCES, graph::OUTPUTS].map(|name| (graph::store(name), store(name))));
    let mut differences = Vec::new();
    for (_, submission) in submitted.iter().filter(|(_, submission)| !submission.resumed && !submission.ping) {
        let (plan, state) = (scenario.plan.clone(), StateStore::new(store(graph::STATE)));
        let view = RunView {
            plan,
            stores: stores.clone(),
            state,
            run: submission.run,
            force: submission.force.clone(),
            now: 0,
            known: None,
            dates: None,
            standard: Standard::default(),
            refresh: false,
        };
        let accountant = Accountant::open(view).await;
        let accountant = accountant.expect("a store in memory answers");
        for target in required(&scenario.plan, submission) {
            let named = Target { job: graph::name(target.0.0), entity: target.1.clone() };
            let theirs = match accountant.status(&named).await.expect("a store in memory answers") {
                TargetStatus::Done => Status::Done,
                TargetStatus::Skipped(..) => Status::Skipped,
                TargetStatus::Dead(..) => Status::Dead,
                TargetStatus::Open => Status::Open,
            };
            let ours = final_state.status(submission, &target);
            if theirs != ours {
                differences.push(format!("{named} of {} stands as {theirs:?}, and is {ours:?}", submission.run));
            }
        }
    }
    differences
}
