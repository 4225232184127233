//! RabbitMQ as a broker: quorum queues, publisher confirms, and connections that are made anew whenever they break.
//!
//! ```text
//! workers ──publish──▶ outbox ──▶ publishing: one connection, many unconfirmed at once ──▶ exchange
//!    ▲                                                                                        │
//!    └──next── feed (one for each job) ◀── consuming: another connection, a channel a job ◀── queue
//! ```
//!
//! All of it lives on a thread of its own, so that no transform can keep a heartbeat from being sent. The client
//! library's own recovery is not used: what breaks is closed, and a new connection declares, consumes and publishes
//! again what was not confirmed. A delivery knows the channel that it came from; when that is gone its settling is void,
//! for the broker delivers it again.

mod acks;
mod backoff;
mod consuming;
mod depths;
mod feed;
mod link;
mod message;
mod names;
mod porter;
mod publishing;
mod refusal;
mod reports;
mod settings;
mod thread;
mod topology;
mod url;
mod version;

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use euterpe_actors::broker::{Broker, BrokerError, Delivery, Outgoing, Subscription};
use euterpe_actors::ids::JobName;
use tokio::sync::{mpsc, oneshot, watch};

pub use depths::Depths;
pub use link::LinkError;
pub use names::Names;
pub use reports::{Heard, Report, listen};
pub use settings::{AmqpSettings, Dial, Identity, QueueSettings, USUAL_CONSUMER_TIMEOUT};
pub use url::{BadUrl, BrokerUrl};
pub use version::Version;

use feed::{Consumer, Feed};
use porter::Porter;
use publishing::Batch;
use thread::Thread;

/// How the connections are, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Weather {
    /// All is well.
    Fair,
    /// The broker takes no messages for now: it is short of memory or disk. What is in hand waits.
    Blocked,
    /// Not connected, with why; tried again and again.
    Away(String),
}

/// How far the adapter is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Taking and publishing.
    Open,
    /// Taking no more; what is in hand may still be settled.
    Settling,
    /// Closing.
    Closed,
}

/// A graph's queues on a RabbitMQ.
pub struct Amqp {
    feeds: HashMap<JobName, Arc<Feed>>,
    blown: Arc<Feed>,
    outbox: mpsc::UnboundedSender<Batch>,
    reports: mpsc::Sender<Report>,
    phase: watch::Sender<Phase>,
    weather: watch::Receiver<Weather>,
    version: Version,
    thread: Thread,
}

impl Amqp {
    /// Reaches the broker, declares what the graph needs, and keeps up the connections from then on.
    ///
    /// For `patience` it is tried again where the broker cannot be reached. Whoever uses it is best on the runtime that
    /// this is called on, which must live for as long: deliveries and confirms are told of there.
    ///
    /// # Errors
    /// [`LinkError`]: not reached in that time, refused, too old, or something of the same name with other settings.
    pub async fn open(settings: AmqpSettings, patience: Duration) -> Result<Self, LinkError> {
        let names = Names::of(&settings.graph);
        let feed = |queue: &QueueSettings| (queue.job.clone(), Feed::new(names.queue(&queue.job), queue.prefetch));
        let feeds: HashMap<JobName, Arc<Feed>> = settings.queues.iter().map(feed).collect();
        let blown = Feed::new(names.fuse(), 10);
        let (outbox, batches) = mpsc::unbounded_channel();
        let (reports, waiting_reports) = mpsc::channel(reports::WAITING);
        let (phase, phases) = watch::channel(Phase::Open);
        let (weather_sender, weather) = watch::channel(Weather::Fair);
        let (ready, opened) = oneshot::channel();
        let start = thread::Start {
            feeds: feeds.values().chain([&blown]).cloned().collect(),
            settings,
            patience,
            batches,
            reports: waiting_reports,
            phase: phases,
            weather: weather_sender,
            porter: Porter::to_here(),
            ready,
        };
        let thread = Thread::start(start).map_err(|error| LinkError::Broken(error.to_string()))?;
        let version = opened.await.map_err(|_| LinkError::Broken("its thread is gone".into()))??;
        Ok(Self { feeds, blown, outbox, reports, phase, weather, version, thread })
    }

    /// Asks the broker who it is, and whether it can serve a graph; changes nothing.
    ///
    /// # Errors
    /// [`LinkError`]: not reached, or too old.
    pub async fn ask(settings: &AmqpSettings) -> Result<Version, LinkError> {
        let version = version::ask(&settings.dial).await?;
        topology::Topology::of(settings, &version)?;
        Ok(version)
    }

    /// What the broker says that it is.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// How the connections are; changes as they do.
    pub fn weather(&self) -> watch::Receiver<Weather> {
        self.weather.clone()
    }

    /// For how many seconds the message of a job that came last had waited in its queue, by the publisher's clock; for
    /// people.
    pub fn waited(&self, job: &JobName) -> u64 {
        self.feeds.get(job).map_or(0, |feed| feed.waited())
    }

    /// Tells whoever listens. Kept nowhere: false where it is lost already, for too many wait.
    pub fn report(&self, report: Report) -> bool {
        self.reports.try_send(report).is_ok()
    }

    /// A consumer of what the broker itself gave up on, with the job that each was for.
    pub fn blown(&self) -> Blown {
        self.blown.want();
        Blown(Consumer::of(self.blown.clone()))
    }

    /// Takes no more deliveries; those that nobody has in hand go back to their queues.
    pub fn stop_taking(&self) {
        self.phase.send_if_modified(|phase| {
            let earlier = *phase < Phase::Settling;
            if earlier {
                *phase = Phase::Settling;
            }
            earlier
        });
    }

    /// Tells the broker all that was settled, then closes the connections.
    pub async fn close(&self) {
        self.phase.send_replace(Phase::Closed);
        self.feeds.values().chain([&self.blown]).for_each(|feed| feed.close());
        self.thread.ended().await;
    }
}

/// A consumer of what the broker itself gave up on.
pub struct Blown(Consumer);

impl Blown {
    /// The next one, with the job that it was for; none when the adapter is closed.
    pub async fn next(&mut self) -> Option<(String, Delivery)> {
        self.0.next_with_key().await
    }
}

#[async_trait]
impl Broker for Amqp {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        if let Some(lost) = messages.iter().find(|message| !self.feeds.contains_key(&message.job)) {
            return Err(BrokerError::NoQueue(lost.job.clone()));
        }
        if messages.is_empty() {
            return Ok(());
        }
        let (done, confirmed) = oneshot::channel();
        self.outbox.send(Batch { messages, done }).map_err(|_| BrokerError::Closed)?;
        confirmed.await.map_err(|_| BrokerError::Closed)?
    }

    fn subscribe(&self, job: &JobName) -> Result<Box<dyn Subscription>, BrokerError> {
        match self.feeds.get(job) {
            Some(feed) => {
                feed.want();
                Ok(Box::new(Consumer::of(feed.clone())))
            }
            None => Err(BrokerError::NoQueue(job.clone())),
        }
    }
}

impl Drop for Amqp {
    fn drop(&mut self) {
        self.phase.send_replace(Phase::Closed);
        self.feeds.values().chain([&self.blown]).for_each(|feed| feed.close());
    }
}
