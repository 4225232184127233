//! Whether a folder tells `T` from `t`: found out when it is opened, and remembered in the folder for all who use it.
//!
//! Folders of macOS, exFAT, SMB and ext4 with `casefold` do not. Two machines may see one folder differently, over SMB and
//! on its own disk; so the first one that finds it out leaves a mark.

use std::{
    collections::HashMap,
    io,
    os::fd::AsFd,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::disk::Disk;
use super::error::LocalError;
use super::reserved::STATE_FOLDER;
use super::root::Root;
use super::spelling::{FolderNames, Spelling, each_name};

/// The mark of a folder that does not tell case, within Euterpe's own folder.
const MARK: &str = "names-without-case";

/// How many names of the folder are tried at the most.
const TRIED: usize = 256;

/// Whether the folder tells case. Where it may not be read, or holds nothing to try this with and may not be written to, that
/// is taken for granted: the stamps of outputs tell on a folder that does not.
pub(super) fn tells_case(root: &Root, disk: &Disk, may_write: bool) -> Result<bool, LocalError> {
    match find_out(root, disk, may_write) {
        Err(LocalError::Io(error)) if is_refusal(&error) => {
            tracing::debug!(folder = %root.path().display(), %error, "whether this folder tells case was not tried");
            Ok(true)
        }
        found => found,
    }
}

/// Whether a folder, as it is, lets nobody read or write.
fn is_refusal(error: &io::Error) -> bool {
    use Errno as E;
    matches!(Errno::from_io_error(error), Some(E::ACCESS | E::PERM | E::ROFS | E::NOSPC | E::DQUOT))
}

fn find_out(root: &Root, disk: &Disk, may_write: bool) -> Result<bool, LocalError> {
    let mark = format!("{STATE_FOLDER}/{MARK}");
    if stat(root, &mark)?.is_some() {
        return Ok(false);
    }
    let told = match try_names(root)? {
        Some(told) => told,
        None if may_write => try_new_once(root, disk)?,
        None => true,
    };
    if !told
        && may_write
        && let Err(error) = leave_mark(root, disk, &mark)
    {
        let (folder, error) = (root.path().display(), error.text());
        tracing::warn!(%folder, error, "could not mark that this folder does not tell `T` from `t`");
    }
    Ok(told)
}

fn leave_mark(root: &Root, disk: &Disk, mark: &str) -> Result<(), LocalError> {
    let folder = root.open_below(".", OFlags::RDONLY | OFlags::DIRECTORY)?;
    disk.make_folder(folder.as_fd(), STATE_FOLDER)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
    rustix::fs::openat(&folder, mark, flags, Mode::from_raw_mode(0o666)).map_err(LocalError::from)?;
    Ok(())
}

/// Looks for what lies in the folder under names of the other case; nothing where no name has letters.
fn try_names(root: &Root) -> Result<Option<bool>, LocalError> {
    let (mut names, mut count) = (Vec::new(), 0);
    each_name(root, ".", |name| {
        count += 1;
        names.extend(std::str::from_utf8(name).ok().filter(|name| swapped(name) != *name).map(str::to_owned));
        names.len() < 2 && count < TRIED
    })?;
    for name in names {
        if stat(root, &name)?.is_none() {
            continue; // removed in this moment
        }
        // Both may be there. Numbers of files do not tell: hard links share one, and FUSE gives each name its own.
        let other = swapped(&name);
        let is_named = || FolderNames::default().has(root, &other, Spelling::Form);
        return Ok(Some(stat(root, &other)?.is_none() || is_named()?));
    }
    Ok(None)
}

/// Tries a new file; for each folder once in this process.
fn try_new_once(root: &Root, disk: &Disk) -> Result<bool, LocalError> {
    let folder = root.open_below(".", OFlags::RDONLY | OFlags::DIRECTORY)?;
    let same = rustix::fs::fstat(&folder)?;
    // A new folder may get the number of one that is gone, and not its birth.
    let born = std::fs::metadata(root.path()).and_then(|folder| folder.created()).ok();
    let which = (same.st_dev, same.st_ino, born);
    if let Some(told) = tried().get(&which) {
        return Ok(*told);
    }
    let temp = disk.new_temp(folder)?;
    let told = stat(root, &swapped(temp.name()))?.is_none();
    tried().insert(which, told);
    Ok(told)
}

/// Device, number and birth of a folder.
type Which = (u64, u64, Option<SystemTime>);

/// The folders in which a new file was tried, and whether they tell case.
fn tried() -> MutexGuard<'static, HashMap<Which, bool>> {
    static TRIED: LazyLock<Mutex<HashMap<Which, bool>>> = LazyLock::new(Mutex::default);
    TRIED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stat(root: &Root, path: &str) -> Result<Option<Stat>, LocalError> {
    let folder = root.open_below(".", OFlags::RDONLY | OFlags::DIRECTORY)?;
    match rustix::fs::statat(&folder, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn swapped(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn told(root: &std::path::Path, may_write: bool) -> bool {
        let root = Root::open(root, false).expect("opened");
        tells_case(&root, &Disk::default(), may_write).expect("found out")
    }

    #[test]
    fn a_folder_is_asked_by_what_lies_in_it_or_by_a_new_file_and_a_mark_is_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        for names in [vec![], vec!["1"], vec!["a", "b"]] {
            names.iter().for_each(|name| fs::write(folder.path().join(name), "x").expect("written"));
            assert!(told(folder.path(), true) && told(folder.path(), false), "{names:?}");
        }
        // Hard links under both names are no sign.
        fs::remove_file(folder.path().join("b")).expect("removed");
        fs::hard_link(folder.path().join("a"), folder.path().join("A")).expect("linked");
        assert!(told(folder.path(), true));
        assert!(fs::read_dir(folder.path()).expect("read").count() == 3, "something was left");
        fs::create_dir(folder.path().join(".euterpe")).expect("made");
        fs::write(folder.path().join(".euterpe").join(MARK), "").expect("written");
        assert!(!told(folder.path(), false));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_opened_all_the_same_and_one_that_can_is_tried_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Root::open(folder.path(), false).expect("opened");
        let disk = Disk::default();
        for refusal in [Errno::ROFS, Errno::NOSPC, Errno::ACCESS] {
            disk.faults.plan(Some((0, refusal, true)));
            assert!(tells_case(&root, &disk, true).expect("opened"), "{refusal}");
        }
        disk.faults.plan(Some((0, Errno::IO, true)));
        assert!(tells_case(&root, &disk, true).is_err(), "a disk that is broken is told");
        disk.faults.plan(None);
        for _ in 0..3 {
            assert!(
                tells_case(&root, &disk, true).expect("opened") && tells_case(&root, &disk, false).expect("opened")
            );
        }
        let calls = disk.faults.plan(None);
        assert_eq!(calls.iter().filter(|call| **call == "create").count(), 1, "{calls:?}");
    }
}
