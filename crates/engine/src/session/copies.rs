//! Folders that were copied with the marker that says which store they are: nobody can tell them from the original.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use euterpe_actors::setup::StoreIdentity;
use euterpe_actors::storage::{STORE_MARKER, Storage, StorageError};

/// The folder that a store is a copy of: the one that its marker names, where that is another folder of this machine today and
/// says that it is the same store. A folder that was moved, or is mounted at several places, is none.
///
/// # Errors
/// The store's own.
pub(super) async fn original(storage: &dyn Storage) -> Result<Option<String>, StorageError> {
    let Some((id, place)) = StoreIdentity::elsewhere(storage).await? else { return Ok(None) };
    Ok(is_another(Path::new(&place), Path::new(&storage.place()), &id).then_some(place))
}

fn is_another(original: &Path, here: &Path, id: &str) -> bool {
    let folder = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
    let (Some(there), Some(here)) = (folder(original), folder(here)) else { return false };
    let says = std::fs::read(original.join(STORE_MARKER)).ok();
    let says = says.and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    original.is_absolute() && there != here && says.is_some_and(|marker| marker["id"] == id)
}
