//! Leases whose own time says nothing of their age, for it is of the future: how long each was seen without being renewed.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Of how many leases it is remembered. Where there are more, all are watched anew.
const MOST: usize = 1 << 14;

/// The versions of leases that were seen, and since when. A renewal makes another version.
#[derive(Debug)]
pub(crate) struct Unrenewed<K, V>(Mutex<HashMap<K, (V, Instant)>>);

impl<K, V> Default for Unrenewed<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: PartialEq> Unrenewed<K, V> {
    /// How long this version of a lease is seen already, by the clock of this process.
    pub(crate) fn seen_for(&self, lease: K, version: V) -> Duration {
        let (now, mut seen) = (Instant::now(), self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if seen.len() >= MOST && !seen.contains_key(&lease) {
            seen.clear();
        }
        match seen.get(&lease) {
            Some((same, since)) if *same == version => now.duration_since(*since),
            _ => {
                seen.insert(lease, (version, now));
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_lease_counts_from_its_first_sight_and_anew_with_each_renewal() {
        let (leases, second) = (Unrenewed::default(), Duration::from_secs(1));
        assert_eq!(leases.seen_for("a", 1), Duration::ZERO);
        tokio::time::advance(9 * second).await;
        assert_eq!((leases.seen_for("a", 1), leases.seen_for("b", 1)), (9 * second, Duration::ZERO));
        assert_eq!(leases.seen_for("a", 2), Duration::ZERO);
        tokio::time::advance(second).await;
        assert_eq!((leases.seen_for("a", 2), leases.seen_for("b", 1)), (second, second));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_leases_are_remembered_than_there_is_room_for() {
        let leases = Unrenewed::default();
        for number in 0..3 * MOST {
            leases.seen_for(number, ());
        }
        assert!(leases.0.lock().expect("whole").len() <= MOST);
    }
}
