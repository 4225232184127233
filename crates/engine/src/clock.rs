//! The time, and numbers that no other process has.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time in milliseconds after the Unix epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A number that no other process has.
pub fn salt() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one((std::process::id(), now()))
}
