//! Records that cannot be read: torn, of a newer version, or nobody's.

use euterpe_actors::setup::StoreIdentity;
use euterpe_actors::storage::{STORE_MARKER, Storage, StorageError, StorageErrorKind};

use super::{Garbage, GarbageKind};
use crate::session::Session;

impl Session {
    /// Removes the records that cannot be read, which all other methods pass over and keep, and what names the state or a
    /// store that the graph writes to, where that cannot be read; a dry run only finds them.
    pub async fn remove_unreadable(&self, dry_run: bool) -> Garbage {
        let mut found = Garbage::none(GarbageKind::Unreadable);
        let workspace = &self.workspace;
        let written = workspace.written_stores();
        let stores = workspace.stores.iter().filter(|(name, _)| written.contains(name)).map(|(_, storage)| &**storage);
        for storage in stores.chain([&**workspace.state.storage()]) {
            match remove_marker(storage, dry_run).await {
                Ok(Some(bytes)) => found.add(1, bytes),
                Ok(None) => {}
                Err(error) => found.problems.push(format!("{}: {error}", storage.place())),
            }
        }
        let state = &workspace.state;
        let records = match state.find_unreadable().await {
            Ok(records) => records,
            Err(error) => {
                found.problems.push(format!("the records: {error}"));
                return found;
            }
        };
        for key in records.keys() {
            let removed = async {
                let bytes = state.storage().look(key).await?.map_or(0, |info| info.size);
                if !dry_run {
                    // Without one of its chunks a run no longer has all of its ids, and must not seem to.
                    if let Some((run, _)) = key.split_once("/entities/") {
                        state.remove(&format!("{run}/read.json")).await?;
                    }
                    state.remove(key).await?;
                }
                Ok::<_, StorageError>(bytes)
            };
            match removed.await {
                Ok(bytes) => found.add(1, bytes),
                Err(error) => found.problems.push(error.to_string()),
            }
        }
        found
    }
}

/// Removes the marker of a store, if it cannot be read: the next who writes to the store over a broker names it anew. Returns
/// its bytes.
async fn remove_marker(storage: &dyn Storage, dry_run: bool) -> Result<Option<u64>, StorageError> {
    let error = match StoreIdentity::of(storage).await {
        Err(error) if error.kind == StorageErrorKind::Unreadable => error,
        read => return read.map(|_| None),
    };
    tracing::warn!("{error}");
    let bytes = storage.look(STORE_MARKER).await?.map_or(0, |info| info.size);
    if !dry_run {
        storage.remove(STORE_MARKER).await?;
    }
    Ok(Some(bytes))
}
