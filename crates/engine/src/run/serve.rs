//! A node that serves the queues of a graph until it is told to stop.

use std::{convert::Infallible, sync::Arc, time::Duration};

use euterpe_actors::context::NodeSettings;
use euterpe_actors::ids::JobName;
use euterpe_actors::node::Node;
use euterpe_actors::pool::Drain;
use euterpe_amqp::{Amqp, Report};
use tokio::sync::watch;

use super::reporter::{Mouth, Packages, Reporter, SAY, Spared};
use super::running::Stop;
use super::{given_up, watched};
use crate::logs::speak::{Speaker, Speaking};
use crate::metrics::{BrokerGauges, Metrics};
use crate::traces::Traces;

/// Is told every second whether the node is connected to its broker.
pub type Beat = Arc<dyn Fn(bool) + Send + Sync>;

/// What a node serves with, beside the settings of the actors.
pub struct Serving {
    /// The broker.
    pub amqp: Arc<Amqp>,
    /// Tells how many bytes were not downloaded.
    pub spared: Spared,
    /// Tells what the worker processes of a job said of their packages.
    pub packages: Packages,
    /// How long what is in hand may take once the node is told to stop.
    pub grace: Duration,
    /// Says when to stop.
    pub stop: watch::Receiver<Stop>,
    /// Is told that the node lives, and whether it is connected.
    pub beat: Beat,
    /// What is counted of its work, where anything is.
    pub metrics: Option<Arc<Metrics>>,
    /// Where the spans of its work go, where they are asked for.
    pub traces: Option<Arc<Traces>>,
    /// Its log lines for those that ask, where it keeps any.
    pub logs: Option<Speaking>,
}

/// Serves until it is told to stop; then what is in hand is finished within the grace, or goes back to its queue. The
/// broker and the observer of `node` are replaced.
///
/// Runs on the current arbiter.
pub async fn serve(node: NodeSettings, serving: Serving) {
    let Serving { amqp, spared, packages, grace, mut stop, beat, metrics, traces, logs } = serving;
    let NodeSettings { plan, state, clock, setup, .. } = node.clone();
    let (name, jobs) = (node.name.clone(), node.served.clone());
    let served = |job: &JobName| jobs.as_ref().is_none_or(|jobs| jobs.contains(job));
    let workers = plan.jobs.iter().filter(|job| served(&job.name)).map(|job| (job.name.clone(), job.workers));
    let first = plan.jobs[0].name.clone();
    let publisher = amqp.clone();
    let send: Mouth = Arc::new(move |key, body: Vec<u8>| publisher.report(Report { key, body: body.into() }));
    let speaker = logs.map(|logs| Speaker::new(&name, logs, send.clone()));
    let queues = amqp.clone();
    let reporter =
        Reporter::new(&name, workers, send, Arc::new(move |job| queues.waited(job)), spared, packages, setup);
    if let Some(metrics) = &metrics {
        metrics.set_broker(amqp.clone());
        metrics.serves(served);
    }
    let node = Node::start(NodeSettings {
        broker: amqp.clone(),
        observer: watched(reporter.clone(), metrics.as_ref(), traces.as_ref(), &name),
        ..node
    });
    let speaking = speak(speaker.as_ref());
    tokio::pin!(speaking);
    tokio::select! {
        () = Stop::Drain.is_told(&mut stop) => {}
        never = &mut speaking => match never {},
        never = reporter.report() => match never {},
        never = given_up::empty(&amqp, &state, &first, &name, clock) => match never {},
        never = beats(&amqp, &beat) => match never {},
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
            () = Stop::Now.is_told(&mut stop) => node.send(Drain { grace: Duration::ZERO }).await,
        };
        if let Err(gone) = ended {
            tracing::warn!(%gone, "the node was gone before it was drained");
        }
    };
    tokio::select! {
        () = drained => {}
        never = &mut speaking => match never {},
        never = reporter.report() => match never {},
        never = beats(&amqp, &beat) => match never {},
    }
    reporter.flush();
    if let Some(speaker) = &speaker {
        speaker.flush();
    }
    amqp.close().await;
}

/// Answers those that ask for the node's log lines, where it keeps any.
async fn speak(speaker: Option<&Speaker>) -> Infallible {
    match speaker {
        Some(speaker) => speaker.speak().await,
        None => std::future::pending().await,
    }
}

/// Tells now and then that this thread lives, and whether the broker is there.
async fn beats(amqp: &Amqp, beat: &Beat) -> Infallible {
    loop {
        beat(amqp.is_connected());
        tokio::time::sleep(SAY).await;
    }
}

impl BrokerGauges for Amqp {
    fn is_connected(&self) -> bool {
        Amqp::is_connected(self)
    }

    fn outages(&self) -> u64 {
        Amqp::outages(self)
    }

    fn prefetched(&self, job: &JobName) -> usize {
        Amqp::prefetched(self, job)
    }

    fn waited(&self, job: &JobName) -> Duration {
        Duration::from_secs(Amqp::waited(self, job))
    }
}
