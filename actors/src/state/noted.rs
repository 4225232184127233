//! Odd names of sources that this process read and did not record, because it only looks.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::ids::EntityId;

/// Of how many entities names are kept.
const MOST: usize = 100_000;

/// The names by entity; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Noted(Arc<Mutex<HashMap<EntityId, Vec<String>>>>);

impl Noted {
    /// Notes a name of an entity.
    pub(super) fn add(&self, entity: &EntityId, name: &str) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MOST || noted.contains_key(entity) {
            let names = noted.entry(entity.clone()).or_default();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }

    /// The names of an entity that were noted.
    pub(super) fn of(&self, entity: &EntityId) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(entity).cloned().unwrap_or_default()
    }
}
