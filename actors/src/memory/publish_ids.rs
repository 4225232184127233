//! Tells a body that is delivered again from one that is published again: the first goes on as before, the second starts anew.
//!
//! Nothing in two equal bodies says whether somebody published again on purpose. So each publish gets a run and a wave of
//! its own: the second of them looks at every output again and makes what was deleted since. If it had the wave of the
//! first, [`PassedOn`](super::PassedOn) would swallow it. Only a body that the broker calls redelivered keeps its run and
//! wave, as long as this node remembers them. Where it does not, the work is found done, at the price of some messages.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::foreign::PublishId;
use crate::ids::RunId;

/// How many are remembered: more than a node ever has in hand.
const LIMIT: usize = 1 << 14;
/// How many milliseconds the runs may go ahead of the clock where several messages arrive in one millisecond.
const AHEAD: u64 = 1000;

/// The publishes that this node has seen of late.
#[derive(Debug, Default)]
pub struct PublishIds {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    known: HashMap<u128, PublishId>,
    order: VecDeque<u128>,
    last: u64,
}

impl PublishIds {
    /// The id for the body with this digest: the remembered one if it `came_before`, else a new one, later than all others
    /// of this node. `now` is in milliseconds after the Unix epoch; `wave` was never given before.
    pub fn of(&self, digest: u128, came_before: bool, now: u64, wave: u64) -> PublishId {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(known)) = (came_before, memory.known.get(&digest)) {
            return *known;
        }
        memory.last = (memory.last + 1).clamp(now, now.saturating_add(AHEAD));
        let publish_id = PublishId { run: RunId::inbox_at(memory.last), wave };
        memory.known.insert(digest, publish_id);
        memory.order.push_back(digest);
        if memory.order.len() > LIMIT
            && let Some(oldest) = memory.order.pop_front()
        {
            memory.known.remove(&oldest);
        }
        publish_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_again_keeps_its_run_and_what_is_published_again_gets_a_later_one() {
        let publish_ids = PublishIds::default();
        let first = publish_ids.of(1, false, 1000, 7);
        assert_eq!(publish_ids.of(1, true, 2000, 8), first);
        let second = publish_ids.of(1, false, 1000, 9);
        assert!(second.run > first.run && second.wave != first.wave, "{second:?} after {first:?}");
        assert_eq!(publish_ids.of(1, true, 3000, 10), second);
        assert_eq!(publish_ids.of(2, true, 3000, 11).run, RunId::inbox_at(3000), "it came before, to another node");
    }

    #[test]
    fn the_memory_is_bounded_and_a_flood_does_not_run_into_the_future() {
        let publish_ids = PublishIds::default();
        for digest in 0..(3 * LIMIT as u128) {
            let run = publish_ids.of(digest, false, 5000, 1).run;
            assert!(run <= RunId::inbox_at(5000 + AHEAD));
        }
        let memory = publish_ids.memory.lock().expect("whole");
        assert_eq!((memory.known.len(), memory.order.len()), (LIMIT, LIMIT));
    }
}
