//! What is done to the file of a claim: opened, locked, looked at, removed.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::Duration,
};

use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::clock::{FolderClock, touch, written};
use crate::local::error::LocalError;
use crate::local::file_age::age;

/// The most bytes that are read of a claim.
const MOST_NOTE: u64 = 4096;

/// Removes the claim at `path` if it was not renewed for `at_least`; with `dry_run` it stays. Returns its bytes; `None` where it
/// is not old. One of the future gets the time of now, as if it were renewed, so that its age is known the next time.
pub(super) fn remove_old(
    path: &Path,
    at_least: Duration,
    clock: &FolderClock,
    dry_run: bool,
) -> Result<Option<u64>, LocalError> {
    let Some(theirs) = open(path)? else { return Ok(None) };
    let since = written(&theirs)?;
    let Some(age) = age(since, clock.now()?) else {
        if !dry_run {
            touch(&theirs)?;
        }
        return Ok(None);
    };
    if age < at_least || !lock_unrenewed(&theirs, since)? || !is_at(path, &theirs)? {
        return Ok(None);
    }
    if !dry_run {
        remove(path)?;
    }
    Ok(Some(rustix::fs::fstat(&theirs)?.st_size.unsigned_abs()))
}

/// Locks a claim that was last renewed at this time, if it was not renewed meanwhile. Only one process can have the lock of
/// this very file, and only that one may remove it.
pub(super) fn lock_unrenewed(claim: &File, since: Duration) -> Result<bool, LocalError> {
    Ok(lock(claim)? && written(claim)? == since)
}

/// Makes a folder, unless it is there.
pub(super) fn make_folder(path: &Path) -> Result<(), LocalError> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.parent().unwrap_or(path).display();
            Err(LocalError::Root(format!("the folder {above} is not there; is the disk mounted?")))
        }
        made => Ok(made?),
    }
}

pub(super) fn open(path: &Path) -> Result<Option<File>, LocalError> {
    // For writing too: over a network the lock needs it.
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The content of a claim, as far as it can be read; it is only shown.
pub(super) fn read(file: &File) -> Vec<u8> {
    let mut note = Vec::new();
    match file.take(MOST_NOTE).read_to_end(&mut note) {
        Ok(_) => note,
        Err(_) => Vec::new(),
    }
}

/// Locks one file until it is closed; `false` where another process has the lock. On a file system without locks every
/// process gets it, and two that take over in the same moment may both succeed.
pub(super) fn lock(file: &File) -> Result<bool, LocalError> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) | Err(Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS | Errno::INVAL) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether this very file lies at `path`.
pub(super) fn is_at(path: &Path, file: &File) -> Result<bool, LocalError> {
    let open = rustix::fs::fstat(file)?;
    match rustix::fs::lstat(path) {
        Ok(there) => Ok((there.st_dev, there.st_ino) == (open.st_dev, open.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn remove(path: &Path) -> Result<(), LocalError> {
    match rustix::fs::unlinkat(CWD, path, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
