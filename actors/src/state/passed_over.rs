//! Remembers which records were passed over, so that each is named once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The records that were passed over so far, with what is wrong with each.
#[derive(Debug, Default)]
pub(super) struct PassedOver(Mutex<BTreeMap<String, String>>);

impl PassedOver {
    /// Takes note of a record; whether it was not known yet.
    pub fn is_news(&self, key: &str, why: &str) -> bool {
        self.locked().insert(key.to_owned(), why.to_owned()).is_none()
    }

    /// Whether a record is among them.
    pub fn has(&self, key: &str) -> bool {
        self.locked().contains_key(key)
    }

    /// Forgets all, before they are looked for anew.
    pub fn clear(&self) {
        self.locked().clear();
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<String, String> {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
