//! What time it is for a folder's file system: that of a file without a name, touched just now.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, Timespec, Timestamps, UTIME_NOW};

use super::super::{disk::temp_name, trouble::Trouble};

/// The clock of the file system that a folder lies in. One file for each node, made when it is first asked.
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

    /// The time since 1970, as the file system sees it.
    pub(super) fn now(&self) -> Result<Duration, Trouble> {
        let mut kept = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match kept.take() {
            Some(file) => file,
            None => self.new_file()?,
        };
        touch(&file)?;
        let now = written(&file)?;
        *kept = Some(file); // one that failed is not kept: its disk may have gone and come again
        Ok(now)
    }

    fn new_file(&self) -> Result<File, Trouble> {
        let path = self.folder.join(temp_name());
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o600))?;
        rustix::fs::unlinkat(CWD, &path, AtFlags::empty())?;
        Ok(file.into())
    }
}

/// Sets when a file was last written to now, by the clock of its file system.
pub(super) fn touch(file: &File) -> Result<(), Trouble> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    Ok(rustix::fs::futimens(file, &Timestamps { last_access: now, last_modification: now })?)
}

/// When a file was last written to, since 1970.
pub(super) fn written(file: &File) -> Result<Duration, Trouble> {
    let stat = rustix::fs::fstat(file)?;
    Ok(Duration::new(stat.st_mtime.unsigned_abs(), stat.st_mtime_nsec as u32))
}
