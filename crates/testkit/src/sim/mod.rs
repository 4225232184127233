//! The seeded simulator: production actors in a world in which everything happens when the seed says so.
//!
//! One thread, paused time. Each call of a store, of the broker or of a transform is a call under way that the
//! schedule ends when everything else waits; which one, and how, is drawn from the seed. So are the graph,
//! what is asked for, what was there before, and what goes wrong: nodes crash in the middle of calls and start again,
//! are taken for dead and go on, messages come twice, late and in any order, confirms are lost, stores refuse, are out
//! or answer wrongly, outputs are deleted, transforms fail, panic, hang and decline.
//!
//! When nothing is left to happen, everything that was asked for must be accounted for, from the stores alone:
//! [`simulate`] says what does not hold. The same seed gives the same [`Report`], its trace included.

mod accounting;
mod broker;
mod checks;
mod claims;
mod cluster;
mod faults;
mod graph;
mod ledger;
mod life;
mod queues;
mod scenario;
mod schedule;
mod stores;
mod trace;
mod work;
mod world;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use accounting::Books;
use cluster::Cluster;
use ledger::{Exec, Ledger};
use scenario::{Ask, BEFORE, Scenario};
use schedule::Schedule;
use world::World;

use euterpe_actors::storage::{Content, Stamp, Storage};

/// What one seed came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// A hash of everything that happened, in order.
    pub trace: u64,
    /// Things that happened.
    pub steps: u64,
    /// Starts of transforms.
    pub executions: usize,
    /// Faults of nodes, broker and stores that happened; those planted in transforms come on top.
    pub faults: u64,
    /// Whether nothing was to go wrong.
    pub calm: bool,
    /// What does not hold; nothing in a right protocol.
    pub violations: Vec<String>,
}

/// Runs the simulation of a seed; `aloud` prints everything that happens.
pub fn simulate(seed: u64, aloud: bool) -> Report {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().expect("a runtime needs no more than memory")
    };
    actix::System::with_tokio_rt(runtime).block_on(simulation(seed, aloud))
}

async fn simulation(seed: u64, aloud: bool) -> Report {
    let scenario = Scenario::draw(seed);
    let world = World::new(seed, aloud, &[graph::SOURCES, graph::OUTPUTS, graph::STATE], Ledger::default());
    if aloud {
        println!("{:#?}\nplanted {:?}\nwithout source {:?}", scenario.sketch, scenario.plants, scenario.sourceless);
    }
    furnish(&world, &scenario);
    let cluster = Cluster::start(&world, &scenario);
    let mut schedule = Schedule {
        world: world.clone(),
        scenario: &scenario,
        cluster,
        asks: scenario.asks.clone(),
        asked: Vec::new(),
        faults: scenario.faults.clone(),
        fired: 0,
        deleted: false,
        start: Instant::now(),
    };
    let mut violations = Vec::new();
    match schedule.run_to_quiet().await {
        Err(restless) => violations.push(restless),
        Ok(()) => {
            if schedule.deleted {
                violations.extend(resume(&mut schedule).await.err());
            }
            let books = Books::read(&world, &scenario, &mut violations);
            for (_, ask) in schedule.asked.iter().filter(|(_, ask)| !ask.resumed) {
                violations.extend(books.open(ask).into_iter().map(|place| {
                    let stale = if books.outputs.contains_key(&place) { ", its output is stale" } else { "" };
                    format!("open for {}: {}({}){stale}", ask.run, graph::name(place.0.0), place.1)
                }));
            }
            violations.extend(accounting::compare(&world, &scenario, &books, &schedule.asked).await);
            let ledger = &world.state().ledger;
            violations.extend(checks::violations(
                &scenario,
                &books,
                ledger,
                &schedule.asked,
                schedule.deleted,
                schedule.fired,
            ));
        }
    }
    let state = world.state();
    Report {
        seed,
        trace: state.trace.digest(),
        steps: state.step,
        executions: state.ledger.execs.len(),
        faults: schedule.fired,
        calm: scenario.is_calm(),
        violations,
    }
}

/// Puts in place what was there before.
fn furnish(world: &Arc<World>, scenario: &Scenario) {
    let (sources, derived) =
        (&world.objects[&graph::store(graph::SOURCES)], &world.objects[&graph::store(graph::OUTPUTS)]);
    let put = |store: &euterpe_actors::storage::memory::MemoryStorage, path: &str, text: String, stamp| {
        let content = Content::Bytes(Bytes::from(text));
        stores::at_once(store.store(path, content, stamp)).expect("a store in memory stores");
    };
    for track in scenario.tracks.iter().filter(|track| !scenario.sourceless.contains(*track)) {
        put(sources, &format!("in/{track}.raw"), format!("source {track}"), None);
    }
    for old in &scenario.existing {
        let plan = scenario.plan.job(old.job);
        let family = plan.ancestors.iter().map(|at| graph::name(at.0)).chain([plan.name.clone()]);
        let runs = family.map(|name| (name, BEFORE)).collect();
        let stamp = old.stamped.then(|| Stamp { job: plan.name.clone(), runs: Arc::new(runs), hash: String::new() });
        let execs = &mut world.state().ledger.execs;
        let text = if old.stamped { format!("x{}", execs.len()) } else { "foreign".to_owned() };
        if old.stamped {
            let (job, entity) = (old.job, old.entity.clone());
            execs.push(Exec { job, entity, run: None, step: 0, inputs: None, succeeded: true });
        }
        for path in accounting::output_paths(&scenario.plan, old.job, &old.entity) {
            put(derived, &path, text.clone(), stamp.clone());
        }
    }
}

/// Outputs were deleted: publishes again what is open of each ask, all in one fresh wave, and goes on to the end.
async fn resume(schedule: &mut Schedule<'_>) -> Result<(), String> {
    let mut again = Vec::new();
    {
        let books = Books::read(&schedule.world, schedule.scenario, &mut Vec::new());
        for (_, ask) in &schedule.asked {
            let open = books.open(ask);
            if open.is_empty() {
                continue;
            }
            again.push(Ask { targets: open, resumed: true, after: Duration::ZERO, ..ask.clone() });
        }
    }
    schedule.asks = again;
    schedule.run_to_quiet().await
}
