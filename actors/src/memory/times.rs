//! Times by fingerprint: those that are learned one by one, and those of the part of a catalogue that is gone through.

use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasherDefault,
};

use super::fingerprint::{Fingerprint, PrehashedHasher};
use super::sorted_times::SortedTimes;

/// Times by fingerprint.
#[derive(Debug, Default)]
pub(super) struct Times {
    learned: HashMap<Fingerprint, u64, BuildHasherDefault<PrehashedHasher>>,
    part: SharedTimes,
    /// What the part has and is not to tell.
    removed: HashSet<Fingerprint, BuildHasherDefault<PrehashedHasher>>,
}

type SharedTimes = std::sync::Arc<SortedTimes>;

impl Times {
    /// The time of a fingerprint, the latest of all.
    pub fn get(&self, print: &Fingerprint) -> Option<u64> {
        let learned = if self.learned.is_empty() { None } else { self.learned.get(print).copied() };
        if self.part.is_empty() {
            return learned;
        }
        let of_part = self.part.get(print).filter(|_| self.removed.is_empty() || !self.removed.contains(print));
        learned.max(of_part)
    }

    /// How many were learned one by one.
    pub fn learned(&self) -> usize {
        self.learned.len()
    }

    /// Whether this one was learned by itself.
    pub fn has_learned(&self, print: &Fingerprint) -> bool {
        self.learned.contains_key(print)
    }

    /// Whether the part that is shown tells this one.
    pub fn is_in_part(&self, print: &Fingerprint) -> bool {
        self.part.get(print).is_some() && !self.removed.contains(print)
    }

    /// Learns one.
    pub fn insert(&mut self, print: Fingerprint, time: u64) {
        self.learned.insert(print, time);
    }

    /// Learns one, unless a later one is known.
    pub fn insert_latest(&mut self, print: Fingerprint, time: u64) {
        let latest = self.learned.entry(print).or_default();
        *latest = (*latest).max(time);
    }

    /// Forgets one.
    pub fn remove(&mut self, print: &Fingerprint) {
        self.learned.remove(print);
        if self.part.get(print).is_some() {
            self.removed.insert(*print);
        }
    }

    /// Takes those of a part, in place of the part before.
    pub fn show_part(&mut self, part: SharedTimes) {
        self.part = part;
        self.removed = HashSet::default();
    }
}
