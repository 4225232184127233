//! Records that cannot be read: torn, of a newer version, or nobody's.

use super::{Garbage, GarbageKind};
use crate::session::Session;

impl Session {
    /// Removes the records that cannot be read, which all other methods pass over and keep; a dry run only finds them.
    pub async fn remove_unreadable(&self, dry_run: bool) -> Garbage {
        let mut found = Garbage::none(GarbageKind::Unreadable);
        let state = &self.workspace.state;
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
                Ok::<_, euterpe_actors::storage::StorageError>(bytes)
            };
            match removed.await {
                Ok(bytes) => found.add(1, bytes),
                Err(error) => found.problems.push(error.to_string()),
            }
        }
        found
    }
}
