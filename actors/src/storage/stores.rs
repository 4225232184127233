//! The stores of a graph, by name.

use std::{collections::BTreeMap, sync::Arc};

use super::port::Storage;
use crate::ids::StoreName;

/// The stores of a graph by name.
#[derive(Clone, Debug, Default)]
pub struct Stores(BTreeMap<StoreName, Arc<dyn Storage>>);

impl Stores {
    /// Stores under their names.
    pub fn new(stores: impl IntoIterator<Item = (StoreName, Arc<dyn Storage>)>) -> Self {
        Self(stores.into_iter().collect())
    }

    /// The store of a name.
    ///
    /// # Panics
    /// If the plan names a store that assembly did not open: a fault of assembly, not of input.
    pub fn get(&self, name: &StoreName) -> &Arc<dyn Storage> {
        self.0.get(name).unwrap_or_else(|| panic!("store `{name}` was not opened at assembly"))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&StoreName, &Arc<dyn Storage>)> {
        self.0.iter()
    }
}
