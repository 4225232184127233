//! A run on the embedded broker: node, feed, quiet, drain, end record.

use std::{sync::Arc, time::Duration};

use euterpe_actors::broker::in_process::InProcess;
use euterpe_actors::context::NodeSettings;
use euterpe_actors::node::Node;
use euterpe_actors::points::reach;
use euterpe_actors::pool::Drain;
use tokio::sync::watch;

use super::last_look::look_again;
use super::passed::Passed;
use super::running::{Running, Stop};
use super::sink::{Feeder, Sink};
use super::watched;
use crate::workspace::Workspace;

/// Runs until everything that is fed came to an end, or until it is told to stop: then nothing comes back.
///
/// The manifest must be written. Runs on the current arbiter.
///
/// # Errors
/// Where ids cannot be read, or the state store does not take the run's records; as [`look_again`]. What was made stays.
pub async fn run(workspace: &Workspace, running: &Running, mut feeder: impl Feeder) -> anyhow::Result<Option<Passed>> {
    let jobs = &workspace.nodes.jobs;
    let broker = InProcess::new(jobs.iter().map(|job| job.name.clone()));
    if let Some(metrics) = &workspace.metrics {
        metrics.has_no_broker();
    }
    let (metrics, traces) = (workspace.metrics.as_ref(), workspace.traces.as_ref());
    let observer = watched(running.tracker.clone(), metrics, traces, "local");
    // No claims: the state is held by this process, so there is no other node.
    let node = Node::start(NodeSettings {
        salt: running.manifest.wave,
        isolate: running.isolate,
        ..workspace.node(Arc::new(broker.clone()), observer, running.presence.clone()).await?
    });
    let workers: usize = jobs.iter().map(|job| job.workers).sum();
    let sink = Sink::embedded(workspace, running, broker.clone(), workers * 4 + 64);
    let (mut stopped, fed_all) = (running.stopped(), feeder.feeds_all());
    let fed = tokio::select! {
        biased;
        () = Stop::Drain.is_told(&mut stopped) => None,
        fed = async {
            let passed = feeder.feed(&sink).await;
            if passed.is_ok() {
                broker.settled_to(0).await;
            }
            passed
        } => Some(fed),
    };
    reach("before_drain");
    drain(&node, running.stopped(), fed.is_some()).await;
    broker.close();
    let passed = fed.transpose()?;
    match passed.is_some() && !look_again(workspace, running, fed_all).await? {
        true => Ok(None),
        false => Ok(passed),
    }
}

/// Finishes what is in hand; a second word to stop does not wait for it.
async fn drain(node: &actix::Addr<Node>, mut stop: watch::Receiver<Stop>, idle: bool) {
    let grace = if idle { Duration::ZERO } else { Duration::from_secs(24 * 3600) };
    let drained = tokio::select! {
        biased;
        drained = node.send(Drain { grace }) => drained,
        () = Stop::Now.is_told(&mut stop) => node.send(Drain { grace: Duration::ZERO }).await,
    };
    if let Err(gone) = drained {
        tracing::warn!(%gone, "the node was gone before it was drained");
    }
}
