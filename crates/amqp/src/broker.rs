//! The handle of the adapter: what a node calls.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use euterpe_actors::broker::{Broker, BrokerError, Outgoing, Subscription};
use euterpe_actors::ids::JobName;
use tokio::sync::{mpsc, oneshot, watch};

use super::batch::Batch;
use super::dead_letters::DeadLetterConsumer;
use super::error::ConnectionError;
use super::names::Names;
use super::notifier::Notifier;
use super::outage::Link;
use super::prefetch::{PrefetchBuffer, Reader};
use super::reports::{self, Report};
use super::settings::{AmqpSettings, QueueSettings};
use super::state::Phase;
use super::thread::{Start, Thread};
use super::topology::Topology;
use super::version::{self, Version};

/// How many dead letters of the broker may be in hand at once.
const DEAD_LETTERS_IN_HAND: u16 = 10;

/// A graph's queues on a RabbitMQ.
pub struct Amqp {
    buffers: HashMap<JobName, Arc<PrefetchBuffer>>,
    dead_letters: Arc<PrefetchBuffer>,
    outbox: mpsc::UnboundedSender<Batch>,
    reports: mpsc::Sender<Report>,
    phase: watch::Sender<Phase>,
    version: Version,
    /// How long one try of each job may take.
    timeouts: Vec<(JobName, Duration)>,
    /// How long a broker before 3.12 lets a delivery be unsettled.
    consumer_timeout: Duration,
    link: Arc<Link>,
    thread: Thread,
}

impl Amqp {
    /// Reaches the broker, declares the exchanges and queues of the graph, and keeps up the connections from then on.
    ///
    /// While the broker cannot be reached it is tried again, for `patience`. Call this on the runtime on which the workers
    /// run: they are woken from a task of that runtime, which must live as long as this value.
    ///
    /// # Errors
    /// [`ConnectionError`]: the broker was not reached in that time, it refused or is too old, or it has an exchange or queue
    /// of the same name with other settings.
    pub async fn open(settings: AmqpSettings, patience: Duration) -> Result<Self, ConnectionError> {
        let names = Names::of(&settings.graph);
        let buffer =
            |queue: &QueueSettings| (queue.job.clone(), PrefetchBuffer::new(names.queue(&queue.job), queue.prefetch));
        let buffers: HashMap<JobName, Arc<PrefetchBuffer>> = settings.queues.iter().map(buffer).collect();
        let dead_letters = PrefetchBuffer::new(names.dead_letters(), DEAD_LETTERS_IN_HAND);
        let (outbox, batches) = mpsc::unbounded_channel();
        let (reports, waiting_reports) = mpsc::channel(reports::WAITING);
        let (phase, phases) = watch::channel(Phase::Open);
        let (ready, opened) = oneshot::channel();
        let timeouts = settings.queues.iter().map(|queue| (queue.job.clone(), queue.timeout)).collect();
        let consumer_timeout = settings.consumer_timeout;
        let link = Link::new();
        let start = Start {
            link: link.clone(),
            buffers: buffers.values().chain([&dead_letters]).cloned().collect(),
            settings,
            patience,
            outbox: outbox.clone(),
            batches,
            reports: waiting_reports,
            phase: phases,
            notifier: Notifier::to_this_runtime(),
            ready,
        };
        let thread = Thread::start(start).map_err(|error| ConnectionError::Broken(error.to_string()))?;
        let version = opened.await.map_err(|_| ConnectionError::Broken("its thread is gone".into()))??;
        Ok(Self { buffers, dead_letters, outbox, reports, phase, version, timeouts, consumer_timeout, link, thread })
    }

    /// Asks the broker for its version and whether it can serve the graph; changes nothing.
    ///
    /// # Errors
    /// [`ConnectionError`]: the broker was not reached, or is too old.
    pub async fn ask(settings: &AmqpSettings) -> Result<Version, ConnectionError> {
        let version = version::ask(&settings.connection).await?;
        Topology::of(settings, &version)?;
        Ok(version)
    }

    /// The product and version that the broker states.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Whether no connection to the broker is lost.
    pub fn is_connected(&self) -> bool {
        self.link.is_connected()
    }

    /// How often the broker went away since this handle was opened.
    pub fn outages(&self) -> u64 {
        self.link.outages()
    }

    /// How many messages of a job are here and in no worker's hands.
    pub fn prefetched(&self, job: &JobName) -> usize {
        self.buffers.get(job).map_or(0, |buffer| buffer.len())
    }

    /// For how many seconds the newest delivery of a job had waited in its queue, by the publisher's clock; 0 while nothing
    /// waits. For display only.
    pub fn waited(&self, job: &JobName) -> u64 {
        self.buffers.get(job).map_or(0, |buffer| buffer.waited())
    }

    /// Publishes a report to all listeners, without a confirm. `false` where it is lost already, because too many wait.
    pub fn report(&self, report: Report) -> bool {
        self.reports.try_send(report).is_ok()
    }

    /// A consumer of the messages that the broker itself gave up on.
    pub fn dead_letters(&self) -> DeadLetterConsumer {
        self.dead_letters.want();
        DeadLetterConsumer::new(Reader::of(self.dead_letters.clone()))
    }

    /// Takes no more deliveries; those that no worker has in hand go back to their queues.
    pub fn stop_taking(&self) {
        self.phase.send_if_modified(|phase| {
            let earlier = *phase < Phase::Settling;
            if earlier {
                *phase = Phase::Settling;
            }
            earlier
        });
    }

    /// Sends the broker all acknowledgements that are due, then closes the connections.
    pub async fn close(&self) {
        self.end();
        self.thread.ended().await;
    }

    fn end(&self) {
        self.phase.send_replace(Phase::Closed);
        self.buffers.values().chain([&self.dead_letters]).for_each(|buffer| buffer.close());
    }
}

#[async_trait]
impl Broker for Amqp {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        if let Some(lost) = messages.iter().find(|message| !self.buffers.contains_key(&message.job)) {
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
        match self.buffers.get(job) {
            Some(buffer) => {
                buffer.want();
                Ok(Box::new(Reader::of(buffer.clone())))
            }
            None => Err(BrokerError::NoQueue(job.clone())),
        }
    }

    fn longest_in_hand(&self, job: &JobName) -> Option<Duration> {
        let (_, timeout) = self.timeouts.iter().find(|(queue, _)| queue == job)?;
        Some(self.version.consumer_timeout(*timeout).unwrap_or(self.consumer_timeout))
    }
}

impl Drop for Amqp {
    fn drop(&mut self) {
        self.end();
    }
}
