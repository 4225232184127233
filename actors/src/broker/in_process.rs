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

use super::{Broker, BrokerError, Delivery, Outgoing, Subscription, Ticket, Writing};
use crate::ids::JobName;

/// Queues in this process. What a dead worker held goes back to its queue; what the process held dies with it.
#[derive(Clone)]
pub struct InProcess {
    queues: Arc<HashMap<JobName, Arc<Queue>>>,
    shared: Arc<Shared>,
}

/// How much is where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Depth {
    /// Waiting for a worker.
    pub ready: usize,
    /// In a worker's hands.
    pub unsettled: usize,
    /// Put off until later.
    pub delayed: usize,
}

struct Shared {
    /// Messages taken and not settled, wherever they are.
    open: AtomicUsize,
    settled: Notify,
    closed: AtomicBool,
}

struct Queue {
    lines: Mutex<Lines>,
    arrived: Notify,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Lines {
    ready: VecDeque<Item>,
    delayed: BinaryHeap<Reverse<Later>>,
    unsettled: usize,
    sequence: u64,
}

struct Item {
    body: Bytes,
    writing: Writing,
    parks: u32,
    redelivered: bool,
}

struct Later {
    due: Instant,
    sequence: u64,
    item: Item,
}

impl PartialEq for Later {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Later {}
impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Later {
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
            let queue = Queue { lines: Mutex::default(), arrived: Notify::new(), shared: shared.clone() };
            (job, Arc::new(queue))
        };
        Self { queues: Arc::new(jobs.into_iter().map(queue).collect()), shared }
    }

    /// How many messages it holds, wherever they are.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::Acquire)
    }

    /// Waits until at most `level` messages are held.
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

    /// How much is where, for a job.
    pub fn depth(&self, job: &JobName) -> Depth {
        self.queues.get(job).map_or_else(Depth::default, |queue| {
            let lines = queue.locked();
            Depth { ready: lines.ready.len(), unsettled: lines.unsettled, delayed: lines.delayed.len() }
        })
    }

    /// Ends all subscriptions; what is left stays unsettled.
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
            let Outgoing { job, body, writing, parks, delay } = message;
            let queue = &self.queues[&job];
            let item = Item { body, writing, parks, redelivered: false };
            let mut lines = queue.locked();
            if delay.is_zero() {
                lines.ready.push_back(item);
            } else {
                lines.sequence += 1;
                let later = Later { due: Instant::now() + delay, sequence: lines.sequence, item };
                lines.delayed.push(Reverse(later));
            }
            drop(lines);
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
}

impl Queue {
    fn locked(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next message, or when the next one is due.
    fn take(self: &Arc<Self>) -> Result<Delivery, Option<Instant>> {
        let mut lines = self.locked();
        if !lines.delayed.is_empty() {
            let now = Instant::now();
            while lines.delayed.peek().is_some_and(|Reverse(later)| later.due <= now) {
                if let Some(Reverse(later)) = lines.delayed.pop() {
                    lines.ready.push_back(later.item);
                }
            }
        }
        let Some(item) = lines.ready.pop_front() else {
            return Err(lines.delayed.peek().map(|Reverse(later)| later.due));
        };
        lines.unsettled += 1;
        if !lines.ready.is_empty() {
            self.arrived.notify_one(); // what became due together wakes as many workers
        }
        let (body, writing) = (item.body.clone(), item.writing.clone());
        let (parks, redelivered) = (item.parks, item.redelivered);
        let held = Held { queue: self.clone(), item };
        Ok(Delivery::new(body, writing, parks, redelivered, Box::new(held)))
    }
}

struct Held {
    queue: Arc<Queue>,
    item: Item,
}

impl Ticket for Held {
    fn ack(self: Box<Self>) {
        self.queue.locked().unsettled -= 1;
        let shared = &self.queue.shared;
        shared.open.fetch_sub(1, Ordering::AcqRel);
        shared.settled.notify_waiters();
    }

    fn give_back(self: Box<Self>) {
        let Held { queue, item } = *self;
        let mut lines = queue.locked();
        lines.unsettled -= 1;
        lines.ready.push_front(Item { redelivered: true, ..item });
        drop(lines);
        queue.arrived.notify_one();
    }
}
