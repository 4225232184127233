//! The thread on which the connections live, and their life: connect, work, break, wait, connect again.

use std::{cell::Cell, future::Future, sync::Arc, time::Duration};

use futures::future::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::backoff::Backoff;
use super::consuming::Consuming;
use super::feed::Feed;
use super::link::{Link, LinkError};
use super::names::Names;
use super::porter::Porter;
use super::publishing::{Batch, Publishing};
use super::reports::Report;
use super::settings::AmqpSettings;
use super::topology::Topology;
use super::version::{self, Version};
use super::{Phase, Weather};

/// How long the broker may take for what is still to be said to it once everything is to end.
const CLOSING: Duration = Duration::from_millis(1500);

/// What the thread is started with.
pub(super) struct Start {
    pub settings: AmqpSettings,
    pub patience: Duration,
    pub feeds: Vec<Arc<Feed>>,
    pub batches: mpsc::UnboundedReceiver<Batch>,
    pub reports: mpsc::Receiver<Report>,
    pub phase: watch::Receiver<Phase>,
    pub weather: watch::Sender<Weather>,
    pub porter: Porter,
    pub ready: oneshot::Sender<Result<Version, LinkError>>,
}

/// The running thread.
pub(super) struct Thread {
    ended: watch::Receiver<bool>,
}

impl Thread {
    /// Starts it.
    pub fn start(start: Start) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (over, ended) = watch::channel(false);
        std::thread::Builder::new().name("euterpe-amqp".into()).spawn(move || {
            runtime.block_on(live(start));
            // What the library still does in the background ends with the runtime.
            runtime.shutdown_timeout(Duration::from_millis(200));
            over.send_replace(true);
        })?;
        Ok(Self { ended })
    }

    /// Returns when it has ended.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        // An error means that the thread is gone, which is what is waited for.
        match ended.wait_for(|ended| *ended).await {
            Ok(_) | Err(_) => {}
        }
    }
}

async fn live(start: Start) {
    let Start { settings, patience, feeds, batches, reports, phase, weather, porter, ready } = start;
    let seed = xxhash_rust::xxh3::xxh3_64(format!("{}{:p}", std::process::id(), &settings).as_bytes());
    let (version, topology, link) = match reach(&settings, patience, &mut Backoff::new(seed)).await {
        Ok(reached) => reached,
        Err(error) => {
            // Who opened it and is gone need not know.
            ready.send(Err(error)).unwrap_or_default();
            return;
        }
    };
    ready.send(Ok(version)).unwrap_or_default();
    let names = Names::of(&settings.graph);
    let (taking, watching) = (phase.clone(), weather.subscribe());
    let consuming = Consuming {
        topology: topology.clone(),
        feeds,
        phase: taking,
        weather: watching,
        porter: porter.clone(),
        delivered: Cell::new(false),
    };
    let publishing = Publishing::new(names, topology.clone(), batches, reports, phase.clone(), weather.clone(), porter);
    let (end, consuming_phase) = (closing(phase.clone()), phase.clone());
    // Each is looked at when there is news for it, not at each news for the other.
    let mut both = FuturesUnordered::from_iter([
        consume(&settings, &topology, consuming, consuming_phase, seed).boxed_local(),
        publish(&settings, &topology, publishing, phase, weather, link, !seed).boxed_local(),
    ]);
    let work = async { while both.next().await.is_some() {} };
    tokio::select! {
        () = work => {}
        () = end => tracing::warn!("the broker was left before it answered; what was in hand goes back to its queue"),
    }
}

/// Returns a while after everything is to end, whatever the broker still owes.
async fn closing(mut phase: watch::Receiver<Phase>) {
    // An error means that the adapter is gone, which is as good.
    match phase.wait_for(|phase| *phase == Phase::Closed).await {
        Ok(_) | Err(_) => {}
    }
    tokio::time::sleep(CLOSING).await;
}

/// The first connection, with what the broker says of itself and everything declared.
async fn reach(
    settings: &AmqpSettings,
    patience: Duration,
    backoff: &mut Backoff,
) -> Result<(Version, Topology, Link), LinkError> {
    let until = Instant::now() + patience;
    let mut said = false;
    loop {
        let reached = async {
            let version = version::ask(&settings.dial).await?;
            let topology = Topology::of(settings, &version)?;
            let link = Link::open(&settings.dial, "publishing").await?;
            topology.declare(&link).await?;
            Ok((version, topology, link))
        };
        match reached.await {
            Err(error @ LinkError::Refused { .. } | error @ LinkError::Silent(_) | error @ LinkError::Broken(_))
                if Instant::now() < until && !error.is_final() =>
            {
                if !std::mem::replace(&mut said, true) {
                    tracing::warn!(broker = %settings.dial.url, "the broker cannot be reached, trying again: {error}");
                }
                tokio::time::sleep(backoff.wait()).await;
            }
            ended => return ended,
        }
    }
}

async fn consume(
    settings: &AmqpSettings,
    topology: &Topology,
    consuming: Consuming,
    mut phase: watch::Receiver<Phase>,
    seed: u64,
) {
    // Nobody may ever want deliveries: who only publishes has no connection to consume.
    let wanted = async {
        let calls = consuming.feeds.iter().map(|feed| Box::pin(feed.called.notified()));
        if !consuming.feeds.iter().any(|feed| feed.is_wanted()) && !consuming.feeds.is_empty() {
            futures::future::select_all(calls).await;
        }
    };
    tokio::select! {
        () = wanted => {}
        _ = phase.wait_for(|phase| *phase > Phase::Open) => return,
    }
    let mut backoff = Backoff::new(seed);
    loop {
        let (began, phase) = (Instant::now(), phase.clone());
        let over = async {
            let link = Link::open(&settings.dial, "consuming").await?;
            topology.declare(&link).await?;
            let ended = consuming.over(&link).await;
            if ended.is_ok() {
                link.close().await;
            }
            ended
        };
        match over.await {
            Ok(()) => return,
            Err(error) => say(settings, "consuming", &error),
        }
        if *phase.borrow() > Phase::Open {
            return; // what was in hand goes back with the connection
        }
        pause(&mut backoff, consuming.was_of_use(), began).await;
    }
}

async fn publish(
    settings: &AmqpSettings,
    topology: &Topology,
    mut publishing: Publishing,
    phase: watch::Receiver<Phase>,
    weather: watch::Sender<Weather>,
    first: Link,
    seed: u64,
) {
    let mut backoff = Backoff::new(seed);
    let mut first = Some(first);
    loop {
        let (began, first) = (Instant::now(), first.take());
        let over = async {
            let link = match first {
                Some(link) => link,
                None => {
                    let link = Link::open(&settings.dial, "publishing").await?;
                    topology.declare(&link).await?;
                    link
                }
            };
            weather.send_replace(Weather::Fair);
            let ended = publishing.over(&link).await;
            if ended.is_ok() {
                link.close().await;
            }
            ended
        };
        match over.await {
            Ok(()) => break,
            Err(error) => {
                weather.send_replace(Weather::Away(error.to_string()));
                say(settings, "publishing", &error);
            }
        }
        if *phase.borrow() == Phase::Closed {
            break;
        }
        pause(&mut backoff, publishing.was_of_use(), began).await;
    }
    publishing.give_up();
}

fn say(settings: &AmqpSettings, what: &str, error: &LinkError) {
    let broker = &settings.dial.url;
    match error.is_final() {
        true => tracing::error!(%broker, "{what} stopped, and is tried again: {error}"),
        false => tracing::warn!(%broker, "{what} was interrupted, and is tried again: {error}"),
    }
}

/// Waits before the next connection: hardly at all after one that held, or that was of use however soon it broke.
fn pause(backoff: &mut Backoff, was_of_use: bool, began: Instant) -> impl Future<Output = ()> + use<> {
    if was_of_use || began.elapsed() > Duration::from_secs(10) {
        backoff.reset();
    }
    tokio::time::sleep(backoff.wait())
}
