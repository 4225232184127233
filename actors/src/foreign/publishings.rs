//! Tells a body that is delivered again from one that is published again: the first goes on as before, the second anew.
//!
//! Of two equal bodies nothing says whether somebody repeats a wish on purpose. So each publishing gets a run and a wave
//! of its own: an hour after the first, the second looks at every output again and makes what was deleted since, while a
//! memory that knew it as passed on would swallow it. Only what the broker calls delivered before keeps its numbers, as
//! far as this node remembers them; where it does not, the work is found done, at the price of some messages.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use crate::broker::Foreign;
use crate::ids::{JobName, RunId};

/// How many are remembered: more than a node ever has in hand.
const LIMIT: usize = 1 << 14;
/// How far the runs may go ahead of the clock where more than one message arrives in a millisecond.
const AHEAD: u64 = 1000;

/// One publishing of a body: what makes it differ from an equal body that was published at another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publishing {
    /// The run of a message that names none.
    pub run: RunId,
    /// The wave.
    pub wave: u64,
}

/// The publishings that this node has seen of late.
#[derive(Debug, Default)]
pub struct Publishings {
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    known: HashMap<u128, Publishing>,
    order: VecDeque<u128>,
    last: u64,
}

impl Publishings {
    /// The publishing of the body with this digest: the one that is remembered where it came before, else one that is
    /// later than all of this node. `now` is in milliseconds after the Unix epoch, `wave` was never given before.
    pub fn of(&self, digest: u128, came_before: bool, now: u64, wave: u64) -> Publishing {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let (true, Some(known)) = (came_before, memory.known.get(&digest)) {
            return *known;
        }
        memory.last = (memory.last + 1).clamp(now, now.saturating_add(AHEAD));
        let publishing = Publishing { run: RunId::inbox_at(memory.last), wave };
        memory.known.insert(digest, publishing);
        memory.order.push_back(digest);
        if memory.order.len() > LIMIT
            && let Some(oldest) = memory.order.pop_front()
        {
            memory.known.remove(&oldest);
        }
        publishing
    }
}

/// Tells bodies apart, with all that was said beside them.
pub fn digest(job: &JobName, body: &[u8], said: &Foreign) -> u128 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    let run = said.run.as_deref().map_or(&[][..], str::as_bytes);
    let id = said.id.as_deref().map_or(&[][..], str::as_bytes);
    for part in [job.as_str().as_bytes(), said.content_type.as_bytes(), run, id, body] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_delivered_again_keeps_its_run_and_what_is_published_again_gets_a_later_one() {
        let publishings = Publishings::default();
        let first = publishings.of(1, false, 1000, 7);
        assert_eq!(publishings.of(1, true, 2000, 8), first);
        let second = publishings.of(1, false, 1000, 9);
        assert!(second.run > first.run && second.wave != first.wave, "{second:?} after {first:?}");
        assert_eq!(publishings.of(1, true, 3000, 10), second);
        assert_eq!(publishings.of(2, true, 3000, 11).run, RunId::inbox_at(3000), "it came before, to another node");
    }

    #[test]
    fn the_memory_is_bounded_and_a_flood_does_not_run_into_the_future() {
        let publishings = Publishings::default();
        for digest in 0..(3 * LIMIT as u128) {
            let run = publishings.of(digest, false, 5000, 1).run;
            assert!(run <= RunId::inbox_at(5000 + AHEAD));
        }
        let memory = publishings.memory.lock().expect("whole");
        assert_eq!((memory.known.len(), memory.order.len()), (LIMIT, LIMIT));
    }

    #[test]
    fn parts_that_run_into_each_other_are_told_apart() {
        let job = JobName::new("mel").expect("a name");
        let said = |run: &str, id: &str| Foreign { run: Some(run.into()), id: Some(id.into()), ..Foreign::default() };
        assert_ne!(digest(&job, b"t", &said("ab", "c")), digest(&job, b"t", &said("a", "bc")));
    }
}
