//! The file systems that were seen mounted below a root. Where one of them is gone, its objects are not absent: the disk is.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use super::error::LocalError;
use super::file_system::{FileSystem, is_empty};

/// Folders below a root on another device than the root's, by their paths.
#[derive(Debug, Default)]
pub(super) struct Mounts(RwLock<BTreeMap<String, FileSystem>>);

impl Mounts {
    /// Takes note of the device of a folder below `root`, whose own device is `own`.
    ///
    /// # Errors
    /// If the folder lay on a file system before that is not mounted any more.
    pub(super) fn note_folder(&self, (root, own): (&Path, u64), path: &str, device: u64) -> Result<(), LocalError> {
        match self.known(path) {
            Some(seen) if seen.device() != device && !self.is_mounted(root, path, &seen) => Err(unmounted(root, path)),
            None if device != own => {
                self.note(root, path, device);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Takes note of the device of an object below `root`, whose own device is `own`.
    pub(super) fn note_object(&self, (root, own): (&Path, u64), path: &str, device: u64) {
        if device == own {
            return;
        }
        for folder in path.match_indices('/').map(|(end, _)| &path[..end]) {
            if self.known(folder).is_some() || self.note(root, folder, device) {
                return;
            }
        }
    }

    /// Makes sure that what is not found at a path does not lie on a file system that is not mounted any more.
    ///
    /// # Errors
    /// If it does.
    pub(super) fn check(&self, root: &Path, path: &str) -> Result<(), LocalError> {
        self.check_each(root, |folder| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Makes sure that nothing that a listing of what starts with `prefix` would show lies on a file system that is not mounted
    /// any more.
    ///
    /// # Errors
    /// If something does.
    pub(super) fn check_listing(&self, root: &Path, prefix: &str) -> Result<(), LocalError> {
        self.check_each(root, |folder| {
            let below = format!("{folder}/");
            below.starts_with(prefix) || prefix.starts_with(&below)
        })
    }

    fn check_each(&self, root: &Path, concerns: impl Fn(&str) -> bool) -> Result<(), LocalError> {
        let mounts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let concerned = mounts.iter().filter(|(folder, _)| concerns(folder));
        let concerned: Vec<_> = concerned.map(|(folder, seen)| (folder.clone(), seen.clone())).collect();
        drop(mounts);
        match concerned.iter().find(|(folder, seen)| !self.is_mounted(root, folder, seen)) {
            Some((folder, _)) => Err(unmounted(root, folder)),
            None => Ok(()),
        }
    }

    /// Whether a folder below `root` lies on the file system that was seen, or on one that is mounted again in its place and
    /// holds something. Such a one is the one to look for from then on.
    fn is_mounted(&self, root: &Path, folder: &str, seen: &FileSystem) -> bool {
        let path = root.join(folder);
        if rustix::fs::stat(&path).is_ok_and(|there| there.st_dev == seen.device()) {
            return true;
        }
        let Some((real, now)) = file_system(&path) else { return false };
        let again = now.is_mounted_like(seen, &real) && is_empty(&real).is_ok_and(|empty| !empty);
        if again {
            self.insert(folder, now);
        }
        again
    }

    /// Takes note of the file system of a folder, if it has this device. Returns whether it has.
    fn note(&self, root: &Path, folder: &str, device: u64) -> bool {
        match file_system(&root.join(folder)) {
            Some((_, there)) if there.device() == device => {
                self.insert(folder, there);
                true
            }
            _ => false,
        }
    }

    fn known(&self, folder: &str) -> Option<FileSystem> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(folder).cloned()
    }

    fn insert(&self, folder: &str, there: FileSystem) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned(), there);
    }
}

/// A folder without links on the way, and the file system on which it lies.
fn file_system(folder: &Path) -> Option<(PathBuf, FileSystem)> {
    let real = std::fs::canonicalize(folder).ok()?;
    let there = FileSystem::of(&real).ok()?;
    Some((real, there))
}

fn unmounted(root: &Path, folder: &str) -> LocalError {
    LocalError::Root(format!(
        "the folder {} of this store lies on another disk than before; is the disk mounted? if this is right, start again",
        root.join(folder).display()
    ))
}

#[cfg(test)]
mod tests {
    use euterpe_actors::storage::{Content, Storage, StorageErrorKind};

    use super::super::{LocalSettings, LocalStorage};
    use super::*;

    #[tokio::test]
    async fn what_lay_on_a_file_system_that_is_not_mounted_any_more_is_not_absent() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("nas/mel")).expect("a folder");
        std::fs::write(folder.path().join("nas/mel/t-1.npy"), "x").expect("written");
        std::fs::write(folder.path().join("nasty.npy"), "x").expect("written");
        let store = LocalStorage::open(folder.path(), LocalSettings::default()).expect("opened");
        let root = &store.folder.root;
        assert!(store.look("nas/mel/t-2.npy").await.expect("looked").is_none(), "nothing was mounted");
        // As if another disk had been mounted at `nas` until now.
        let nas = folder.path().join("nas");
        root.mounts.insert("nas", FileSystem::of(&nas).expect("there").other_device(&nas));
        let errors = [
            store.look("nas/mel/t-2.npy").await.map(drop).expect_err("looked"),
            store.open("nas/mel/t-2.npy").await.map(drop).expect_err("opened"),
            store.store("nas/mel/t-2.npy", Content::Bytes("x".into()), None).await.map(drop).expect_err("stored"),
            store.remove("nas/mel/t-2.npy").await.expect_err("removed"),
            store.list("", &mut |_| true).await.expect_err("listed"),
            store.list("nas/mel/", &mut |_| true).await.expect_err("listed"),
            store.list("nas/gone/t-", &mut |_| true).await.expect_err("listed"),
            store.list("na", &mut |_| true).await.expect_err("listed"),
        ];
        for error in errors {
            assert!(error.kind == StorageErrorKind::Unavailable && error.to_string().contains("mounted"), "{error}");
        }
        assert!(store.look("nasty.npy").await.expect("looked").is_some(), "it lies beside");
        assert!(store.look("nas.npy").await.expect("looked").is_none(), "it lies beside");
        assert!(!folder.path().join("nas/mel/t-2.npy").exists(), "written to the disk below");
        store.list("nasty", &mut |_| true).await.expect("it lies beside");
        // As where the folder for the disk went with it.
        std::fs::remove_dir_all(folder.path().join("nas")).expect("removed");
        for prefix in ["", "nas/", "nas/mel/"] {
            store.list(prefix, &mut |_| true).await.expect_err("listed");
        }
    }

    #[test]
    fn a_file_system_below_the_root_is_noted_where_it_begins() {
        let [root, status] = ["/", "/proc/self/status"].map(|path| rustix::fs::stat(path).expect("there"));
        let mounts = Mounts::default();
        mounts.note_object((Path::new("/"), root.st_dev), "proc/self/status", status.st_dev);
        assert_eq!(mounts.known("proc").map(|seen| seen.device()), Some(status.st_dev));
        assert_eq!(mounts.0.read().expect("whole").len(), 1);
    }
}
