//! Folders as stores: the suite of the storage port, with stamps on the files and with stamps beside them.

use std::sync::Arc;

use euterpe::storage::local::{LocalSettings, LocalStorage, StampsIn};
use euterpe_actors::storage::Storage;

fn store(settings: LocalSettings) -> (Arc<dyn Storage>, tempfile::TempDir) {
    let root = tempfile::tempdir().expect("a folder");
    let store = LocalStorage::open(root.path(), settings).expect("opened");
    (Arc::new(store), root)
}

mod stamps_on_the_files {
    use super::*;
    euterpe_actors::storage_suite!(store(LocalSettings::default()));
}

mod stamps_beside_the_files {
    use super::*;
    euterpe_actors::storage_suite!(store(LocalSettings {
        stamps: StampsIn::Files,
        fsync: false,
        ..LocalSettings::default()
    }));
}
