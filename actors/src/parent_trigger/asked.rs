//! Remembers for whom parents were asked, so that another continuation waits instead of asking again.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use crate::message::Target;

/// How long a request is remembered at first; doubled each time it runs out.
const FIRST_SPAN: Duration = Duration::from_secs(60);
/// The longest that a request is remembered.
const LONGEST_SPAN: Duration = Duration::from_secs(3600);

/// The requests of this node that are not answered yet.
#[derive(Debug, Default)]
pub struct Asked {
    pending: Mutex<HashMap<Target, Pending>>,
}

#[derive(Debug)]
struct Pending {
    continuation: u64,
    until: Instant,
    span: Duration,
    waiting: Vec<oneshot::Sender<()>>,
}

/// Whether to ask now.
#[derive(Debug)]
pub enum Turn {
    /// Ask.
    Ask,
    /// Another continuation asked: wait until then, or until it was answered.
    Wait(Instant, oneshot::Receiver<()>),
    /// Another continuation asked, and too many wait already.
    Full,
}

impl Asked {
    /// Whether parents are to be asked for `target` on behalf of `continuation`; then it is remembered that they were.
    pub fn turn(&self, target: &Target, continuation: u64, may_wait: bool) -> Turn {
        let now = Instant::now();
        let mut pending = self.locked();
        match pending.get_mut(target) {
            Some(asked) if asked.until <= now => {
                asked.span = (asked.span * 2).min(LONGEST_SPAN);
                asked.until = now + asked.span;
                asked.continuation = continuation;
                Turn::Ask
            }
            Some(asked) if asked.continuation == continuation => Turn::Ask,
            Some(_) if !may_wait => Turn::Full,
            Some(asked) => {
                let (sender, answer) = oneshot::channel();
                asked.waiting.retain(|waiter| !waiter.is_closed());
                asked.waiting.push(sender);
                Turn::Wait(asked.until, answer)
            }
            None => {
                let fresh = Pending { continuation, until: now + FIRST_SPAN, span: FIRST_SPAN, waiting: Vec::new() };
                pending.insert(target.clone(), fresh);
                Turn::Ask
            }
        }
    }

    /// Ends the memory of a target: its output is there, or will never come. Who waits goes on.
    pub fn end(&self, target: &Target) {
        let mut pending = self.locked();
        if pending.is_empty() {
            return;
        }
        if let Some(asked) = pending.remove(target) {
            drop(pending);
            // Who is gone by now was drained; its message is back in the queue.
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
        let asked = Asked::default();
        assert!(matches!(asked.turn(&target(), 1, true), Turn::Ask));
        assert!(matches!(asked.turn(&target(), 1, true), Turn::Ask), "the same continuation may ask again");
        assert!(matches!(asked.turn(&target(), 2, false), Turn::Full));
        let Turn::Wait(until, answer) = asked.turn(&target(), 2, true) else { panic!("asked twice") };
        assert_eq!(until - Instant::now(), FIRST_SPAN);
        asked.end(&target());
        answer.await.expect("an answer");
        assert!(matches!(asked.turn(&target(), 2, true), Turn::Ask));
        tokio::time::advance(FIRST_SPAN).await;
        assert!(matches!(asked.turn(&target(), 3, true), Turn::Ask), "the memory had run out");
        let Turn::Wait(until, _) = asked.turn(&target(), 4, true) else { panic!("asked twice") };
        assert_eq!(until - Instant::now(), FIRST_SPAN * 2);
    }
}
