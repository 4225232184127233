//! Whether a store was seen with its marker, the object by which it says which one it is, and what that said. A store that has
//! lost it is not empty: its disk is not mounted.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{PoisonError, RwLock},
};

use euterpe_actors::storage::STORE_MARKER;
use rustix::io::Errno;

use super::error::LocalError;

/// The longest marker that is read.
const LONGEST: usize = 4 << 10;

/// What was seen of the marker.
#[derive(Debug)]
pub(super) struct SeenMarker(RwLock<Seen>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// There was none.
    Not,
    /// It says this, where it says anything.
    With(Option<String>),
}

/// What the marker of a folder says, compared with the one that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkerNow {
    /// None was seen before.
    NeverSeen,
    /// It names the same store, or one of both names none.
    Same,
    /// It is not there any more.
    Lost,
    /// It names another store.
    Other,
}

impl SeenMarker {
    /// Looks for the marker below `root`.
    pub(super) fn below(root: &Path) -> Self {
        // One that may not be read is there all the same.
        Self(RwLock::new(read(root).unwrap_or(Seen::With(None))))
    }

    /// Takes note of an object that is there, open as `file`. Only the marker counts.
    pub(super) fn note_there(&self, path: &str, file: &File) -> io::Result<()> {
        if path == STORE_MARKER {
            self.set(Seen::With(id_in(file)?));
        }
        Ok(())
    }

    /// Takes note that the object at `path` was removed. Only the marker counts.
    pub(super) fn note_removed(&self, path: &str) {
        if path == STORE_MARKER {
            self.set(Seen::Not);
        }
    }

    /// Takes note of what is below `root` now, another folder than before.
    pub(super) fn note_below(&self, root: &Path) -> Result<(), LocalError> {
        self.set(read(root)?);
        Ok(())
    }

    fn set(&self, seen: Seen) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    fn seen(&self) -> Seen {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Compares what is below `root` with what was seen.
    pub(super) fn compare(&self, root: &Path) -> Result<MarkerNow, LocalError> {
        let Seen::With(seen) = self.seen() else { return Ok(MarkerNow::NeverSeen) };
        Ok(match (seen, read(root)?) {
            (_, Seen::Not) => MarkerNow::Lost,
            (Some(seen), Seen::With(Some(now))) if seen != now => MarkerNow::Other,
            _ => MarkerNow::Same,
        })
    }

    /// Makes sure that a marker that was seen below `root` is still there.
    ///
    /// # Errors
    /// If it is gone.
    pub(super) fn check(&self, root: &Path) -> Result<(), LocalError> {
        if self.seen() == Seen::Not {
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

/// What the marker below a folder says.
fn read(root: &Path) -> io::Result<Seen> {
    match File::open(root.join(STORE_MARKER)) {
        Ok(file) => Ok(Seen::With(id_in(&file)?)),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR) => Ok(Seen::Not),
            _ => Err(error),
        },
    }
}

/// The id in a marker; none where it has none that can be read.
fn id_in(file: &File) -> io::Result<Option<String>> {
    let mut bytes = vec![0; LONGEST];
    let length = file.read_at(&mut bytes, 0)?;
    let marker: Option<serde_json::Value> = serde_json::from_slice(&bytes[..length]).ok();
    Ok(marker.and_then(|marker| marker.get("id")?.as_str().map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use euterpe_actors::storage::{Content, Storage, StorageErrorKind};

    use super::super::{LocalSettings, LocalStorage};
    use super::*;

    fn open(root: &Path) -> LocalStorage {
        LocalStorage::open(root, LocalSettings::default()).expect("opened")
    }

    /// A store with a marker and one object.
    fn marked(root: &Path, id: &str) -> LocalStorage {
        fs::create_dir_all(root.join(".euterpe")).expect("made");
        fs::write(root.join(STORE_MARKER), format!("{{\"id\": \"{id}\"}}")).expect("written");
        fs::write(root.join("t-1"), "x").expect("written");
        open(root)
    }

    /// Another folder on the same device in the place of the store, as where something was mounted from that very disk.
    fn swap(root: &Path, away: &Path) {
        fs::rename(root, away).expect("renamed");
        fs::create_dir(root).expect("made");
    }

    #[tokio::test]
    async fn a_store_whose_place_an_empty_folder_took_is_gone_until_it_is_back() {
        let around = tempfile::tempdir().expect("a folder");
        let (root, away) = (around.path().join("store"), around.path().join("away"));
        let store = marked(&root, "mine");
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
                assert!(error.kind == StorageErrorKind::Replaced && text.contains("mounted"), "{text}");
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

    #[tokio::test]
    async fn another_store_in_the_place_of_one_is_told_apart_by_its_marker() {
        let around = tempfile::tempdir().expect("a folder");
        let at = |name: &str| around.path().join(name);
        let (root, away) = (at("store"), at("away"));
        let store = marked(&root, "mine");
        drop(marked(&at("other"), "theirs"));
        drop(marked(&at("copy"), "mine"));
        fs::rename(&root, &away).expect("renamed");
        fs::rename(at("other"), &root).expect("renamed");
        for path in ["t-9", STORE_MARKER] {
            let error = store.open(path).await.map(drop).expect_err("opened");
            let text = error.to_string();
            assert!(error.kind == StorageErrorKind::Replaced && text.contains("another store"), "{text}");
        }
        fs::rename(&root, at("other")).expect("renamed");
        fs::rename(at("copy"), &root).expect("renamed");
        assert!(store.look("t-9").await.expect("a copy of the store is the store").is_none());
        store.store("t-9", Content::Bytes("x".into()), None).await.expect("stored");
        assert!(root.join("t-9").exists(), "written elsewhere");
        fs::remove_file(root.join(STORE_MARKER)).expect("removed");
        fs::rename(&root, at("copy")).expect("renamed");
        fs::create_dir(&root).expect("made");
        fs::write(root.join("t-2"), "x").expect("written");
        let error = store.look("t-8").await.expect_err("content, and no marker");
        assert!(error.kind == StorageErrorKind::Unavailable && error.to_string().contains("has lost"), "{error}");
    }

    #[tokio::test]
    async fn a_source_that_an_empty_folder_replaced_is_trouble_until_there_is_content() {
        let around = tempfile::tempdir().expect("a folder");
        let root = around.path().join("music");
        fs::create_dir(&root).expect("made");
        fs::write(root.join("t-1"), "x").expect("written");
        let store = open(&root);
        swap(&root, &around.path().join("away"));
        for error in [
            store.look("t-2").await.map(drop).expect_err("looked"),
            store.open("t-1").await.map(drop).expect_err("opened"),
            store.list("", &mut |page| panic!("{page:?}")).await.expect_err("listed"),
        ] {
            let text = error.to_string();
            assert!(
                error.kind == StorageErrorKind::Unavailable && text.contains("not the one that was opened"),
                "{text}"
            );
        }
        fs::write(root.join("t-2"), "x").expect("written");
        assert!(store.look("t-2").await.expect("people swap folders").is_some());
        assert!(store.look("t-1").await.expect("looked").is_none(), "it is read from the former folder");
        // The new one is remembered, and what it held.
        fs::remove_file(root.join("t-2")).expect("removed");
        assert!(store.look("t-2").await.expect("looked").is_none(), "a source may be emptied, file by file");
        swap(&root, &around.path().join("second"));
        store.look("t-2").await.expect_err("looked");
    }

    #[tokio::test]
    async fn a_store_that_is_a_link_is_the_folder_to_which_it_leads_now() {
        let around = tempfile::tempdir().expect("a folder");
        let at = |name: &str| around.path().join(name);
        for name in ["first", "second"] {
            fs::create_dir(at(name)).expect("made");
            fs::write(at(name).join("t-1"), name).expect("written");
        }
        symlink(at("first"), at("store")).expect("linked");
        let store = open(&at("store"));
        let read = async || store.open("t-1").await.expect("opened").content.read().expect("read");
        assert_eq!((read().await, store.replacements().await.expect("asked")), ("first".into(), 0));
        symlink(at("second"), at("new")).expect("linked");
        fs::rename(at("new"), at("store")).expect("exchanged");
        assert_eq!(read().await, "second");
        store.store("t-2", Content::Bytes("x".into()), None).await.expect("stored");
        assert!(at("second").join("t-2").exists() && !at("first").join("t-2").exists());
        assert_eq!(store.replacements().await.expect("asked"), 1);
        fs::remove_file(at("store")).expect("removed");
        store.replacements().await.expect_err("it is nowhere");
    }
}
