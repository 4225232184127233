//! A run on the embedded broker: survey, manifest, node, feed, quiet, drain, end record.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use euterpe_actors::broker::in_process::InProcess;
use euterpe_actors::context::NodeSettings;
use euterpe_actors::ids::JobName;
use euterpe_actors::memory::Presence;
use euterpe_actors::node::Node;
use euterpe_actors::plan::NodePlan;
use euterpe_actors::points::reach;
use euterpe_actors::pool::Drain;
use euterpe_actors::state::{Counts, Manifest, RunEnd, StateStore};
use euterpe_actors::storage::Stores;
use tokio::sync::{Semaphore, watch};

use super::feed::{Feeder, Line, Way};
use super::ids::Passed;
use super::tally::Tally;
use super::tracker::Tracker;
use super::watched;

/// How soon a run is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    No,
    /// When what is in hand is finished.
    Drain,
    /// Now: what is in hand is left.
    Now,
}

/// What a run needs.
pub struct Request {
    /// The graph.
    pub plan: Arc<NodePlan>,
    /// Its stores.
    pub stores: Stores,
    /// Dead letters and manifests.
    pub state: StateStore,
    /// What the run is.
    pub manifest: Manifest,
    /// What is known to exist.
    pub presence: Arc<Presence>,
    /// Who follows it.
    pub tracker: Arc<Tracker>,
    /// Jobs that take turns at the machine.
    pub slots: HashMap<JobName, Arc<Semaphore>>,
    /// Where private folders are made.
    pub scratch: PathBuf,
    /// Whether all work is done in child processes.
    pub isolate: bool,
    /// Says when to stop.
    pub stop: watch::Receiver<Stop>,
    /// The time, in milliseconds after the Unix epoch.
    pub clock: fn() -> u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What became of its entities.
    pub tally: Tally,
    /// Whether it was brought to its end, and not stopped.
    pub complete: bool,
    /// What the listing passed over.
    pub passed: Passed,
}

/// Runs until everything that is fed came to an end, or until it is told to stop.
///
/// The manifest must be written. Runs on the current arbiter.
///
/// # Errors
/// Where ids cannot be read, or the state store does not take the run's records. What was made stays.
pub async fn run(request: Request, mut feeder: impl Feeder) -> anyhow::Result<Ended> {
    let Request { plan, stores, state, manifest, presence, tracker, slots, scratch, isolate, stop, clock } = request;
    let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
    let workers: usize = plan.jobs.iter().map(|job| job.workers).sum();
    let node = Node::start(NodeSettings {
        plan: plan.clone(),
        stores,
        state: state.clone(),
        broker: Arc::new(broker.clone()),
        observer: watched(tracker.clone()),
        claims: None, // the state folder is locked: there is no other node
        presence: presence.clone(),
        name: "local".into(),
        salt: manifest.wave,
        scratch,
        slots,
        served: None,
        isolate,
        clock,
    });
    let run = manifest.run;
    let line = Line {
        plan: plan.clone(),
        presence,
        state: state.clone(),
        manifest,
        tracker: tracker.clone(),
        window: workers * 4 + 64,
        way: Way::Embedded(broker.clone()),
        ids: std::cell::Cell::new(0),
    };
    let mut stopped = stop.clone();
    let fed = tokio::select! {
        biased;
        _ = stopped.wait_for(|stop| *stop > Stop::No) => None,
        fed = async {
            let passed = feeder.feed(&line).await;
            if passed.is_ok() {
                broker.settled_to(0).await;
            }
            passed
        } => Some(fed),
    };
    reach("before_drain");
    drain(&node, stop, fed.is_some()).await;
    broker.close();
    let passed = match fed {
        None => None,
        Some(Ok(passed)) => Some(passed),
        Some(Err(error)) => return Err(error),
    };
    let tally = tracker.tally();
    let end =
        RunEnd { millis: clock(), complete: passed.is_some(), entities: tally.entities, jobs: counts(&plan, &tally) };
    state.end_run(run, &end).await?;
    Ok(Ended { complete: passed.is_some(), tally, passed: passed.unwrap_or_default() })
}

/// Finishes what is in hand; a second word to stop does not wait for it.
async fn drain(node: &actix::Addr<Node>, mut stop: watch::Receiver<Stop>, idle: bool) {
    let grace = if idle { Duration::ZERO } else { Duration::from_secs(24 * 3600) };
    let drained = tokio::select! {
        biased;
        drained = node.send(Drain { grace }) => drained,
        _ = stop.wait_for(|stop| *stop == Stop::Now) => node.send(Drain { grace: Duration::ZERO }).await,
    };
    if let Err(gone) = drained {
        tracing::warn!(%gone, "the node was gone before it was drained");
    }
}

/// The counts of a run's end record.
pub(super) fn counts(plan: &NodePlan, tally: &Tally) -> std::collections::BTreeMap<JobName, Counts> {
    let count =
        |job: &super::JobTally| Counts { done: job.done, exists: job.exists, skipped: job.skipped, dead: job.dead };
    plan.jobs.iter().zip(&tally.jobs).map(|(job, tally)| (job.name.clone(), count(tally))).collect()
}
