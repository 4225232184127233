//! The embedded broker: queues in this process, at least once, with delays.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{sync::Notify, time::Instant};

use super::delivery::{Delivery, Ticket};
use super::format::BodyFormat;
use super::port::{Broker, BrokerError, Outgoing, Subscription};
use crate::ids::JobName;
use crate::trace::TraceContext;

/// Queues in this process. What a dead worker had in hand goes back to its queue. All of it ends with the process.
#[derive(Clone)]
pub struct InProcess {
    queues: Arc<HashMap<JobName, Arc<Queue>>>,
    shared: Arc<Shared>,
}

/// How many messages a queue has, by where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Depth {
    /// Waiting for a worker.
    pub ready: usize,
    /// Delivered and not settled.
    pub unsettled: usize,
    /// Put off until later.
    pub delayed: usize,
}

struct Shared {
    /// Messages that were published and are not acknowledged.
    open: AtomicUsize,
    settled: Notify,
    closed: AtomicBool,
}

struct Queue {
    state: Mutex<QueueState>,
    arrived: Notify,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct QueueState {
    ready: VecDeque<Item>,
    delayed: BinaryHeap<Reverse<Delayed>>,
    unsettled: usize,
    sequence: u64,
}

struct Item {
    body: Bytes,
    format: BodyFormat,
    parks: u32,
    redelivered: bool,
    trace: Option<TraceContext>,
}

struct Delayed {
    due: Instant,
    sequence: u64,
    item: Item,
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Delayed {}
impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.sequence).cmp(&(other.due, other.sequence))
    }
}

impl InProcess {
    /// A broker with one queue for each job.
    pub fn new(jobs: impl IntoIterator<Item = JobName>) -> Self {
        let shared =
            Arc::new(Shared { open: AtomicUsize::new(0), settled: Notify::new(), closed: AtomicBool::new(false) });
        let queue = |job| {
            let queue = Queue { state: Mutex::default(), arrived: Notify::new(), shared: shared.clone() };
            (job, Arc::new(queue))
        };
        Self { queues: Arc::new(jobs.into_iter().map(queue).collect()), shared }
    }

    /// How many messages were published and are not acknowledged.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::Acquire)
    }

    /// Waits until at most `level` messages are open, or the broker is closed.
    pub async fn settled_to(&self, level: usize) {
        loop {
            let settled = self.shared.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            if self.open() <= level || self.shared.closed.load(Ordering::Acquire) {
                return;
            }
            settled.await;
        }
    }

    /// How many messages the queue of a job has.
    pub fn depth(&self, job: &JobName) -> Depth {
        self.queues.get(job).map_or_else(Depth::default, |queue| {
            let state = queue.locked();
            Depth { ready: state.ready.len(), unsettled: state.unsettled, delayed: state.delayed.len() }
        })
    }

    /// Ends all subscriptions. Messages that are left stay unsettled.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.settled.notify_waiters();
        for queue in self.queues.values() {
            queue.arrived.notify_waiters();
        }
    }
}

#[async_trait]
impl Broker for InProcess {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(BrokerError::Closed);
        }
        if let Some(lost) = messages.iter().find(|message| !self.queues.contains_key(&message.job)) {
            return Err(BrokerError::NoQueue(lost.job.clone()));
        }
        self.shared.open.fetch_add(messages.len(), Ordering::AcqRel);
        for message in messages {
            let Outgoing { job, body, format, parks, delay, suspect, trace } = message;
            let queue = &self.queues[&job];
            let item = Item { body, format, parks, redelivered: suspect, trace };
            let mut state = queue.locked();
            if delay.is_zero() {
                state.ready.push_back(item);
            } else {
                state.sequence += 1;
                let delayed = Delayed { due: Instant::now() + delay, sequence: state.sequence, item };
                state.delayed.push(Reverse(delayed));
            }
            drop(state);
            queue.arrived.notify_one();
        }
        Ok(())
    }

    fn subscribe(&self, job: &JobName) -> Result<Box<dyn Subscription>, BrokerError> {
        match self.queues.get(job) {
            Some(queue) => Ok(Box::new(Consumer { queue: queue.clone() })),
            None => Err(BrokerError::NoQueue(job.clone())),
        }
    }
}

struct Consumer {
    queue: Arc<Queue>,
}

#[async_trait]
impl Subscription for Consumer {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            let arrived = self.queue.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if self.queue.shared.closed.load(Ordering::Acquire) {
                return None;
            }
            match self.queue.take() {
                Ok(delivery) => return Some(delivery),
                Err(None) => arrived.await,
                Err(Some(due)) => {
                    tokio::select! {
                        () = arrived => {}
                        () = tokio::time::sleep_until(due) => {}
                    }
                }
            }
        }
    }

    async fn try_next(&mut self) -> Option<Delivery> {
        if self.queue.shared.closed.load(Ordering::Acquire) {
            return None;
        }
        self.queue.take().ok()
    }

    fn rest(&mut self) {} // nothing is held ready: what no worker has is in the queue
}

impl Queue {
    fn locked(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next message; else the moment at which the next delayed one is due.
    fn take(self: &Arc<Self>) -> Result<Delivery, Option<Instant>> {
        let mut state = self.locked();
        if !state.delayed.is_empty() {
            let now = Instant::now();
            while state.delayed.peek().is_some_and(|Reverse(delayed)| delayed.due <= now) {
                if let Some(Reverse(delayed)) = state.delayed.pop() {
                    state.ready.push_back(delayed.item);
                }
            }
        }
        let Some(item) = state.ready.pop_front() else {
            return Err(state.delayed.peek().map(|Reverse(delayed)| delayed.due));
        };
        state.unsettled += 1;
        if !state.ready.is_empty() {
            self.arrived.notify_one(); // several may have become due together: each wakes one worker
        }
        let (body, format) = (item.body.clone(), item.format.clone());
        let (parks, redelivered, trace) = (item.parks, item.redelivered, item.trace);
        let ticket = InProcessTicket { queue: self.clone(), item };
        Ok(Delivery::new(body, format, parks, redelivered, Box::new(ticket)).caused_by(trace))
    }
}

struct InProcessTicket {
    queue: Arc<Queue>,
    item: Item,
}

impl Ticket for InProcessTicket {
    fn ack(self: Box<Self>) {
        self.queue.locked().unsettled -= 1;
        let shared = &self.queue.shared;
        shared.open.fetch_sub(1, Ordering::AcqRel);
        shared.settled.notify_waiters();
    }

    fn give_back(self: Box<Self>) {
        let InProcessTicket { queue, item } = *self;
        let mut state = queue.locked();
        state.unsettled -= 1;
        state.ready.push_front(Item { redelivered: true, ..item });
        drop(state);
        queue.arrived.notify_one();
    }
}
