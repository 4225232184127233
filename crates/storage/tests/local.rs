//! Folders as stores: the suite of the storage port, with stamps on the files and with stamps beside them.

use std::sync::Arc;

use euterpe_actors::storage::Storage;
use euterpe_storage::local::{LocalSettings, LocalStorage, StampsIn};

fn store(settings: LocalSettings) -> (Arc<dyn Storage>, tempfile::TempDir) {
    let root = tempfile::tempdir().expect("a folder");
    let store = LocalStorage::open(root.path(), settings).expect("opened");
    (Arc::new(store), root)
}

mod stamps_on_the_files {
    use super::*;
    euterpe_testkit::storage_suite!(store(LocalSettings::default()));
}

mod stamps_beside_the_files {
    use super::*;
    euterpe_testkit::storage_suite!(store(LocalSettings {
        stamps: StampsIn::Files,
        fsync: false,
        ..LocalSettings::default()
    }));
}
