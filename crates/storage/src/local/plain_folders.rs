//! The folders below a root that were seen in use and are no mount points. Where one of them becomes one, what it held is
//! hidden, and not absent.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
};

use euterpe_actors::memory::Fingerprint;

/// The most folders that are remembered; further ones are not.
const MOST: usize = 1 << 16;

/// Folders on the file system of the folder above them.
#[derive(Debug, Default)]
pub(super) struct PlainFolders(RwLock<HashSet<Fingerprint>>);

impl PlainFolders {
    /// Whether this folder is one of them.
    pub(super) fn has(&self, folder: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&Fingerprint::of("", folder))
    }

    /// Whether no further one is remembered.
    pub(super) fn is_full(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len() >= MOST
    }

    /// Remembers a folder, while there is room.
    pub(super) fn add(&self, folder: &str) {
        if !self.is_full() {
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(Fingerprint::of("", folder));
        }
    }

    /// Forgets a folder.
    pub(super) fn remove(&self, folder: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&Fingerprint::of("", folder));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_folders_are_remembered_than_there_is_room_for() {
        let folders = PlainFolders::default();
        (0..MOST + 10).for_each(|number| folders.add(&number.to_string()));
        assert!(folders.has("0") && folders.is_full() && !folders.has(&(MOST + 1).to_string()));
        folders.remove("0");
        assert!(!folders.has("0") && !folders.is_full());
    }
}
