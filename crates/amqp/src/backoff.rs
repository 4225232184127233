//! How long to wait before connecting again: longer each time, and different for each client.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that double up to a bound, each between half and all of its length.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    next: Duration,
    seed: u64,
}

impl Backoff {
    /// A backoff whose jitter `seed` chooses.
    pub fn new(seed: u64) -> Self {
        Self { next: FIRST, seed }
    }

    /// The next wait.
    pub fn wait(&mut self) -> Duration {
        let full = self.next;
        self.next = (full * 2).min(LONGEST);
        self.seed = xxhash_rust::xxh3::xxh3_64(&self.seed.to_le_bytes());
        full / 2 + full.mul_f64(0.5 * f64::from(self.seed as u32) / f64::from(u32::MAX))
    }

    /// Begins again with the first wait, after a success.
    pub fn reset(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_bound_and_two_clients_do_not_wait_alike() {
        let (mut one, mut two) = (Backoff::new(1), Backoff::new(2));
        let waits: Vec<(Duration, Duration)> = (0..12).map(|_| (one.wait(), two.wait())).collect();
        assert!(waits.iter().all(|(a, b)| *a <= LONGEST && *b <= LONGEST && a != b), "{waits:?}");
        assert!(waits[11].0 >= LONGEST / 2);
        one.reset();
        assert!(one.wait() <= FIRST);
    }
}
