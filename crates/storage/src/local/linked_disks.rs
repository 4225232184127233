//! The disks to which links to files lead. Where one of them is not mounted any more, its files are not absent.

use std::{
    collections::{BTreeMap, VecDeque},
    ffi::OsString,
    os::fd::BorrowedFd,
    path::{Component, Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use super::error::LocalError;
use super::file_system::{FileSystem, is_empty};
use super::open_path::path_of;

/// The most links that are followed on the way to one file, as Linux does.
const MOST_LINKS: usize = 40;

/// File systems that links led to, by the folders at which they are mounted.
#[derive(Debug, Default)]
pub(super) struct LinkedDisks(RwLock<BTreeMap<PathBuf, FileSystem>>);

impl LinkedDisks {
    /// Whether one with this device is known.
    pub(super) fn has(&self, device: u64) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().any(|seen| seen.device() == device)
    }

    /// Takes note of the disk of a file, open as `file`, that has this device.
    pub(super) fn note(&self, file: BorrowedFd<'_>, device: u64) {
        let Some(real) = path_of(file) else { return };
        let there = real.parent().and_then(|folder| FileSystem::of(folder).ok());
        // Another device where something was mounted or unmounted in this moment.
        if let Some(there) = there.filter(|there| there.device() == device) {
            self.insert(there);
        }
    }

    /// Makes sure that what is not found at `path` does not lie behind a link to a disk that is not mounted any more.
    ///
    /// # Errors
    /// If it does.
    pub(super) fn check(&self, path: &Path) -> Result<(), LocalError> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if known.is_empty() {
            return Ok(());
        }
        let Some(target) = target(path) else { return Ok(()) };
        let concerned = known.values().filter(|seen| target.starts_with(seen.mounted_at()));
        let concerned: Vec<FileSystem> = concerned.cloned().collect();
        drop(known);
        match concerned.iter().find(|seen| !self.is_mounted(seen)) {
            Some(seen) => Err(LocalError::Root(format!(
                "{} is a link to a file of the disk that was mounted at {}; is the disk mounted? if this is right, start again",
                path.display(),
                seen.mounted_at().display()
            ))),
            None => Ok(()),
        }
    }

    /// Whether it is mounted, or another one in its place that holds something. That is the one to look for from then on.
    fn is_mounted(&self, seen: &FileSystem) -> bool {
        let place = seen.mounted_at();
        let Ok(now) = FileSystem::of(place) else { return false };
        let again = now.is(seen) || (now.mounted_at() == place && is_empty(place).is_ok_and(|empty| !empty));
        if again {
            self.insert(now);
        }
        again
    }

    fn insert(&self, there: FileSystem) {
        let place = there.mounted_at().to_owned();
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(place, there);
    }
}

/// Where a path leads, whether or not anything is there: without links on the way, and without `..`. None where the links lead
/// in a circle.
fn target(path: &Path) -> Option<PathBuf> {
    let names = |path: &Path| -> Vec<OsString> {
        let named = path.components().filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir));
        named.map(|part| part.as_os_str().to_owned()).collect()
    };
    let (mut at, mut left, mut links) = (PathBuf::from("/"), VecDeque::from(names(path)), 0);
    while let Some(name) = left.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        at.push(name);
        let Ok(to) = std::fs::read_link(&at) else { continue }; // no link, or not there
        links += 1;
        if links > MOST_LINKS {
            return None;
        }
        if to.is_absolute() {
            at = PathBuf::from("/");
        } else {
            at.pop();
        }
        names(&to).into_iter().rev().for_each(|name| left.push_front(name));
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn where_links_lead_is_known_although_nothing_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = std::fs::canonicalize(folder.path()).expect("there");
        std::fs::create_dir_all(root.join("src/deep")).expect("made");
        symlink("../../disk/a/../t-1", root.join("src/deep/relative")).expect("linked");
        symlink(root.join("gone/t-1"), root.join("src/absolute")).expect("linked");
        symlink(root.join("src"), root.join("other")).expect("linked");
        symlink("absolute", root.join("src/chain")).expect("linked");
        symlink("circle", root.join("src/circle")).expect("linked");
        let cases = [
            ("src/deep/relative", Some("disk/t-1")),
            ("src/absolute", Some("gone/t-1")),
            ("other/chain", Some("gone/t-1")),
            ("src/plain", Some("src/plain")),
            ("src/circle", None),
        ];
        for (path, leads) in cases {
            assert_eq!(target(&root.join(path)), leads.map(|leads| root.join(leads)), "{path}");
        }
    }

    #[test]
    fn a_link_to_a_disk_that_is_gone_leads_to_nothing_that_is_absent() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = std::fs::canonicalize(folder.path()).expect("there");
        std::fs::create_dir_all(root.join("disk")).expect("made");
        symlink("disk/t-1", root.join("link")).expect("linked");
        let disks = LinkedDisks::default();
        disks.check(&root.join("link")).expect("nothing is known");
        // As if another disk had been mounted there until now.
        let disk = root.join("disk");
        disks.insert(FileSystem::of(&disk).expect("there").other_device(&disk));
        let error = disks.check(&root.join("link")).expect_err("its disk is away");
        assert!(error.text().contains("is the disk mounted?"), "{}", error.text());
        disks.check(&root.join("other")).expect("it lies elsewhere");
        std::fs::remove_dir(&disk).expect("removed");
        disks.check(&root.join("link")).expect_err("the folder for the disk went with it");
    }
}
