//! Memory for objects that are read whole, used again: touching fresh memory of such sizes for the first time costs more
//! than all that is done with it, and the allocator gives it back to the system each time.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::engine;
use super::trouble::Trouble;

/// Smaller ones come from the allocator, which keeps them itself.
const SMALLEST: usize = 256 << 10;

/// How much memory of this process waits to be used again, at the most.
const MOST: usize = 64 << 20;

/// How long it waits at the least; twice that at the most, for that is how often somebody looks.
const PATIENCE: Duration = Duration::from_secs(5);

static WAITING: Mutex<Waiting> = Mutex::new(Waiting { memory: Vec::new(), watched: false });

/// Bytes that come one after the other, up to a number that is known before.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: Vec<u8>,
    length: usize,
}

impl Buffer {
    /// An empty one for so many bytes.
    pub fn of(length: usize) -> Self {
        let memory = waiting().take(length).unwrap_or_else(|| Vec::with_capacity(room_for(length)));
        Self { memory, length }
    }

    /// Adds what came.
    ///
    /// # Errors
    /// It is more than was told.
    pub fn add(&mut self, more: &[u8]) -> Result<(), Trouble> {
        if more.len() > self.length - self.memory.len() {
            return Err(Trouble::unavailable(format!("more than {} bytes came", self.length)));
        }
        self.memory.extend_from_slice(more);
        Ok(())
    }

    /// All of them. When the last reader has let go, their memory waits to be used again.
    ///
    /// # Errors
    /// Fewer came than were told.
    pub fn whole(self) -> Result<Bytes, Trouble> {
        match self.memory.len() == self.length {
            true => Ok(Bytes::from_owner(self)),
            false => Err(Trouble::unavailable(format!("{} of {} bytes came", self.memory.len(), self.length))),
        }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.memory
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let is_first = waiting().give(mem::take(&mut self.memory), Instant::now());
        if is_first && !engine::begin(watch()) {
            waiting().let_go(Instant::now(), Duration::ZERO); // nobody would do so later
        }
    }
}

/// Lets go of what waits too long, until nothing waits.
async fn watch() {
    loop {
        tokio::time::sleep(PATIENCE).await;
        if waiting().let_go(Instant::now(), PATIENCE) {
            return;
        }
    }
}

/// Memory that nobody uses, and since when, the longest first.
struct Waiting {
    memory: Vec<(Instant, Vec<u8>)>,
    /// Whether somebody looks at how long it waits.
    watched: bool,
}

fn waiting() -> MutexGuard<'static, Waiting> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rounded up, so that memory fits objects of about the same size; what is not touched costs nothing.
fn room_for(length: usize) -> usize {
    if length < SMALLEST { length } else { length.next_power_of_two() }
}

impl Waiting {
    /// Empty memory with room for so many bytes and not much more.
    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        let room = room_for(length);
        let fits = |(_, memory): &(Instant, Vec<u8>)| (room..2 * room).contains(&memory.capacity());
        let at = self.memory.iter().rposition(fits).filter(|_| length >= SMALLEST)?;
        Some(self.memory.remove(at).1)
    }

    /// Keeps memory that is worth it; whether somebody is to begin to watch.
    fn give(&mut self, mut memory: Vec<u8>, now: Instant) -> bool {
        let held: usize = self.memory.iter().map(|(_, memory)| memory.capacity()).sum();
        if memory.capacity() < SMALLEST || held + memory.capacity() > MOST {
            return false;
        }
        memory.clear();
        self.memory.push((now, memory));
        !mem::replace(&mut self.watched, true)
    }

    /// Lets go of what has waited that long; whether nothing is left, so that nobody need watch.
    fn let_go(&mut self, now: Instant, patience: Duration) -> bool {
        self.memory.retain(|(since, _)| now.duration_since(*since) < patience);
        self.watched = !self.memory.is_empty();
        !self.watched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn none() -> Waiting {
        Waiting { memory: Vec::new(), watched: false }
    }

    fn some(bytes: usize) -> Vec<u8> {
        vec![7; bytes]
    }

    #[test]
    fn used_again_empty_where_it_fits() {
        let (mut waiting, now) = (none(), Instant::now());
        let memory = some(MIB);
        let place = memory.as_ptr();
        waiting.give(memory, now);
        assert_eq!(waiting.take(2 * MIB), None, "too small");
        assert_eq!(waiting.take(MIB / 2), None, "much too large");
        assert_eq!(waiting.take(10), None, "not worth it");
        let again = waiting.take(MIB - 5).expect("it fits");
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert_eq!(waiting.take(MIB - 5), None, "it is in use");
    }

    #[test]
    fn no_more_waits_than_a_bound_and_nothing_small() {
        let (mut waiting, now) = (none(), Instant::now());
        for _ in 0..20 {
            waiting.give(Vec::with_capacity(8 * MIB), now);
        }
        waiting.give(Vec::with_capacity(1000), now);
        assert_eq!(waiting.memory.len(), MOST / (8 * MIB));
    }

    #[test]
    fn what_waits_long_goes_and_one_watches_until_then() {
        let (mut waiting, now) = (none(), Instant::now());
        let later = now + PATIENCE;
        assert!(waiting.give(some(MIB), now), "the first is to be watched");
        assert!(!waiting.give(some(2 * MIB), later), "somebody watches");
        assert!(!waiting.let_go(later, PATIENCE), "one is left");
        assert_eq!(waiting.take(MIB), None, "the first is gone");
        assert!(waiting.let_go(later + PATIENCE, PATIENCE), "none is left");
        assert!(waiting.give(some(MIB), later), "it is to be watched again");
        assert!(waiting.let_go(later, Duration::ZERO), "all at once");
    }

    #[test]
    fn exactly_what_was_told() {
        let mut buffer = Buffer::of(5);
        buffer.add(b"abc").expect("room");
        assert!(buffer.add(b"def").is_err_and(|trouble| trouble.text.contains("more than 5")));
        buffer.add(b"de").expect("room");
        assert_eq!(buffer.whole().expect("all"), "abcde");
        let mut short = Buffer::of(5);
        short.add(b"abcd").expect("room");
        assert!(short.whole().is_err_and(|trouble| trouble.text.contains("4 of 5")));
    }
}
