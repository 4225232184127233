//! A node that serves the queues of a graph until it is told to stop.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use euterpe_actors::claims::Claims;
use euterpe_actors::context::NodeSettings;
use euterpe_actors::ids::JobName;
use euterpe_actors::memory::Presence;
use euterpe_actors::node::Node;
use euterpe_actors::plan::NodePlan;
use euterpe_actors::pool::Drain;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::Stores;
use tokio::sync::{Semaphore, watch};

use super::fuse;
use super::reporter::{Reporter, Spared};
use super::{Stop, watched};
use euterpe_amqp::{Amqp, Report};

/// What a node serves with.
pub struct Serving {
    /// The graph.
    pub plan: Arc<NodePlan>,
    /// Its stores.
    pub stores: Stores,
    /// Dead letters and manifests.
    pub state: StateStore,
    /// The broker.
    pub amqp: Arc<Amqp>,
    /// The jobs that are served here, or all.
    pub jobs: Option<Vec<JobName>>,
    /// Who works on what, among the nodes; none where there is no place that keeps them apart.
    pub claims: Option<Arc<dyn Claims>>,
    /// What is known to exist.
    pub presence: Arc<Presence>,
    /// Jobs that take turns at the machine.
    pub slots: HashMap<JobName, Arc<Semaphore>>,
    /// Where private folders are made.
    pub scratch: PathBuf,
    /// Tells how many bytes were not downloaded.
    pub spared: Spared,
    /// The node's name, for people.
    pub name: String,
    /// A number that no other node has.
    pub salt: u64,
    /// How long what is in hand may take once the node is told to stop.
    pub grace: Duration,
    /// Says when to stop.
    pub stop: watch::Receiver<Stop>,
    /// The time, in milliseconds after the Unix epoch.
    pub clock: fn() -> u64,
}

/// Serves until it is told to stop; then what is in hand is finished within the grace, or goes back to its queue.
///
/// Runs on the current arbiter.
pub async fn serve(serving: Serving) {
    let Serving {
        plan,
        stores,
        state,
        amqp,
        jobs,
        claims,
        presence,
        slots,
        scratch,
        spared,
        name,
        salt,
        grace,
        mut stop,
        clock,
    } = serving;
    let served = |job: &JobName| jobs.as_ref().is_none_or(|jobs| jobs.contains(job));
    let workers = plan.jobs.iter().filter(|job| served(&job.name)).map(|job| (job.name.clone(), job.workers));
    let first = plan.jobs[0].name.clone();
    let mouth = amqp.clone();
    let mouth = Arc::new(move |key, body: Vec<u8>| mouth.report(Report { key, body: body.into() }));
    let queues = amqp.clone();
    let reporter = Reporter::new(&name, workers, mouth, Arc::new(move |job| queues.waited(job)), spared);
    let node = Node::start(NodeSettings {
        plan,
        stores,
        state: state.clone(),
        broker: amqp.clone(),
        observer: watched(reporter.clone()),
        claims,
        presence,
        name: name.as_str().into(),
        salt,
        scratch,
        slots,
        served: jobs.clone(),
        isolate: false,
        clock,
    });
    let told = async {
        // Nobody is left who could say so: as good as being told.
        match stop.wait_for(|stop| *stop > Stop::No).await {
            Ok(_) | Err(_) => {}
        }
    };
    tokio::select! {
        () = told => {}
        never = reporter.report() => match never {},
        never = fuse::empty(&amqp, &state, &first, &name, clock) => match never {},
    }
    reporter.drains();
    let drained = async {
        let drained = node.send(Drain { grace });
        tokio::pin!(drained);
        // The workers know first, so that they do not take the end of deliveries for a loss.
        let early = tokio::time::timeout(Duration::from_millis(20), &mut drained).await;
        amqp.stop_taking();
        if early.is_ok() {
            return;
        }
        let ended = tokio::select! {
            biased;
            ended = &mut drained => ended,
            _ = stop.wait_for(|stop| *stop == Stop::Now) => node.send(Drain { grace: Duration::ZERO }).await,
        };
        if let Err(gone) = ended {
            tracing::warn!(%gone, "the node was gone before it was drained");
        }
    };
    tokio::select! {
        () = drained => {}
        never = reporter.report() => match never {},
    }
    reporter.flush();
    amqp.close().await;
}
