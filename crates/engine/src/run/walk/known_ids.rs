//! Which ids were found already, as far as there is room to remember them.

use std::collections::HashSet;
use std::sync::Arc;

use euterpe_actors::memory::Fingerprint;

use super::Walk;

/// Remembers ids while there is room. Beyond that the catalogue is gone through by parts, and each part tells which of its ids
/// come again.
#[derive(Debug)]
pub struct KnownIds {
    known: HashSet<Fingerprint>,
    walk: Option<Arc<Walk>>,
    is_full: bool,
}

impl KnownIds {
    /// None yet. Without a walk there is always room.
    pub fn of(walk: Option<Arc<Walk>>) -> Self {
        Self { known: HashSet::new(), walk, is_full: false }
    }

    /// Takes one; whether it is not known to have come before. Once it is full, one that is not known may have come all the same.
    pub fn is_new(&mut self, print: Fingerprint) -> bool {
        if self.known.contains(&print) {
            return false;
        }
        self.is_full |= self.walk.as_ref().is_some_and(|walk| !walk.has_room_for_ids(self.known.len()));
        if !self.is_full {
            self.known.insert(print);
        }
        true
    }

    /// Whether there is no more room.
    pub fn is_full(&self) -> bool {
        self.is_full
    }
}
