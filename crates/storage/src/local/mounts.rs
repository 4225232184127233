//! The file systems that were seen mounted below a root. Where one of them is gone, its objects are not absent: the disk is.

use std::{
    collections::BTreeMap,
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use super::error::LocalError;
use super::file_system::{FileSystem, is_empty};
use super::linked_disks::LinkedDisks;
use super::plain_folders::PlainFolders;

/// What is known of the file systems below a root.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// Folders on another device than the folder above them, by their paths.
    below: RwLock<BTreeMap<String, FileSystem>>,
    /// Other folders that hold what was read or listed.
    plain: PlainFolders,
    /// Where links to files lead.
    linked: LinkedDisks,
}

/// A root with its own device.
type Place<'p> = (&'p Path, u64);

impl Mounts {
    /// Takes note of the device of a folder below `root`; the root itself is `.`.
    ///
    /// # Errors
    /// If the folder lay on a file system before that is not mounted any more, or an empty one is mounted over it.
    pub(super) fn note_folder(&self, place: Place<'_>, path: &str, device: u64) -> Result<(), LocalError> {
        if path == "." {
            return Ok(());
        }
        match self.known(path) {
            Some(seen) if seen.device() != device && !self.is_mounted(place.0, path, &seen) => {
                Err(unmounted(place.0, path))
            }
            Some(_) => Ok(()),
            None if self.plain.has(path) && device == self.device_of(place, path) => Ok(()),
            None => {
                self.check_plain(place, path)?;
                self.note_way(place, path);
                Ok(())
            }
        }
    }

    /// Takes note of an object below `root`, open as `file`, and of its device.
    pub(super) fn note_object(&self, place: Place<'_>, path: &str, file: BorrowedFd<'_>, device: u64) {
        let folder = parent_of(path);
        let is_noted = folder.is_empty() || self.plain.has(folder) || self.known(folder).is_some();
        if is_noted && (device == self.device_of(place, folder) || self.linked.has(device)) {
            return;
        }
        if self.plain.is_full() && device == place.1 {
            return;
        }
        self.note_way(place, folder);
        if device != self.device_of(place, folder) && device != place.1 {
            self.linked.note(file, device); // a link led to it
        }
    }

    /// Takes note of a folder and of those above it: which are mounted, and which are not.
    fn note_way(&self, place: Place<'_>, folder: &str) {
        let (root, mut above) = place;
        for folder in folders_to(folder) {
            let Ok(stat) = rustix::fs::stat(root.join(folder)) else { return };
            match self.known(folder) {
                Some(seen) if !self.is_mounted(root, folder, &seen) => return,
                Some(_) => {}
                None if stat.st_dev == above => self.plain.add(folder),
                None => {
                    self.plain.remove(folder);
                    self.note(root, folder, stat.st_dev);
                }
            }
            above = stat.st_dev;
        }
    }

    /// The device of a folder, as far as is known.
    fn device_of(&self, (_, own): Place<'_>, folder: &str) -> u64 {
        let mounts = self.below.read().unwrap_or_else(PoisonError::into_inner);
        if mounts.is_empty() {
            return own;
        }
        let way: Vec<&str> = folders_to(folder).collect();
        way.into_iter().rev().find_map(|folder| mounts.get(folder)).map_or(own, FileSystem::device)
    }

    /// Makes sure that what is not found at a path does not lie on a file system that is not mounted any more, and not below
    /// an empty one that is mounted over it.
    ///
    /// # Errors
    /// If it does.
    pub(super) fn check(&self, place: Place<'_>, path: &str) -> Result<(), LocalError> {
        let (root, _) = place;
        self.check_each(root, |folder| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))?;
        self.check_plain(place, parent_of(path))?;
        self.linked.check(&root.join(path))
    }

    /// Makes sure that nothing that a listing of what starts with `prefix` would show lies on a file system that is not mounted
    /// any more, or below an empty one that is mounted over it. What is mounted further down is seen by
    /// [`note_folder`](Self::note_folder).
    ///
    /// # Errors
    /// If something does.
    pub(super) fn check_listing(&self, place: Place<'_>, prefix: &str) -> Result<(), LocalError> {
        self.check_each(place.0, |folder| {
            let below = format!("{folder}/");
            below.starts_with(prefix) || prefix.starts_with(&below)
        })?;
        self.check_plain(place, parent_of(prefix))
    }

    /// Makes sure that nothing empty is mounted by now over a folder or one above it. Something else is taken note of.
    fn check_plain(&self, (root, own): Place<'_>, folder: &str) -> Result<(), LocalError> {
        let mut above = own;
        for folder in folders_to(folder) {
            let Ok(stat) = rustix::fs::stat(root.join(folder)) else { return Ok(()) };
            if stat.st_dev != above && self.plain.has(folder) {
                let there = file_system(&root.join(folder));
                match there.filter(|(real, there)| there.mounted_at() == real && !is_empty(real).unwrap_or(true)) {
                    Some((_, there)) => {
                        self.plain.remove(folder);
                        self.insert(folder, there);
                    }
                    None => return Err(unmounted(root, folder)),
                }
            }
            above = stat.st_dev;
        }
        Ok(())
    }

    fn check_each(&self, root: &Path, concerns: impl Fn(&str) -> bool) -> Result<(), LocalError> {
        let mounts = self.below.read().unwrap_or_else(PoisonError::into_inner);
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

    /// Takes note of the file system of a folder, if it has this device.
    fn note(&self, root: &Path, folder: &str, device: u64) {
        if let Some((_, there)) = file_system(&root.join(folder)).filter(|(_, there)| there.device() == device) {
            self.insert(folder, there);
        }
    }

    fn known(&self, folder: &str) -> Option<FileSystem> {
        self.below.read().unwrap_or_else(PoisonError::into_inner).get(folder).cloned()
    }

    fn insert(&self, folder: &str, there: FileSystem) {
        self.below.write().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned(), there);
    }
}

/// The path of the folder in which something lies; empty for the root.
fn parent_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The folders on the way to one, that one included, from the uppermost.
fn folders_to(folder: &str) -> impl Iterator<Item = &str> {
    let ends = folder.match_indices('/').map(|(end, _)| end).chain([folder.len()]);
    ends.filter(|end| *end > 0).map(|end| &folder[..end])
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
    use std::os::fd::AsFd;

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
        let file = std::fs::File::open("/proc/self/status").expect("opened");
        let mounts = Mounts::default();
        let place = (Path::new("/"), root.st_dev);
        mounts.note_object(place, "proc/self/status", file.as_fd(), status.st_dev);
        assert_eq!(mounts.known("proc").map(|seen| seen.device()), Some(status.st_dev));
        assert_eq!(mounts.below.read().expect("whole").len(), 1);
        assert!(mounts.plain.has("proc/self") && !mounts.plain.has("proc"));
        assert!(!mounts.linked.has(status.st_dev));
        mounts.note_folder(place, "proc/self/task", status.st_dev).expect("mounted");
        assert_eq!(mounts.below.read().expect("whole").len(), 1, "one mount is one entry");
    }
}
