//! A run over a broker: its messages are published, and nodes elsewhere do the work and report.
//!
//! Reports may be lost. When none comes for a while, storage is asked how the entities under way are.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use euterpe_actors::accounting::{Accountant, RunView};
use euterpe_actors::memory::Presence;
use euterpe_actors::plan::NodePlan;
use euterpe_actors::state::{Manifest, RunEnd, StateStore};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::embedded::{Ended, Request, Stop, counts};
use super::feed::{Feeder, Line, Way};
use super::ids::Passed;
use super::report::{Notes, run_key};
use super::tracker::Tracker;
use euterpe_amqp::{Amqp, Dial, Heard, listen};

/// How long nothing may be reported before storage is asked; then ever longer.
const QUIET: Duration = Duration::from_secs(3);
/// The longest wait between two looks at storage.
const MOST_QUIET: Duration = Duration::from_secs(60);
/// How many entities are looked at together.
const LOOKS: usize = 2000;
/// How long a ping is waited for after its last sign.
const PING_QUIET: Duration = Duration::from_secs(2);

/// The broker that a run goes over.
pub struct Over {
    /// To publish.
    pub amqp: Arc<Amqp>,
    /// To listen.
    pub dial: Dial,
}

/// Publishes what is fed, and follows it until everything came to an end, or until it is told to stop: then what was
/// published goes on without this process.
///
/// The manifest must be written.
///
/// # Errors
/// Where ids cannot be read, the broker does not take messages, or the state store does not take the run's records.
pub async fn run(request: Request, over: Over, mut feeder: impl Feeder) -> anyhow::Result<Ended> {
    let Request { plan, stores, state, manifest, presence, tracker, mut stop, clock, .. } = request;
    let (run, force, is_ping) = (manifest.run, manifest.selection.force.clone(), manifest.selection.ping);
    let graph = manifest.graph.clone();
    let view = || RunView {
        plan: plan.clone(),
        stores: stores.clone(),
        state: state.clone(),
        run,
        force: force.clone(),
        known: None,
    };
    let line = Line {
        plan: plan.clone(),
        presence,
        state: state.clone(),
        manifest,
        tracker: tracker.clone(),
        window: 0,
        way: Way::Remote { broker: over.amqp.clone(), gathered: std::cell::RefCell::default(), followed: true },
        ids: std::cell::Cell::new(0),
    };
    let (ear, mut heard) = mpsc::unbounded_channel();
    let (key, last) = (run_key(run), std::cell::Cell::new(Instant::now()));
    let listening = listen(&over.dial, &graph, &key, &ear);
    let following = follow(&mut heard, &tracker, &last, view);
    let feeding = async {
        let passed = feeder.feed(&line).await?;
        line.flush().await?;
        last.set(Instant::now());
        match is_ping {
            true => {
                while last.get().elapsed() < PING_QUIET {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            false => {
                while tracker.live() > 0 {
                    // Looked at again now and then: a move may have been told to who waited for room.
                    let looked = tokio::time::timeout(Duration::from_millis(100), tracker.moved.notified()).await;
                    drop(looked);
                }
            }
        }
        anyhow::Ok(passed)
    };
    let fed = tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop > Stop::No) => None,
        fed = feeding => Some(fed?),
        error = following => return Err(error),
        ended = listening => match ended {
            Ok(never) => match never {},
            Err(error) => return Err(anyhow!(error).context("cannot listen to the nodes' reports")),
        },
    };
    if fed.is_none() {
        // What was read is in the manifest: it is published, and goes on without this process.
        line.flush().await.context("what was read is not published; `runs resume` publishes it")?;
    }
    over.amqp.close().await;
    let tally = tracker.tally();
    let complete = fed.is_some();
    let end = RunEnd { millis: clock(), complete, entities: tally.entities, jobs: counts(&plan, &tally) };
    state.end_run(run, &end).await?;
    Ok(Ended { complete, tally, passed: fed.unwrap_or_default() })
}

/// Follows the nodes' reports, and asks storage where they leave something open. Ends with an error alone.
async fn follow(
    heard: &mut mpsc::UnboundedReceiver<Heard>,
    tracker: &Tracker,
    last: &std::cell::Cell<Instant>,
    view: impl Fn() -> RunView,
) -> anyhow::Error {
    let (mut quiet, mut said) = (QUIET, false);
    let mut numbers: HashMap<String, u64> = HashMap::new();
    loop {
        match tokio::time::timeout(quiet, heard.recv()).await {
            Ok(None) => return anyhow!("nobody listens any more"),
            Ok(Some(Heard::Listening)) => {}
            Ok(Some(Heard::Report(body))) => {
                let notes: Notes = match serde_json::from_slice(&body) {
                    Ok(notes) => notes,
                    Err(error) => {
                        tracing::warn!(%error, "a node reported what cannot be read; is it of another version?");
                        continue;
                    }
                };
                let expected = numbers.insert(notes.node.clone(), notes.number + 1);
                if expected.is_some_and(|expected| expected != notes.number) {
                    tracing::debug!(node = notes.node, "reports were lost");
                }
                (quiet, said) = (QUIET, false);
                last.set(Instant::now());
                notes.notes.iter().for_each(|note| tracker.ended(note));
            }
            Err(_) => {
                quiet = (quiet * 2).min(MOST_QUIET);
                match look(tracker, view()).await {
                    Ok(true) => quiet = QUIET,
                    Ok(false) if tracker.live() > 0 && quiet >= MOST_QUIET / 4 && !said => {
                        said = true;
                        tracing::warn!(
                            "nothing came to an end for a while; is a node running for every job? `euterpe status` shows them"
                        );
                    }
                    Ok(false) => {}
                    Err(error) => tracing::error!("storage cannot say how the entities under way are: {error}"),
                }
            }
        }
    }
}

/// Asks storage how some of the entities under way are; whether that ended any of them.
async fn look(tracker: &Tracker, view: RunView) -> anyhow::Result<bool> {
    let open = tracker.some_open(LOOKS);
    if open.is_empty() {
        return Ok(false);
    }
    let plan = view.plan.clone();
    let accountant = Accountant::open(view).await?;
    let mut moved = false;
    for entity in open {
        for at in tracker.left_of(&entity) {
            let target = euterpe_actors::message::Target { job: plan.job(at).name.clone(), entity: entity.clone() };
            let standing = accountant.status(&target).await?;
            moved |= tracker.found(&entity, at, &standing);
        }
    }
    Ok(moved)
}

/// A run that is published and not followed.
pub struct Unfollowed {
    /// The graph.
    pub plan: Arc<NodePlan>,
    /// Dead letters and manifests.
    pub state: StateStore,
    /// What the run is; it must be written.
    pub manifest: Manifest,
    /// What is known to exist, and is left out.
    pub presence: Arc<Presence>,
    /// Who counts.
    pub tracker: Arc<Tracker>,
}

impl Unfollowed {
    /// Publishes what is fed, and returns when all of it is confirmed.
    ///
    /// # Errors
    /// Where ids cannot be read, the broker does not take messages, or the state store does not take the entities.
    pub async fn publish(self, over: &Over, mut feeder: impl Feeder) -> anyhow::Result<Passed> {
        let Self { plan, state, manifest, presence, tracker } = self;
        let way = Way::Remote { broker: over.amqp.clone(), gathered: std::cell::RefCell::default(), followed: false };
        let ids = std::cell::Cell::new(0);
        let line = Line { plan, presence, state, manifest, tracker, window: 0, way, ids };
        let passed = feeder.feed(&line).await?;
        line.flush().await?;
        Ok(passed)
    }
}
