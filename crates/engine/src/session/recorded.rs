//! The entities that runs were given, from their records: for graphs that have no source whose names could be listed.

use std::collections::BTreeSet;

use euterpe_actors::ids::EntityId;
use euterpe_actors::state::Selection;
use euterpe_actors::storage::StorageErrorKind;

use super::Session;
use crate::run::addressing::Addresses;

impl Session {
    /// The entities of the newest runs that jobs of the graph take, in the order of their ids: of all runs, or of as many as have
    /// at least `most`. Records that cannot be read are passed over.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn recorded_ids(&self, most: usize) -> anyhow::Result<Vec<EntityId>> {
        let (state, selection) = (&self.workspace.state, Selection::default());
        let addresses = Addresses::default();
        let mut ids = BTreeSet::new();
        for run in state.runs().await?.into_iter().rev() {
            if ids.len() >= most {
                break;
            }
            if self.is_other(run).await? {
                continue;
            }
            for chunk in state.chunks(run).await? {
                match state.chunk(&chunk).await {
                    Ok(some) => ids.extend(some),
                    // It went with its run since, or is damaged.
                    Err(error) if matches!(error.kind, StorageErrorKind::NotFound | StorageErrorKind::Unreadable) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let nodes = &self.workspace.nodes;
        Ok(ids.into_iter().filter(|id| addresses.of(nodes, &selection, id).is_ok()).collect())
    }
}
