//! The deliveries of one job on their way from its channel to whichever worker is free.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use euterpe_actors::broker::{BodyFormat, Delivery, Subscription, Ticket};
use tokio::sync::{Notify, mpsc};

/// The way of one queue's deliveries.
pub(super) struct Feed {
    /// The queue.
    pub queue: String,
    /// How many may be in hand at once.
    pub prefetch: u16,
    ready: Mutex<VecDeque<Arrived>>,
    arrived: Notify,
    /// Whether news of deliveries is on its way to the workers.
    announced: AtomicBool,
    wanted: AtomicBool,
    /// Told when somebody wants deliveries for the first time.
    pub called: Notify,
    /// No deliveries are handed out: the broker is blocked, and what they lead to could not be published.
    held: AtomicBool,
    closed: AtomicBool,
    /// For how many seconds the last delivery had waited.
    waited: AtomicU64,
}

/// One delivery as it came.
pub(super) struct Arrived {
    /// What it was published with: the job.
    pub key: String,
    pub body: Bytes,
    pub format: BodyFormat,
    pub parks: u32,
    pub redelivered: bool,
    pub tag: u64,
    pub channel: Arc<Incarnation>,
}

/// One channel's life: what it delivered can only be settled on it.
#[derive(Debug)]
pub(super) struct Incarnation {
    alive: AtomicBool,
    settled: mpsc::UnboundedSender<Settle>,
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settle {
    Ack(u64),
    GiveBack(u64),
}

impl Incarnation {
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Settle>) {
        let (settled, settles) = mpsc::unbounded_channel();
        (Arc::new(Self { alive: AtomicBool::new(true), settled }), settles)
    }

    pub fn end(&self) {
        self.alive.store(false, Ordering::Release);
    }

    fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// Void where the channel is gone: the broker has taken the delivery back.
    fn settle(&self, settle: Settle) {
        if !self.is_alive() || self.settled.send(settle).is_err() {
            tracing::debug!(?settle, "its channel is gone; the broker delivers it again");
        }
    }
}

impl Feed {
    pub fn new(queue: String, prefetch: u16) -> Arc<Self> {
        Arc::new(Self {
            queue,
            prefetch: prefetch.max(1),
            ready: Mutex::default(),
            arrived: Notify::new(),
            announced: AtomicBool::new(false),
            wanted: AtomicBool::new(false),
            called: Notify::new(),
            held: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            waited: AtomicU64::new(0),
        })
    }

    fn ready(&self) -> MutexGuard<'_, VecDeque<Arrived>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody wants deliveries.
    pub fn want(&self) {
        self.wanted.store(true, Ordering::Release);
        self.called.notify_one();
    }

    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// For how many seconds the last delivery had waited; none while nothing comes.
    pub fn waited(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }

    /// Nothing waits.
    pub fn is_idle(&self) {
        self.waited.store(0, Ordering::Relaxed);
    }

    /// A delivery came that had waited for so many seconds. Whether the workers are to be told: they are not if news of
    /// an earlier one is on its way.
    #[must_use]
    pub fn push(&self, arrived: Arrived, waited: u64) -> bool {
        self.waited.store(waited, Ordering::Relaxed);
        self.ready().push_back(arrived);
        !self.announced.swap(true, Ordering::AcqRel)
    }

    /// Deliveries came: one worker takes the first, and tells the next one if there are more.
    pub fn announce(&self) {
        self.announced.store(false, Ordering::Release);
        self.arrived.notify_one();
    }

    /// What nobody took yet, of a channel that ends or takes no more.
    pub fn take_back(&self) -> Vec<u64> {
        self.ready().drain(..).map(|arrived| arrived.tag).collect()
    }

    /// Hands out nothing, or goes on.
    pub fn hold(&self, held: bool) {
        if self.held.swap(held, Ordering::AcqRel) && !held {
            self.arrived.notify_waiters();
        }
    }

    /// Hands out no more for good.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.arrived.notify_waiters();
    }

    fn take(&self) -> Option<Arrived> {
        let mut ready = self.ready();
        loop {
            let arrived = ready.pop_front()?;
            if arrived.channel.is_alive() {
                if !ready.is_empty() {
                    self.arrived.notify_one();
                }
                return Some(arrived);
            }
        }
    }
}

/// A worker's end of a feed.
pub(super) struct Consumer(Arc<Feed>);

impl Consumer {
    pub fn of(feed: Arc<Feed>) -> Self {
        Self(feed)
    }
}

impl Consumer {
    /// The next delivery with the key that it was published with; none when the adapter is closed.
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
                Some(Arrived { key, body, format, parks, redelivered, tag, channel }) => {
                    let ticket = Box::new(Held { channel, tag });
                    return Some((key, Delivery::new(body, format, parks, redelivered, ticket)));
                }
                None => arrived.await,
            }
        }
    }
}

#[async_trait]
impl Subscription for Consumer {
    async fn next(&mut self) -> Option<Delivery> {
        self.next_with_key().await.map(|(_, delivery)| delivery)
    }
}

struct Held {
    channel: Arc<Incarnation>,
    tag: u64,
}

impl Ticket for Held {
    fn ack(self: Box<Self>) {
        self.channel.settle(Settle::Ack(self.tag));
    }

    fn give_back(self: Box<Self>) {
        self.channel.settle(Settle::GiveBack(self.tag));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn feed() -> Arc<Feed> {
        Feed::new("euterpe.test.job.mel".into(), 4)
    }

    fn arrived(tag: u64, channel: &Arc<Incarnation>) -> Arrived {
        let body = Bytes::from(format!("t-{tag}"));
        let key = "mel".into();
        Arrived { key, body, format: BodyFormat::Envelope, parks: 0, redelivered: false, tag, channel: channel.clone() }
    }

    fn push(feed: &Feed, tag: u64, channel: &Arc<Incarnation>) {
        if feed.push(arrived(tag, channel), 0) {
            feed.announce();
        }
    }

    #[tokio::test]
    async fn a_tag_of_an_old_channel_is_void_on_the_new_one() {
        let feed = feed();
        let mut worker = Consumer::of(feed.clone());
        let (old, mut old_settles) = Incarnation::new();
        push(&feed, 1, &old);
        push(&feed, 2, &old);
        let held = worker.next().await.expect("delivered");
        old.end();
        let (new, mut new_settles) = Incarnation::new();
        push(&feed, 1, &new);
        let again = worker.next().await.expect("delivered");
        assert_eq!(&*again.body, b"t-1", "a delivery of a channel that is gone was handed out");
        held.ack();
        assert!(old_settles.try_recv().is_err() && new_settles.try_recv().is_err(), "a void tag was settled");
        again.ack();
        assert_eq!(new_settles.try_recv(), Ok(Settle::Ack(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_handed_out_while_it_is_held() {
        let feed = feed();
        let (channel, _settles) = Incarnation::new();
        feed.hold(true);
        push(&feed, 1, &channel);
        let mut worker = Consumer::of(feed.clone());
        assert!(tokio::time::timeout(Duration::from_secs(9), worker.next()).await.is_err());
        feed.hold(false);
        assert!(worker.next().await.is_some());
    }
}
