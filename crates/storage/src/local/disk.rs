//! All calls that change the disk. Each passes `Disk::step`, so that a test can make any of them fail.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use rustix::fs::{AtFlags, Mode, OFlags, XattrFlags};
use rustix::io::Errno;

use super::journal::{Journal, Note};
use super::reserved::TEMP_PREFIX;

/// The disk that is written to.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// Where temporary files are noted, if anywhere.
    pub(super) journal: Option<Arc<Journal>>,
    #[cfg(test)]
    pub(super) faults: super::faults::Faults,
}

impl Disk {
    /// Fails where a test wants this call to fail.
    #[cfg_attr(not(test), allow(clippy::unused_self))]
    fn step(&self, call: &'static str) -> io::Result<()> {
        #[cfg(test)]
        self.faults.step(call)?;
        if euterpe_actors::points::refused(call) {
            return Err(Errno::NOSPC.into());
        }
        Ok(())
    }

    /// Makes a folder in `parent`, unless it is there.
    pub(super) fn make_folder(&self, parent: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        self.step("mkdir")?;
        match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a temporary file in `folder`. It is removed again unless it is put in place.
    pub(super) fn new_temp(&self, folder: OwnedFd) -> io::Result<Temp<'_>> {
        self.step("create")?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let name = temp_name();
            let note = self.note(&folder, &name);
            match rustix::fs::openat(&folder, &name, flags, Mode::from_raw_mode(0o666)) {
                Ok(file) => {
                    return Ok(Temp { disk: self, folder, name, file: file.into(), in_place: false, _note: note });
                }
                Err(Errno::EXIST) => {} // left by a dead process that had our process id
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Notes a temporary file that is about to be made. Without a note a later sweep finds it by its age.
    fn note(&self, folder: &OwnedFd, name: &str) -> Option<Note> {
        let journal = self.journal.as_ref()?;
        let path = std::fs::read_link(format!("/proc/self/fd/{}", folder.as_raw_fd()));
        match path.and_then(|path| journal.note(&path.join(name))) {
            Ok(note) => Some(note),
            Err(error) => {
                tracing::debug!(name, %error, "a temporary file is not noted");
                None
            }
        }
    }

    /// Waits until the disk has the entries of a folder.
    pub(super) fn sync_folder(&self, folder: BorrowedFd<'_>) -> io::Result<()> {
        self.step("fsync folder")?;
        Ok(rustix::fs::fsync(folder)?)
    }

    /// Removes a file from its folder.
    pub(super) fn remove(&self, folder: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        self.step("unlink")?;
        Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?)
    }
}

/// A name that no other writer uses: the process id, and a number that counts up from the time of the first call.
pub(super) fn temp_name() -> String {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        AtomicU64::new(now.map_or(1, |since| since.as_nanos() as u64))
    });
    format!("{TEMP_PREFIX}{}-{:x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A file that is being written, under a name that is never listed. It is removed when it is dropped.
#[derive(Debug)]
pub(super) struct Temp<'d> {
    disk: &'d Disk,
    folder: OwnedFd,
    name: String,
    file: File,
    in_place: bool,
    _note: Option<Note>,
}

impl Temp<'_> {
    /// Appends `bytes`.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.disk.step("write") {
            self.file.write_all(&bytes[..bytes.len() / 2])?; // a real disk fails in the middle
            return Err(error);
        }
        #[cfg(feature = "faults")]
        let bytes = {
            let (half, rest) = bytes.split_at(bytes.len() / 2);
            self.file.write_all(half)?;
            euterpe_actors::points::reach("half_written");
            rest
        };
        self.file.write_all(bytes)
    }

    /// Sets an extended attribute.
    pub(super) fn set_attribute(&self, name: &str, value: &[u8]) -> io::Result<()> {
        self.disk.step("setxattr")?;
        Ok(rustix::fs::fsetxattr(&self.file, name, value, XattrFlags::empty())?)
    }

    /// Waits until the disk has the content.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.disk.step("fsync")?;
        self.file.sync_all()
    }

    /// Renames the file to `name` in its folder, over whatever was there; returns the folder.
    pub(super) fn put_in_place(mut self, name: &str) -> io::Result<OwnedFd> {
        self.disk.step("rename")?;
        rustix::fs::renameat(&self.folder, &self.name, &self.folder, name)?;
        self.in_place = true;
        self.folder.as_fd().try_clone_to_owned()
    }

    /// The file itself.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The name that it has for now.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The folder in which it lies.
    pub(super) fn folder(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if self.in_place {
            return;
        }
        if let Err(error) = rustix::fs::unlinkat(&self.folder, &self.name, AtFlags::empty()) {
            tracing::warn!(name = %self.name, %error, "could not remove a temporary file; a sweep will");
        }
    }
}
