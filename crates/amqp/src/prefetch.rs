//! The deliveries of one queue that were prefetched and wait for a free worker.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use euterpe_actors::broker::{BodyFormat, Delivery};
use euterpe_actors::trace::TraceContext;
use tokio::sync::{Notify, oneshot};

use super::epoch::{ChannelEpoch, ChannelTicket};

mod reader;

pub(super) use reader::Reader;

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
    /// How many workers want nothing to be held ready for them.
    resting: AtomicUsize,
    asks: Mutex<VecDeque<Ask>>,
    /// Notified when workers rest or go on, and when one asks.
    pub changed: Notify,
}

/// A worker that asks for one delivery now, if the queue has one.
pub(super) type Ask = oneshot::Sender<Option<Answer>>;

/// A delivery on its way to the worker that asked for it. If that one waits no more, it is ready for others, and does not
/// count as delivered to anybody.
pub(super) struct Answer {
    delivery: Option<Prefetched>,
    buffer: Arc<PrefetchBuffer>,
}

impl Answer {
    pub fn of(delivery: Prefetched, buffer: &Arc<PrefetchBuffer>) -> Self {
        Self { delivery: Some(delivery), buffer: buffer.clone() }
    }

    fn take(mut self) -> Option<(String, Delivery)> {
        self.delivery.take().map(Prefetched::into_delivery)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(delivery) = self.delivery.take() {
            self.buffer.ready().push_front(delivery);
            self.buffer.arrived.notify_one();
            self.buffer.changed.notify_one();
        }
    }
}

/// One delivery as it came.
pub(super) struct Prefetched {
    /// The routing key that it was published with: the job.
    pub key: String,
    pub body: Bytes,
    pub format: BodyFormat,
    pub parks: u32,
    pub redelivered: bool,
    pub trace: Option<TraceContext>,
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
            resting: AtomicUsize::new(0),
            asks: Mutex::default(),
            changed: Notify::new(),
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

    /// How many deliveries no worker took yet.
    pub fn len(&self) -> usize {
        self.ready().len()
    }

    /// Empties the buffer of a channel that ends or stops; returns what no worker took. What an earlier channel delivered is
    /// in its queue again already, and its tag means nothing now.
    pub fn take_back(&self) -> Vec<Prefetched> {
        self.ready().drain(..).filter(|delivery| delivery.epoch.is_alive()).collect()
    }

    /// Whether any worker wants nothing to be held ready: then what others want is fetched one by one.
    pub fn is_at_rest(&self) -> bool {
        self.resting.load(Ordering::Acquire) > 0
    }

    /// The next worker that asks for a delivery.
    pub fn next_ask(&self) -> Option<Ask> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
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
    pub fn take(&self) -> Option<Prefetched> {
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

impl Prefetched {
    /// The routing key and the delivery for a worker.
    pub fn into_delivery(self) -> (String, Delivery) {
        let Prefetched { key, body, format, parks, redelivered, trace, tag, epoch } = self;
        let ticket = Box::new(ChannelTicket { epoch, tag });
        (key, Delivery::new(body, format, parks, redelivered, ticket).caused_by(trace))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use euterpe_actors::broker::Subscription;

    use super::*;
    use crate::epoch::Settle;

    fn buffer() -> Arc<PrefetchBuffer> {
        PrefetchBuffer::new("euterpe.test.job.mel".into(), 4)
    }

    fn delivery(tag: u64, epoch: &Arc<ChannelEpoch>) -> Prefetched {
        let body = Bytes::from(format!("t-{tag}"));
        let (key, format, epoch) = ("mel".into(), BodyFormat::Envelope, epoch.clone());
        Prefetched { key, body, format, parks: 0, redelivered: false, trace: None, tag, epoch }
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

    #[tokio::test(start_paused = true)]
    async fn who_rests_asks_for_one_delivery_and_what_comes_too_late_is_ready_for_others() {
        let buffer = buffer();
        let mut worker = Reader::of(buffer.clone());
        worker.rest();
        assert!(buffer.is_at_rest());
        let (epoch, mut settles) = ChannelEpoch::new();
        let answering = async {
            let ask = buffer.next_ask().expect("it asked");
            assert!(ask.send(Some(Answer::of(delivery(1, &epoch), &buffer))).is_ok(), "nobody waits");
        };
        let (got, ()) = tokio::join!(worker.try_next(), answering);
        got.expect("delivered").ack();
        assert_eq!(settles.try_recv(), Ok(Settle::Ack(1)));
        assert!(worker.try_next().await.is_none(), "nobody answered");
        let late = buffer.next_ask().expect("it asked");
        drop(late.send(Some(Answer::of(delivery(2, &epoch), &buffer))));
        assert!(settles.try_recv().is_err(), "it counts as delivered");
        let next = worker.next().await.expect("it is ready");
        assert_eq!((&*next.body, next.redelivered), (&b"t-2"[..], false));
        drop(worker);
        assert!(!buffer.is_at_rest());
    }
    #[tokio::test(start_paused = true)]
    async fn who_waits_asks_as_soon_as_another_one_rests() {
        let buffer = buffer();
        let (mut idle, mut resting) = (Reader::of(buffer.clone()), Reader::of(buffer.clone()));
        let waiting = idle.next();
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(buffer.next_ask().is_none(), "nobody rests yet");
        resting.rest();
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(buffer.next_ask().is_some(), "it sleeps beside a queue that nobody consumes");
    }

    #[tokio::test]
    async fn what_a_channel_delivered_that_is_gone_is_not_taken_back() {
        let buffer = buffer();
        let (old, _settles) = ChannelEpoch::new();
        let late = Answer::of(delivery(7, &old), &buffer);
        old.end();
        drop(late);
        assert!(buffer.take_back().is_empty(), "its tag would be a stranger's on the new channel");
    }
}
