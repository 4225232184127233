//! The thread on which the connections live: started with the handle, ended when both loops have ended.

use std::{cell::Cell, sync::Arc, time::Duration};

use euterpe_actors::blocking_threads;
use futures::future::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};

use super::backoff::Backoff;
use super::batch::Batch;
use super::consuming::Consuming;
use super::error::ConnectionError;
use super::loops;
use super::names::Names;
use super::notifier::Notifier;
use super::outage::{Link, Outage};
use super::prefetch::PrefetchBuffer;
use super::publishing::Publishing;
use super::reports::Report;
use super::settings::AmqpSettings;
use super::state::{ConnectionState, Phase};
use super::version::Version;

/// How long closing may take: the last acknowledgements and confirms.
const CLOSING: Duration = Duration::from_millis(1500);

/// What the thread is started with. `ready` is answered once the broker was reached, or never will be.
pub(super) struct Start {
    pub settings: AmqpSettings,
    pub patience: Duration,
    pub buffers: Vec<Arc<PrefetchBuffer>>,
    pub outbox: mpsc::UnboundedSender<Batch>,
    pub batches: mpsc::UnboundedReceiver<Batch>,
    pub reports: mpsc::Receiver<Report>,
    pub phase: watch::Receiver<Phase>,
    pub notifier: Notifier,
    /// Kept true for as long as no connection is lost.
    pub link: Arc<Link>,
    pub ready: oneshot::Sender<Result<Version, ConnectionError>>,
}

/// The running thread.
pub(super) struct Thread {
    ended: watch::Receiver<bool>,
}

impl Thread {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system gives no thread or no runtime.
    pub fn start(start: Start) -> std::io::Result<Self> {
        let runtime = blocking_threads::runtime()?;
        let (over, ended) = watch::channel(false);
        std::thread::Builder::new().name("euterpe-amqp".into()).spawn(move || {
            runtime.block_on(live(start));
            // The library's background tasks end with the runtime.
            runtime.shutdown_timeout(Duration::from_millis(200));
            over.send_replace(true);
        })?;
        Ok(Self { ended })
    }

    /// Waits until the thread has ended.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        // An error means that the thread is gone, which is what is waited for.
        match ended.wait_for(|ended| *ended).await {
            Ok(_) | Err(_) => {}
        }
    }
}

async fn live(start: Start) {
    let Start { settings, patience, buffers, outbox, batches, reports, phase, notifier, link, ready } = start;
    let seed = xxhash_rust::xxh3::xxh3_64(format!("{}{:p}", std::process::id(), &settings).as_bytes());
    let (version, topology, connection) = match loops::reach(&settings, patience, &mut Backoff::new(seed)).await {
        Ok(reached) => reached,
        Err(error) => {
            // The caller may have given up; then nobody needs the answer.
            ready.send(Err(error)).unwrap_or_default();
            return;
        }
    };
    ready.send(Ok(version)).unwrap_or_default();
    let names = Names::of(&settings.graph);
    let (state, watching) = watch::channel(ConnectionState::Open);
    let consuming = Consuming {
        topology: topology.clone(),
        buffers,
        phase: phase.clone(),
        state: watching,
        notifier: notifier.clone(),
        outbox,
        delivered: Cell::new(false),
    };
    let publishing = Publishing::new(names, topology.clone(), batches, reports, phase.clone(), state.clone(), notifier);
    let (end, consuming_phase) = (closing(phase.clone()), phase.clone());
    let outage = Outage::told_to(link);
    // Each loop is polled when it was woken, not whenever the other one was.
    let mut both = FuturesUnordered::from_iter([
        loops::consume(&settings.connection, &topology, consuming, consuming_phase, &outage, seed).boxed_local(),
        loops::publish(&settings.connection, &topology, publishing, (phase, state), connection, &outage, !seed)
            .boxed_local(),
    ]);
    let work = async { while both.next().await.is_some() {} };
    tokio::select! {
        () = work => {}
        () = end => tracing::warn!("the broker was left before it answered; what was in hand goes back to its queue"),
    }
}

/// Waits until everything is to end, and [`CLOSING`] longer, whatever the broker still has to answer.
async fn closing(mut phase: watch::Receiver<Phase>) {
    // An error means that the adapter is gone, which is as good.
    match phase.wait_for(|phase| *phase == Phase::Closed).await {
        Ok(_) | Err(_) => {}
    }
    tokio::time::sleep(CLOSING).await;
}
