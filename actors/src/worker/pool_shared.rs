//! What the workers of one pool share: how many of them may wait at once, whether a store is in trouble, whether cores are
//! scarce, whether the pool drains; and the pause.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::pause::Pause;
use crate::ids::EntityId;
use crate::mutants::{Mutant, active};
use crate::retry::park_wait;

/// The longest that a message is put off for the work of others, where few are: it is to hear of their end soon.
const SOON: Duration = Duration::from_millis(1600);
/// The least time between two messages of a pool that come back. Of many, few look at the stores at once.
const PACE: Duration = Duration::from_millis(10);

/// The longest that the pace keeps a message back.
const LONGEST: Duration = Duration::from_secs(60);

/// For how long the workers of a pool rest in all, since messages meant something else to their publishers.
const REST: Duration = Duration::from_secs(20);
/// After so long without such a message the next one is the first again.
const EPISODE: Duration = Duration::from_secs(60);

/// Of how many entities it is remembered that trouble of the machine struck them.
const MOST_STRUCK: usize = 10_000;

#[derive(Debug, Default)]
struct Unfit {
    in_a_row: u32,
    /// When the last one came.
    last: Option<Instant>,
    /// For how long workers were told to rest since.
    rested: Duration,
}

/// Shared by the workers of one pool.
#[derive(Debug)]
pub(crate) struct PoolShared {
    waiters: Arc<Semaphore>,
    /// How many workers wait for a message.
    idle: AtomicUsize,
    /// Notified when none does any more.
    all_have_messages: Notify,
    stalled: AtomicBool,
    /// When the last of those that were put off comes back.
    last_back: Mutex<Instant>,
    /// Whether cores are scarce.
    scarce: AtomicBool,
    /// Notified when they are not any more.
    plenty: Notify,
    /// What workers met of messages that meant something else to their publishers.
    unfit: Mutex<Unfit>,
    draining: AtomicBool,
    /// Notified when the pool is told to drain.
    ending: Notify,
    /// How often trouble of the machine struck the work on an entity.
    struck: Mutex<HashMap<EntityId, u32>>,
    /// Lets fewer workers take messages while the machine is in trouble.
    pub(super) pause: Arc<Pause>,
}

impl PoolShared {
    /// For a pool of so many workers. At most half of them may wait for others.
    pub fn of(workers: usize) -> Arc<Self> {
        let waiters = Arc::new(Semaphore::new(workers / 2));
        Arc::new(Self {
            pause: Pause::of(workers, waiters.clone()),
            waiters,
            idle: AtomicUsize::new(0),
            all_have_messages: Notify::new(),
            stalled: AtomicBool::new(false),
            last_back: Mutex::new(Instant::now()),
            scarce: AtomicBool::new(false),
            plenty: Notify::new(),
            unfit: Mutex::default(),
            struck: Mutex::default(),
            draining: AtomicBool::new(false),
            ending: Notify::new(),
        })
    }

    /// The right to wait for another worker, until it is dropped; none where too many wait already, or no worker is left for the
    /// messages that come next.
    pub(super) fn may_wait(&self) -> Option<OwnedSemaphorePermit> {
        if self.has_no_idle_worker() {
            return None;
        }
        let waits = self.waiters.clone().try_acquire_owned().ok()?;
        self.pause.looks_again(); // who waits does not work
        Some(waits)
    }

    /// A worker waits for a message, until this is dropped.
    pub(super) fn idles(&self) -> Idle<'_> {
        self.idle.fetch_add(1, Ordering::Relaxed);
        Idle(self)
    }

    fn has_no_idle_worker(&self) -> bool {
        self.idle.load(Ordering::Relaxed) == 0
    }

    /// Waits until no worker is left for the messages that come next: what waits for others makes room for them.
    pub(super) async fn is_needed(&self) {
        until(&self.all_have_messages, || self.has_no_idle_worker()).await;
    }

    /// Notes whether a store is in trouble. Returns whether that is news.
    pub(super) fn note_stalled(&self, stalled: bool) -> bool {
        self.stalled.swap(stalled, Ordering::Relaxed) != stalled
    }

    /// How long to put off a message that waits for the work of others and was put off `parks` times before: longer each
    /// time, and beyond [`SOON`] only where so many are put off that they would crowd the pool when they come back.
    pub(super) fn put_off(&self, parks: u32) -> Duration {
        if park_wait(parks) < SOON {
            return park_wait(parks); // those that come back at once take nobody's place
        }
        let now = Instant::now();
        let mut last = self.last_back.lock().unwrap_or_else(PoisonError::into_inner);
        *last = ((*last).max(now) + PACE).min(now + LONGEST);
        park_wait(parks).min(SOON.max(*last - now))
    }

    /// Notes whether a message's publisher means the same by the job. Returns how long a worker that met one that does not
    /// takes no other: the more of them come in a row, the longer, so that nodes that fit get most of a queue. But not for
    /// long in all: where no node fits, what stands behind such messages is to come to its turn.
    pub(super) fn note_fit(&self, fits: bool) -> Duration {
        let mut unfit = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        if fits {
            unfit.in_a_row = 0;
            return Duration::ZERO;
        }
        let now = Instant::now();
        if unfit.last.is_none_or(|last| now - last > EPISODE) {
            *unfit = Unfit::default();
        }
        unfit.last = Some(now);
        unfit.in_a_row += 1;
        let rest = park_wait(unfit.in_a_row).min(SOON).min(REST.saturating_sub(unfit.rested));
        unfit.rested += rest;
        rest
    }

    /// Notes that trouble of the machine struck the work on an entity. Returns how often it did.
    pub(super) fn note_trouble(&self, entity: &EntityId) -> u32 {
        let mut struck = self.struck.lock().unwrap_or_else(PoisonError::into_inner);
        if struck.len() >= MOST_STRUCK {
            struck.clear();
        }
        let times = struck.entry(entity.clone()).or_default();
        *times += 1;
        *times
    }

    /// Whether messages waited in hand for a core: then a worker takes a core first, and a message only with it.
    pub(super) fn cores_are_scarce(&self) -> bool {
        self.scarce.load(Ordering::Relaxed)
    }

    /// Notes whether cores are scarce.
    pub(super) fn note_scarce(&self, scarce: bool) {
        if self.scarce.swap(scarce, Ordering::Relaxed) && !scarce {
            self.plenty.notify_waiters();
        }
    }

    /// Waits until cores are not scarce any more.
    pub(super) async fn cores_are_free(&self) {
        until(&self.plenty, || !self.cores_are_scarce()).await;
    }

    /// No more work is to begin.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.ending.notify_waiters();
    }

    /// Whether no more work is to begin.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed) && !active(Mutant::WorkWhileDraining)
    }

    /// Waits until no more work is to begin.
    pub(super) async fn drains(&self) {
        until(&self.ending, || self.is_draining()).await;
    }
}

/// A worker that waits for a message.
#[must_use]
pub(super) struct Idle<'p>(&'p PoolShared);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        if self.0.idle.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.all_have_messages.notify_waiters();
        }
    }
}

/// Waits until `is_so`, of which `notice` tells.
async fn until(notice: &Notify, is_so: impl Fn() -> bool) {
    loop {
        let noticed = notice.notified();
        tokio::pin!(noticed);
        noticed.as_mut().enable();
        if is_so() {
            return;
        }
        noticed.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn workers_rest_longer_each_time_and_not_for_ever() {
        let pool = PoolShared::of(4);
        let rests: Vec<u128> = (0..5).map(|_| pool.note_fit(false).as_millis()).collect();
        assert_eq!(rests, [200, 400, 800, 1600, 1600]);
        pool.note_fit(true);
        assert_eq!(pool.note_fit(false).as_millis(), 200, "one that fits came between");
        let all: Duration = (0..100).map(|_| pool.note_fit(false)).sum();
        assert_eq!(all.as_millis(), 20_000 - 4_600 - 200);
        tokio::time::advance(EPISODE).await;
        assert_eq!(pool.note_fit(false), Duration::ZERO, "they still come");
        tokio::time::advance(EPISODE + SOON).await;
        assert_eq!(pool.note_fit(false).as_millis(), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_messages_come_back_soon_and_of_many_a_hundred_each_second() {
        let pool = PoolShared::of(4);
        let waits: Vec<u128> = [0, 1, 4, 5, 30].map(|parks| pool.put_off(parks).as_millis()).to_vec();
        assert_eq!(waits, [100, 200, 1600, 1600, 1600]);
        tokio::time::advance(Duration::from_secs(2)).await;
        let waits: Vec<Duration> = (0..10_000).map(|_| pool.put_off(30)).collect();
        assert_eq!((waits[0], waits[999].as_secs(), waits[9_999].as_secs()), (SOON, 10, 60));
        assert_eq!(pool.put_off(0), Duration::from_millis(100), "the first time is short for all");
    }

    #[tokio::test(start_paused = true)]
    async fn many_that_are_put_off_together_come_back_as_soon_as_their_number_allows() {
        let pool = PoolShared::of(4);
        let mut last = Duration::ZERO;
        for parks in 0..12 {
            let waits: Vec<Duration> = (0..300).map(|_| pool.put_off(parks)).collect();
            last = waits.into_iter().max().expect("some");
            tokio::time::advance(last).await;
        }
        assert!(last <= Duration::from_millis(3_010), "{last:?} for 300 at a hundred each second");
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_waits_for_others_only_while_one_is_left_for_what_comes_next() {
        let pool = PoolShared::of(4);
        assert!(pool.may_wait().is_none(), "all have messages");
        let idle = pool.idles();
        let waits = pool.may_wait().expect("one is idle");
        let others = pool.may_wait().expect("two of four");
        assert!(pool.may_wait().is_none(), "three of four");
        let mut needed = Box::pin(pool.is_needed());
        assert!(futures::poll!(&mut needed).is_pending());
        drop(idle);
        assert!(futures::poll!(&mut needed).is_ready(), "none is idle any more");
        drop((waits, others));
    }
}
