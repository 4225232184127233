//! The deliveries of one queue that were prefetched and wait for a free worker.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use euterpe_actors::broker::{BodyFormat, Delivery, Subscription};
use tokio::sync::Notify;

use super::epoch::{ChannelEpoch, ChannelTicket};

/// Deliveries between the channel that consumes a queue and the workers of its job.
pub(super) struct PrefetchBuffer {
    /// The name of the queue.
    pub queue: String,
    /// How many deliveries may be in hand at once.
    pub prefetch: u16,
    ready: Mutex<VecDeque<Prefetched>>,
    arrived: Notify,
    /// Whether a notice of deliveries is on its way to the workers.
    announced: AtomicBool,
    wanted: AtomicBool,
    /// Notified when a worker wants deliveries for the first time.
    pub wanted_first: Notify,
    /// Whether no deliveries are handed out for now: the broker is blocked, so their children could not be published.
    held: AtomicBool,
    closed: AtomicBool,
    /// For how many seconds the newest delivery had waited in the queue.
    waited: AtomicU64,
}

/// One delivery as it came.
pub(super) struct Prefetched {
    /// The routing key that it was published with: the job.
    pub key: String,
    pub body: Bytes,
    pub format: BodyFormat,
    pub parks: u32,
    pub redelivered: bool,
    pub tag: u64,
    pub epoch: Arc<ChannelEpoch>,
}

impl PrefetchBuffer {
    pub fn new(queue: String, prefetch: u16) -> Arc<Self> {
        Arc::new(Self {
            queue,
            prefetch: prefetch.max(1),
            ready: Mutex::default(),
            arrived: Notify::new(),
            announced: AtomicBool::new(false),
            wanted: AtomicBool::new(false),
            wanted_first: Notify::new(),
            held: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            waited: AtomicU64::new(0),
        })
    }

    fn ready(&self) -> MutexGuard<'_, VecDeque<Prefetched>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for deliveries: from now on the queue is consumed.
    pub fn want(&self) {
        self.wanted.store(true, Ordering::Release);
        self.wanted_first.notify_one();
    }

    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// For how many seconds the newest delivery had waited in the queue; 0 while nothing waits there.
    pub fn waited(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }

    /// Takes note that nothing waits in the queue.
    pub fn set_idle(&self) {
        self.waited.store(0, Ordering::Relaxed);
    }

    /// Adds a delivery that had waited for `waited` seconds. Returns whether the workers are to be notified: not where a
    /// notice of an earlier delivery is still on its way.
    #[must_use]
    pub fn push(&self, delivery: Prefetched, waited: u64) -> bool {
        self.waited.store(waited, Ordering::Relaxed);
        self.ready().push_back(delivery);
        !self.announced.swap(true, Ordering::AcqRel)
    }

    /// Wakes one reader. It takes the first delivery, and wakes the next reader if there are more.
    pub fn wake_reader(&self) {
        self.announced.store(false, Ordering::Release);
        self.arrived.notify_one();
    }

    /// Empties the buffer of a channel that ends or stops; returns the tags of what no worker took.
    pub fn take_back(&self) -> Vec<u64> {
        self.ready().drain(..).map(|delivery| delivery.tag).collect()
    }

    /// Stops handing out deliveries for now, or goes on.
    pub fn hold(&self, held: bool) {
        if self.held.swap(held, Ordering::AcqRel) && !held {
            self.arrived.notify_waiters();
        }
    }

    /// Stops handing out deliveries for good.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.arrived.notify_waiters();
    }

    /// The first delivery whose channel is still alive.
    fn take(&self) -> Option<Prefetched> {
        let mut ready = self.ready();
        loop {
            let delivery = ready.pop_front()?;
            if delivery.epoch.is_alive() {
                if !ready.is_empty() {
                    self.arrived.notify_one();
                }
                return Some(delivery);
            }
        }
    }
}

/// A worker's end of a buffer.
pub(super) struct Reader(Arc<PrefetchBuffer>);

impl Reader {
    pub fn of(buffer: Arc<PrefetchBuffer>) -> Self {
        Self(buffer)
    }

    /// The next delivery with the routing key that it was published with; `None` when the adapter is closed.
    pub async fn next_with_key(&mut self) -> Option<(String, Delivery)> {
        loop {
            let arrived = self.0.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if self.0.closed.load(Ordering::Acquire) {
                return None;
            }
            let taken = if self.0.held.load(Ordering::Acquire) { None } else { self.0.take() };
            match taken {
                Some(Prefetched { key, body, format, parks, redelivered, tag, epoch }) => {
                    let ticket = Box::new(ChannelTicket { epoch, tag });
                    return Some((key, Delivery::new(body, format, parks, redelivered, ticket)));
                }
                None => arrived.await,
            }
        }
    }
}

#[async_trait]
impl Subscription for Reader {
    async fn next(&mut self) -> Option<Delivery> {
        self.next_with_key().await.map(|(_, delivery)| delivery)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::epoch::Settle;

    fn buffer() -> Arc<PrefetchBuffer> {
        PrefetchBuffer::new("euterpe.test.job.mel".into(), 4)
    }

    fn delivery(tag: u64, epoch: &Arc<ChannelEpoch>) -> Prefetched {
        let body = Bytes::from(format!("t-{tag}"));
        let key = "mel".into();
        Prefetched { key, body, format: BodyFormat::Envelope, parks: 0, redelivered: false, tag, epoch: epoch.clone() }
    }

    fn push(buffer: &PrefetchBuffer, tag: u64, epoch: &Arc<ChannelEpoch>) {
        if buffer.push(delivery(tag, epoch), 0) {
            buffer.wake_reader();
        }
    }

    #[tokio::test]
    async fn a_tag_of_an_old_channel_is_void_on_the_new_one() {
        let buffer = buffer();
        let mut worker = Reader::of(buffer.clone());
        let (old, mut old_settles) = ChannelEpoch::new();
        push(&buffer, 1, &old);
        push(&buffer, 2, &old);
        let held = worker.next().await.expect("delivered");
        old.end();
        let (new, mut new_settles) = ChannelEpoch::new();
        push(&buffer, 1, &new);
        let again = worker.next().await.expect("delivered");
        assert_eq!(&*again.body, b"t-1", "a delivery of a channel that is gone was handed out");
        held.ack();
        assert!(old_settles.try_recv().is_err() && new_settles.try_recv().is_err(), "a void tag was settled");
        again.ack();
        assert_eq!(new_settles.try_recv(), Ok(Settle::Ack(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_handed_out_while_it_is_held() {
        let buffer = buffer();
        let (epoch, _settles) = ChannelEpoch::new();
        buffer.hold(true);
        push(&buffer, 1, &epoch);
        let mut worker = Reader::of(buffer.clone());
        assert!(tokio::time::timeout(Duration::from_secs(9), worker.next()).await.is_err());
        buffer.hold(false);
        assert!(worker.next().await.is_some());
    }
}
