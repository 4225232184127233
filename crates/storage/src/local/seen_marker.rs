//! Whether a store was seen with its marker, the object by which it says which one it is. A store that has lost it is not
//! empty: its disk is not mounted.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use euterpe_actors::storage::STORE_MARKER;
use rustix::io::Errno;

use super::error::LocalError;

/// Whether the marker was seen.
#[derive(Debug)]
pub(super) struct SeenMarker(AtomicBool);

impl SeenMarker {
    /// Looks for the marker below `root`.
    pub(super) fn below(root: &Path) -> Self {
        Self(AtomicBool::new(root.join(STORE_MARKER).exists()))
    }

    /// Takes note that the object at `path` is there, or that it was removed. Only the marker counts.
    pub(super) fn note(&self, path: &str, is_there: bool) {
        if path == STORE_MARKER {
            self.0.store(is_there, Ordering::Relaxed);
        }
    }

    /// Makes sure that a marker that was seen below `root` is still there.
    ///
    /// # Errors
    /// If it is gone.
    pub(super) fn check(&self, root: &Path) -> Result<(), LocalError> {
        if !self.0.load(Ordering::Relaxed) {
            return Ok(());
        }
        match rustix::fs::stat(root.join(STORE_MARKER)) {
            Err(Errno::NOENT | Errno::NOTDIR) => Err(LocalError::Root(format!(
                "the folder {} of this store has lost its `{STORE_MARKER}`; is the disk mounted? if this is right, start again",
                root.display()
            ))),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use euterpe_actors::storage::{Content, Storage, StorageErrorKind};

    use super::super::{LocalSettings, LocalStorage};
    use super::*;

    fn open(root: &Path) -> LocalStorage {
        LocalStorage::open(root, LocalSettings::default()).expect("opened")
    }

    /// Another folder on the same device in the place of the store, as where something was mounted from that very disk.
    fn swap(root: &Path, away: &Path) {
        fs::rename(root, away).expect("renamed");
        fs::create_dir(root).expect("made");
    }

    #[tokio::test]
    async fn a_store_that_has_lost_its_marker_is_trouble_and_not_empty() {
        let around = tempfile::tempdir().expect("a folder");
        let (root, away) = (around.path().join("store"), around.path().join("away"));
        fs::create_dir_all(root.join(".euterpe")).expect("made");
        fs::write(root.join(STORE_MARKER), "{}").expect("written");
        fs::write(root.join("t-1"), "x").expect("written");
        let store = open(&root);
        store.list("", &mut |_| true).await.expect("listed");
        swap(&root, &away);
        for _ in 0..2 {
            let errors = [
                store.list("", &mut |page| panic!("{page:?}")).await.expect_err("listed"),
                store.look("t-9").await.map(drop).expect_err("looked"),
                store.open("t-1").await.map(drop).expect_err("opened, although no child would find it"),
                store.store("t-2", Content::Bytes("x".into()), None).await.map(drop).expect_err("stored"),
            ];
            for error in errors {
                let text = error.to_string();
                assert!(error.kind == StorageErrorKind::Unavailable && text.contains("mounted"), "{text}");
            }
        }
        fs::remove_dir(&root).expect("nothing was written into it");
        fs::rename(&away, &root).expect("mounted again");
        assert!(store.look("t-1").await.expect("looked").is_some());
    }

    #[tokio::test]
    async fn a_marker_counts_once_it_is_written_and_until_it_is_removed() {
        let around = tempfile::tempdir().expect("a folder");
        let root = around.path().join("store");
        fs::create_dir(&root).expect("made");
        let store = open(&root);
        swap(&root, &around.path().join("first"));
        store.list("", &mut |_| true).await.expect("it never had one");
        store.store(STORE_MARKER, Content::Bytes("{}".into()), None).await.expect("stored");
        assert!(store.look(STORE_MARKER).await.expect("looked").is_some());
        store.remove(STORE_MARKER).await.expect("removed");
        store.list("", &mut |_| true).await.expect("it was taken away on purpose");
        store.store(STORE_MARKER, Content::Bytes("{}".into()), None).await.expect("stored");
        assert!(store.look(STORE_MARKER).await.expect("looked").is_some());
        fs::remove_file(root.join(STORE_MARKER)).expect("removed");
        store.list("", &mut |_| true).await.expect_err("it is gone");
    }
}
