//! A pool of memory for objects that are read whole. To touch fresh memory of such sizes for the first time costs more than
//! all that is done with it, and the allocator would return it to the system each time.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::error::S3Error;
use super::runtime;

/// Smaller buffers come from the allocator, which pools them itself.
const SMALLEST: usize = 256 << 10;

/// The most bytes in the pool.
const MOST: usize = 64 << 20;

/// How long memory stays in the pool at the least. It stays at most twice as long, because the pool is looked at this often.
const PATIENCE: Duration = Duration::from_secs(5);

static POOL: Mutex<Pool> = Mutex::new(Pool { memory: Vec::new(), watched: false });

/// A buffer for a number of bytes that is known before.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: Vec<u8>,
    length: usize,
}

impl Buffer {
    /// An empty buffer for `length` bytes.
    pub fn of(length: usize) -> Self {
        let memory = pool().take(length).unwrap_or_else(|| Vec::with_capacity(room_for(length)));
        Self { memory, length }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Where more came than were announced.
    pub fn add(&mut self, more: &[u8]) -> Result<(), S3Error> {
        if more.len() > self.length - self.memory.len() {
            return Err(S3Error::unavailable(format!("more than {} bytes came", self.length)));
        }
        self.memory.extend_from_slice(more);
        Ok(())
    }

    /// All bytes. When the last reader drops them, their memory goes back to the pool.
    ///
    /// # Errors
    /// Where fewer came than were announced.
    pub fn whole(self) -> Result<Bytes, S3Error> {
        match self.memory.len() == self.length {
            true => Ok(Bytes::from_owner(self)),
            false => Err(S3Error::unavailable(format!("{} of {} bytes came", self.memory.len(), self.length))),
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
        let is_first = pool().put(mem::take(&mut self.memory), Instant::now());
        if is_first && !runtime::begin(watch()) {
            pool().release(Instant::now(), Duration::ZERO); // no task could do so later
        }
    }
}

/// Frees memory that is too long in the pool, until the pool is empty.
async fn watch() {
    loop {
        tokio::time::sleep(PATIENCE).await;
        if pool().release(Instant::now(), PATIENCE) {
            return;
        }
    }
}

/// Unused memory, each with the time since when, the oldest first.
struct Pool {
    memory: Vec<(Instant, Vec<u8>)>,
    /// Whether the task [`watch`] runs.
    watched: bool,
}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The capacity for `length` bytes, rounded up so that it fits objects of about the same size. Untouched memory costs nothing.
fn room_for(length: usize) -> usize {
    if length < SMALLEST { length } else { length.next_power_of_two() }
}

impl Pool {
    /// Takes memory with room for `length` bytes and not much more.
    fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        let room = room_for(length);
        let fits = |(_, memory): &(Instant, Vec<u8>)| (room..2 * room).contains(&memory.capacity());
        let at = self.memory.iter().rposition(fits).filter(|_| length >= SMALLEST)?;
        Some(self.memory.remove(at).1)
    }

    /// Puts memory into the pool, if it is worth it; returns whether [`watch`] is to be started.
    fn put(&mut self, mut memory: Vec<u8>, now: Instant) -> bool {
        let held: usize = self.memory.iter().map(|(_, memory)| memory.capacity()).sum();
        if memory.capacity() < SMALLEST || held + memory.capacity() > MOST {
            return false;
        }
        memory.clear();
        self.memory.push((now, memory));
        !mem::replace(&mut self.watched, true)
    }

    /// Frees memory that has been unused for `patience`; returns whether the pool is empty, so that [`watch`] can end.
    fn release(&mut self, now: Instant, patience: Duration) -> bool {
        self.memory.retain(|(since, _)| now.duration_since(*since) < patience);
        self.watched = !self.memory.is_empty();
        !self.watched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn none() -> Pool {
        Pool { memory: Vec::new(), watched: false }
    }

    fn some(bytes: usize) -> Vec<u8> {
        vec![7; bytes]
    }

    #[test]
    fn used_again_empty_where_it_fits() {
        let (mut pool, now) = (none(), Instant::now());
        let memory = some(MIB);
        let place = memory.as_ptr();
        pool.put(memory, now);
        assert_eq!(pool.take(2 * MIB), None, "too small");
        assert_eq!(pool.take(MIB / 2), None, "much too large");
        assert_eq!(pool.take(10), None, "not worth it");
        let again = pool.take(MIB - 5).expect("it fits");
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert_eq!(pool.take(MIB - 5), None, "it is in use");
    }

    #[test]
    fn no_more_waits_than_a_bound_and_nothing_small() {
        let (mut pool, now) = (none(), Instant::now());
        for _ in 0..20 {
            pool.put(Vec::with_capacity(8 * MIB), now);
        }
        pool.put(Vec::with_capacity(1000), now);
        assert_eq!(pool.memory.len(), MOST / (8 * MIB));
    }

    #[test]
    fn what_waits_long_goes_and_one_watches_until_then() {
        let (mut pool, now) = (none(), Instant::now());
        let later = now + PATIENCE;
        assert!(pool.put(some(MIB), now), "the first is to be watched");
        assert!(!pool.put(some(2 * MIB), later), "it is watched already");
        assert!(!pool.release(later, PATIENCE), "one is left");
        assert_eq!(pool.take(MIB), None, "the first is gone");
        assert!(pool.release(later + PATIENCE, PATIENCE), "none is left");
        assert!(pool.put(some(MIB), later), "it is to be watched again");
        assert!(pool.release(later, Duration::ZERO), "all at once");
    }

    #[test]
    fn exactly_what_was_told() {
        let mut buffer = Buffer::of(5);
        buffer.add(b"abc").expect("room");
        assert!(buffer.add(b"def").is_err_and(|error| error.text.contains("more than 5")));
        buffer.add(b"de").expect("room");
        assert_eq!(buffer.whole().expect("all"), "abcde");
        let mut short = Buffer::of(5);
        short.add(b"abcd").expect("room");
        assert!(short.whole().is_err_and(|error| error.text.contains("4 of 5")));
    }
}
