//! The pause of a pool on a machine in trouble: for how long nobody takes a message, and how many take one after that.
//!
//! Trouble such as a full disk strikes all work alike, while a limit of descriptors or processes leaves room for some of it.
//! So after each trouble half as many workers go on, one at the least, and each success lets one more of them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, timeout_at},
};

/// The first pause; each further one without a success is twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(30);

/// Shared by the workers of one pool.
#[derive(Debug)]
pub(crate) struct Pause {
    state: Mutex<State>,
    changed: Notify,
    /// Has a permit less for each worker that has a message and only waits for another worker.
    waiters: Arc<Semaphore>,
}

#[derive(Debug)]
struct State {
    workers: usize,
    /// How many may take a message or have one, beside those that wait for others.
    allowed: usize,
    /// How many do.
    taking: usize,
    until: Option<Instant>,
    /// Pauses since work last succeeded.
    in_a_row: u32,
    /// Pauses in all: tells work that was begun before the last trouble from work after it.
    pauses: u64,
    /// Whether people were told of trouble, and not yet that it is over.
    told: bool,
    /// When work last succeeded.
    success: Option<Instant>,
}

/// The right of one worker to take a message and work on it, until it is dropped.
#[derive(Debug)]
pub(super) struct Allowance {
    pause: Arc<Pause>,
    pauses: u64,
}

impl Pause {
    /// Of a pool of so many workers, which is not in trouble. Half of them may wait, each with a permit of `waiters`.
    pub fn of(workers: usize, waiters: Arc<Semaphore>) -> Arc<Self> {
        let (allowed, told) = (workers, false);
        let state = State { workers, allowed, taking: 0, until: None, in_a_row: 0, pauses: 0, told, success: None };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new(), waiters })
    }

    /// Another worker has begun to wait: in its place one may take the message that it waits for.
    pub(super) fn looks_again(&self) {
        let state = self.state();
        let others_wait = state.allowed < state.workers;
        drop(state);
        if others_wait {
            self.changed.notify_waiters();
        }
    }

    fn waiting(&self, state: &State) -> usize {
        (state.workers / 2).saturating_sub(self.waiters.available_permits())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until this worker may take a message.
    pub(super) async fn allowance(self: &Arc<Self>) -> Allowance {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.take() {
                Ok(allowance) => return allowance,
                // Either way the pool is looked at again.
                Err(Some(until)) => drop(timeout_at(until, changed).await),
                Err(None) => changed.await,
            }
        }
    }

    /// Whether work of the pool succeeded lately.
    pub(super) fn works(&self) -> bool {
        self.state().success.is_some_and(|success| success.elapsed() < 2 * LONGEST)
    }

    /// An allowance; else when to look again, or none where others must end first.
    pub(super) fn take(self: &Arc<Self>) -> Result<Allowance, Option<Instant>> {
        let mut state = self.state();
        if let Some(until) = state.until.filter(|until| *until > Instant::now()) {
            return Err(Some(until));
        }
        // Where no work is tried, nothing succeeds: then quiet time lets one more worker of them.
        if state.allowed < state.workers && state.until.is_some_and(|until| until.elapsed() >= LONGEST) {
            state.allowed += 1;
            state.until = Some(Instant::now());
        }
        if state.taking >= state.allowed + self.waiting(&state) {
            let quiet = state.until.filter(|_| state.allowed < state.workers);
            return Err(quiet.map(|until| until + LONGEST));
        }
        state.taking += 1;
        Ok(Allowance { pause: self.clone(), pauses: state.pauses })
    }
}

impl Allowance {
    /// Waits until the pool pauses anew: a worker that has no message yet then takes none.
    pub(super) async fn is_over(&self) {
        loop {
            let changed = self.pause.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.pause.state().pauses != self.pauses {
                return;
            }
            changed.await;
        }
    }

    /// The machine could not do the work under this allowance. Returns whether people are to be told.
    pub(super) fn in_trouble(&self) -> bool {
        let mut state = self.pause.state();
        if state.pauses != self.pauses {
            return false; // begun before the last trouble: the same
        }
        state.pauses += 1;
        state.allowed = (state.taking.saturating_sub(self.pause.waiting(&state)) / 2).max(1);
        state.until = Some(Instant::now() + FIRST.saturating_mul(1 << state.in_a_row.min(10)).min(LONGEST));
        state.in_a_row += 1;
        let news = !std::mem::replace(&mut state.told, true);
        drop(state);
        self.pause.changed.notify_waiters();
        news
    }

    /// The machine did the work under this allowance. Returns whether people are to be told.
    pub(super) fn succeeded(&self) -> bool {
        let mut state = self.pause.state();
        state.success = Some(Instant::now());
        if state.pauses != self.pauses || (state.allowed == state.workers && !state.told) {
            return false;
        }
        state.allowed = (state.allowed + 1).min(state.workers);
        state.in_a_row = 0;
        let news = std::mem::take(&mut state.told);
        drop(state);
        self.pause.changed.notify_waiters();
        news
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        let mut state = self.pause.state();
        state.taking -= 1;
        let others_wait = state.allowed < state.workers;
        drop(state);
        if others_wait {
            self.pause.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn of(workers: usize) -> Arc<Pause> {
        Pause::of(workers, Arc::new(Semaphore::new(workers / 2)))
    }

    async fn allowances(pause: &Arc<Pause>, count: usize) -> Vec<Allowance> {
        let mut turns = Vec::new();
        for _ in 0..count {
            turns.push(pause.allowance().await);
        }
        turns
    }

    /// How many workers may take a message now, beside those that have one.
    fn free(pause: &Arc<Pause>) -> usize {
        let taken: Vec<Allowance> = std::iter::from_fn(|| pause.allowance().now_or_never()).collect();
        taken.len()
    }

    #[tokio::test(start_paused = true)]
    async fn all_workers_of_a_machine_without_trouble_take_messages() {
        let pause = of(3);
        let turn = pause.allowance().await;
        assert!(!turn.succeeded(), "no news");
        assert_eq!(free(&pause), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_time_lets_a_worker_that_waits_go_on_beside_long_work() {
        let pause = of(2);
        assert!(pause.allowance().await.in_trouble(), "news");
        let _long_work = pause.allowance().await;
        let began = Instant::now();
        let _next = tokio::time::timeout(3 * LONGEST, pause.allowance()).await.expect("nobody woke it");
        assert!(began.elapsed() >= LONGEST - FIRST, "too soon");
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_pauses_the_pool_ever_longer_and_is_told_once() {
        let pause = of(4);
        let began = Instant::now();
        let mut waits = Vec::new();
        for number in 0..8 {
            let turn = pause.allowance().await;
            waits.push(began.elapsed().as_secs());
            assert_eq!(turn.in_trouble(), number == 0);
            assert!(!turn.in_trouble(), "the same trouble");
            drop(turn);
            assert_eq!(free(&pause), 0);
        }
        assert_eq!(waits, [0, 1, 3, 7, 15, 31, 61, 91]);
        let turn = pause.allowance().await;
        assert!(turn.succeeded() && !turn.succeeded(), "told once that it is over");
    }

    #[tokio::test(start_paused = true)]
    async fn after_trouble_half_as_many_go_on_and_each_success_lets_one_more() {
        let pause = of(8);
        let mut before = allowances(&pause, 8).await;
        assert!(before[0].in_trouble());
        assert!(!before[1].in_trouble(), "work that was begun with it");
        assert!(!before[2].succeeded(), "work that was begun before says nothing");
        before.clear();
        tokio::time::sleep(FIRST).await;
        assert_eq!(free(&pause), 4);
        let turn = pause.allowance().await;
        for allowed in [5, 6, 7, 8, 8] {
            turn.succeeded();
            assert_eq!(free(&pause), allowed - 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn workers_that_wait_for_others_leave_their_place_to_them() {
        let pause = of(4);
        let turns = allowances(&pause, 4).await;
        let waits: Vec<_> = (0..2).map(|_| pause.waiters.clone().try_acquire_owned().expect("a permit")).collect();
        turns[0].in_trouble();
        assert_eq!(pause.state().allowed, 1, "half of the two that work");
        let mut turns = turns.into_iter();
        let waiting: Vec<Allowance> = turns.by_ref().take(2).collect();
        drop(turns);
        tokio::time::sleep(FIRST).await;
        assert_eq!(free(&pause), 1, "one that may bring what the two wait for");
        drop((waits, waiting));
        assert_eq!(free(&pause), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_waits_for_a_message_takes_none_when_the_pool_pauses() {
        let pause = of(2);
        let (working, idle) = (pause.allowance().await, pause.allowance().await);
        assert!(idle.is_over().now_or_never().is_none());
        working.in_trouble();
        idle.is_over().await;
        drop((working, idle));
        tokio::time::sleep(FIRST).await;
        let one = pause.allowance().await;
        assert!(one.is_over().now_or_never().is_none(), "a pause that is over");
    }
}
