//! The clock of a folder's file system: the time of a nameless file that was touched just now.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps, UTIME_NOW};

use crate::local::disk::temp_name;
use crate::local::error::LocalError;

/// The clock of the file system of a folder. Its file is made at the first call.
#[derive(Debug)]
pub(super) struct FolderClock {
    folder: PathBuf,
    touched: Mutex<Option<File>>,
}

impl FolderClock {
    /// The clock of `folder`.
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), touched: Mutex::new(None) }
    }

    /// The time since 1970 by the clock of the file system.
    pub(super) fn now(&self) -> Result<Duration, LocalError> {
        let mut kept = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match kept.take() {
            Some(file) => file,
            None => self.new_file()?,
        };
        touch(&file)?;
        let now = written(&file)?;
        *kept = Some(file); // a file that failed is not kept: its disk may have been unmounted and mounted again
        Ok(now)
    }

    fn new_file(&self) -> Result<File, LocalError> {
        let path = self.folder.join(temp_name());
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o600))?;
        rustix::fs::unlinkat(CWD, &path, AtFlags::empty())?;
        Ok(file.into())
    }
}

/// Sets the time of change of a file to now, by the clock of its file system.
pub(super) fn touch(file: &File) -> Result<(), LocalError> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Ok(rustix::fs::futimens(file, &Timestamps { last_access: now, last_modification: now })?)
}

/// The time of change of a file, since 1970.
pub(super) fn written(file: &File) -> Result<Duration, LocalError> {
    let stat = rustix::fs::fstat(file)?;
    Ok(Duration::new(stat.st_mtime.unsigned_abs(), stat.st_mtime_nsec as u32))
}
