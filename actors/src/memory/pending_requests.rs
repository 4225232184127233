//! Remembers for which targets parents were asked, so that another continuation waits instead of asking again.
//!
//! The memory of a request ends with the answer or after a minute, whichever comes first. The answer may be handled by
//! another node, which ends no memory here: so whoever waits looks at the output itself meanwhile. Each run asks for
//! itself: what one run was told, such as that a source is missing, is no answer to a later one.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::Instant};

use crate::ids::RunId;
use crate::message::Target;

/// How long a request is remembered. Then the next message that needs its answer asks anew.
const SPAN: Duration = Duration::from_secs(60);
/// How many requests are remembered; beyond that the oldest is forgotten, and who waits for it asks anew.
const LIMIT: usize = 1 << 16;

/// The requests of this node that are not answered yet.
#[derive(Debug, Default)]
pub struct PendingRequests {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    pending: HashMap<Target, Vec<Pending>>,
    /// When each request ends, the oldest first. Those that were answered stay here until then.
    order: VecDeque<(Instant, Target)>,
}

/// The request of one run for one target.
#[derive(Debug)]
struct Pending {
    run: RunId,
    continuation: u64,
    until: Instant,
    /// A digest of the records of failures that were seen when it was made.
    failures: Option<u64>,
    waiting: Vec<oneshot::Sender<()>>,
}

/// Whether a message may ask its parents now.
#[derive(Debug)]
pub enum AskTurn {
    /// Ask.
    Ask,
    /// Another continuation asked: wait for the answer, or until this moment.
    Wait(Instant, oneshot::Receiver<()>),
    /// Another continuation asked, and too many messages wait already.
    Full,
}

impl PendingRequests {
    /// Whether to ask parents for `target` on behalf of `continuation` of `run`. [`AskTurn::Ask`] is remembered.
    pub fn turn(&self, target: &Target, run: RunId, continuation: u64, may_wait: bool) -> AskTurn {
        let now = Instant::now();
        let mut table = self.locked();
        table.forget_what_ran_out(now);
        let fresh = Pending { run, continuation, until: now + SPAN, failures: None, waiting: Vec::new() };
        match table.find(target, run) {
            Some(asked) if asked.continuation == continuation => AskTurn::Ask,
            Some(_) if !may_wait => AskTurn::Full,
            Some(asked) => {
                let (sender, answer) = oneshot::channel();
                asked.waiting.retain(|waiter| !waiter.is_closed());
                asked.waiting.push(sender);
                AskTurn::Wait(asked.until, answer)
            }
            None => {
                table.remember(target, fresh);
                AskTurn::Ask
            }
        }
    }

    /// Takes note of the records of failures above a target, which `failures` stands for. Returns whether they are news: then
    /// the request was answered on another node, so `continuation` is to ask, and its request is remembered instead.
    pub fn is_news(&self, target: &Target, run: RunId, continuation: u64, failures: u64) -> bool {
        let mut table = self.locked();
        match table.find(target, run) {
            Some(asked) if asked.failures == Some(failures) => false,
            Some(asked) => {
                asked.failures = Some(failures);
                asked.continuation = continuation;
                true
            }
            None => false, // answered since: the next walk through the steps finds out how
        }
    }

    /// Forgets a target: its output is there, or will never come. All messages that wait for it go on.
    pub fn end(&self, target: &Target) {
        let mut table = self.locked();
        if table.pending.is_empty() {
            return;
        }
        if let Some(asked) = table.pending.remove(target) {
            drop(table);
            // A waiter that is gone was drained; its message is back in the queue.
            let waiting = asked.into_iter().flat_map(|asked| asked.waiting);
            waiting.for_each(|waiter| waiter.send(()).unwrap_or_default());
        }
    }

    fn locked(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn find(&mut self, target: &Target, run: RunId) -> Option<&mut Pending> {
        self.pending.get_mut(target)?.iter_mut().find(|asked| asked.run == run)
    }

    fn remember(&mut self, target: &Target, fresh: Pending) {
        self.order.push_back((fresh.until, target.clone()));
        self.pending.entry(target.clone()).or_default().push(fresh);
        while self.pending.len() > LIMIT || self.order.len() > 4 * LIMIT {
            self.forget_oldest();
        }
    }

    fn forget_what_ran_out(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.forget_oldest();
        }
    }

    /// Forgets the oldest request, if it is not answered yet. Whoever waits for it goes on, since its sender is gone.
    fn forget_oldest(&mut self) {
        let Some((until, target)) = self.order.pop_front() else { return };
        if let Entry::Occupied(mut asked) = self.pending.entry(target) {
            asked.get_mut().retain(|asked| asked.until > until);
            if asked.get().is_empty() {
                asked.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: RunId = RunId::new(1, 0);

    fn target(n: usize) -> Target {
        Target { job: "mel".parse().expect("a name"), entity: format!("t-{n}").parse().expect("an id") }
    }

    #[tokio::test(start_paused = true)]
    async fn another_continuation_waits_until_the_answer_or_for_a_minute_and_then_asks_anew() {
        let (asked, target) = (PendingRequests::default(), target(1));
        assert!(matches!(asked.turn(&target, RUN, 1, true), AskTurn::Ask));
        assert!(matches!(asked.turn(&target, RUN, 1, true), AskTurn::Ask), "the same continuation may ask again");
        assert!(matches!(asked.turn(&target, RUN, 2, false), AskTurn::Full));
        let AskTurn::Wait(until, answer) = asked.turn(&target, RUN, 2, true) else { panic!("asked twice") };
        assert_eq!(until - Instant::now(), SPAN);
        asked.end(&target);
        answer.await.expect("an answer");
        assert!(matches!(asked.turn(&target, RUN, 2, true), AskTurn::Ask));
        for continuation in [3, 5, 7] {
            tokio::time::advance(SPAN).await;
            assert!(matches!(asked.turn(&target, RUN, continuation, true), AskTurn::Ask), "the memory had run out");
            let AskTurn::Wait(until, _) = asked.turn(&target, RUN, 4, true) else { panic!("asked twice") };
            assert_eq!(until - Instant::now(), SPAN, "each time for as long as the first time");
        }
    }

    #[test]
    fn a_later_run_asks_for_itself_and_one_answer_ends_the_requests_of_all_runs() {
        let (asked, target) = (PendingRequests::default(), target(1));
        assert!(matches!(asked.turn(&target, RUN, 1, true), AskTurn::Ask));
        let later = RunId::new(2, 0);
        assert!(matches!(asked.turn(&target, later, 2, true), AskTurn::Ask));
        assert!(matches!(asked.turn(&target, RUN, 3, true), AskTurn::Wait(..)), "the later run ended it");
        assert!(matches!(asked.turn(&target, later, 3, true), AskTurn::Wait(..)));
        asked.end(&target);
        assert!(matches!(asked.turn(&target, RUN, 3, true), AskTurn::Ask));
        assert!(matches!(asked.turn(&target, later, 3, true), AskTurn::Ask));
    }

    #[test]
    fn a_record_of_a_failure_is_news_once_for_all_who_wait() {
        let (asked, target) = (PendingRequests::default(), target(1));
        assert!(matches!(asked.turn(&target, RUN, 1, true), AskTurn::Ask));
        assert!(asked.is_news(&target, RUN, 2, 77));
        assert!(!asked.is_news(&target, RUN, 3, 77), "the second that sees it waits for the first");
        assert!(matches!(asked.turn(&target, RUN, 2, true), AskTurn::Ask));
        assert!(asked.is_news(&target, RUN, 3, 78), "another record");
        assert!(!asked.is_news(&target, RunId::new(2, 0), 3, 78), "another run, which asked for nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_is_bounded_and_empties_itself() {
        let asked = PendingRequests::default();
        for n in 0..LIMIT + 10 {
            assert!(matches!(asked.turn(&target(n), RUN, 1, true), AskTurn::Ask));
        }
        assert!(matches!(asked.turn(&target(LIMIT + 9), RUN, 2, true), AskTurn::Wait(..)));
        assert_eq!(asked.locked().pending.len(), LIMIT);
        tokio::time::advance(SPAN).await;
        assert!(matches!(asked.turn(&target(LIMIT + 9), RUN, 2, true), AskTurn::Ask));
        let table = asked.locked();
        assert_eq!((table.pending.len(), table.order.len()), (1, 1), "what ran out stayed");
    }
}
