//! Remembers for which targets parents were asked, so that another continuation waits instead of asking again.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use crate::message::Target;

/// How long a request is remembered at first; doubled each time it runs out.
const FIRST_SPAN: Duration = Duration::from_secs(60);
/// The longest that a request is remembered.
const LONGEST_SPAN: Duration = Duration::from_secs(3600);

/// The requests of this node that are not answered yet.
#[derive(Debug, Default)]
pub struct PendingRequests {
    pending: Mutex<HashMap<Target, Pending>>,
}

#[derive(Debug)]
struct Pending {
    continuation: u64,
    until: Instant,
    span: Duration,
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
    /// Whether to ask parents for `target` on behalf of `continuation`. [`AskTurn::Ask`] is remembered.
    pub fn turn(&self, target: &Target, continuation: u64, may_wait: bool) -> AskTurn {
        let now = Instant::now();
        let mut pending = self.locked();
        match pending.get_mut(target) {
            Some(asked) if asked.until <= now => {
                asked.span = (asked.span * 2).min(LONGEST_SPAN);
                asked.until = now + asked.span;
                asked.continuation = continuation;
                AskTurn::Ask
            }
            Some(asked) if asked.continuation == continuation => AskTurn::Ask,
            Some(_) if !may_wait => AskTurn::Full,
            Some(asked) => {
                let (sender, answer) = oneshot::channel();
                asked.waiting.retain(|waiter| !waiter.is_closed());
                asked.waiting.push(sender);
                AskTurn::Wait(asked.until, answer)
            }
            None => {
                let fresh = Pending { continuation, until: now + FIRST_SPAN, span: FIRST_SPAN, waiting: Vec::new() };
                pending.insert(target.clone(), fresh);
                AskTurn::Ask
            }
        }
    }

    /// Forgets a target: its output is there, or will never come. All messages that wait for it go on.
    pub fn end(&self, target: &Target) {
        let mut pending = self.locked();
        if pending.is_empty() {
            return;
        }
        if let Some(asked) = pending.remove(target) {
            drop(pending);
            // A waiter that is gone was drained; its message is back in the queue.
            asked.waiting.into_iter().for_each(|waiter| waiter.send(()).unwrap_or_default());
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<Target, Pending>> {
        self.pending.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target { job: "mel".parse().expect("a name"), entity: "t-1".parse().expect("an id") }
    }

    #[tokio::test(start_paused = true)]
    async fn another_continuation_waits_until_the_answer_or_until_the_memory_runs_out() {
        let asked = PendingRequests::default();
        assert!(matches!(asked.turn(&target(), 1, true), AskTurn::Ask));
        assert!(matches!(asked.turn(&target(), 1, true), AskTurn::Ask), "the same continuation may ask again");
        assert!(matches!(asked.turn(&target(), 2, false), AskTurn::Full));
        let AskTurn::Wait(until, answer) = asked.turn(&target(), 2, true) else { panic!("asked twice") };
        assert_eq!(until - Instant::now(), FIRST_SPAN);
        asked.end(&target());
        answer.await.expect("an answer");
        assert!(matches!(asked.turn(&target(), 2, true), AskTurn::Ask));
        tokio::time::advance(FIRST_SPAN).await;
        assert!(matches!(asked.turn(&target(), 3, true), AskTurn::Ask), "the memory had run out");
        let AskTurn::Wait(until, _) = asked.turn(&target(), 4, true) else { panic!("asked twice") };
        assert_eq!(until - Instant::now(), FIRST_SPAN * 2);
    }
}
