//! Looks at the objects below a root: checks keys, opens files, finds their stamps.

use std::{fs::File, io, os::fd::AsFd, path::PathBuf};

use euterpe_actors::storage::{Content, KeepAlive, Object, ObjectInfo, STORE_MARKER, is_key};
use euterpe_actors::template::NameRules;
use rustix::fs::{OFlags, Stat};
use rustix::io::Errno;

use super::disk::Disk;
use super::error::LocalError;
use super::in_place::InPlace;
use super::reserved::is_reserved;
use super::root::Root;
use super::spelling::FolderNames;
use super::stamps::{FoundStamp, Stamps};

/// The longest path that Linux opens, in bytes.
const LONGEST_PATH: usize = 4095;

/// The state of a store. Threads that write and list share it.
#[derive(Debug)]
pub(super) struct Folder {
    pub root: Root,
    pub stamps: Stamps,
    pub disk: Disk,
    /// What names it can hold.
    pub names: NameRules,
    /// The names that were read of its folders.
    pub spelled: FolderNames,
    /// Folders that no link leads a listing into.
    pub outputs: Vec<PathBuf>,
    /// Whether each write waits until the disk has it.
    pub fsync: bool,
}

impl Folder {
    /// Refuses what cannot be a key in this store.
    pub(super) fn check_key(&self, path: &str) -> Result<(), LocalError> {
        if !is_key(path) {
            return Err(LocalError::Key("a key has segments with `/` between them, none empty, `.` or `..`".into()));
        }
        let ours = path.split('/').find(|segment| is_reserved(segment.as_bytes()));
        if let Some(ours) = ours.filter(|_| path != STORE_MARKER) {
            let ours: String = ours.chars().take(40).collect();
            return Err(LocalError::Key(format!("`{ours}` is a name that this program uses itself; choose another")));
        }
        // A longer path could be made folder by folder, but could not be opened as one path afterwards.
        let room = LONGEST_PATH.saturating_sub(self.root.path().as_os_str().len() + 1);
        if path.len() > room {
            let length = path.len();
            return Err(LocalError::Key(format!(
                "it is too long: {length} bytes, where {room} are left below the folder"
            )));
        }
        Ok(())
    }

    /// The object at `path`; `None` where there is none. A missing root is an error and never an absent object.
    pub(super) fn in_place(&self, path: &str) -> Result<Option<InPlace>, LocalError> {
        self.check_key(path)?;
        let mut unmatched: Option<Stat> = None;
        loop {
            let Some(file) = self.open_file(path)? else { return Ok(None) };
            let stat = rustix::fs::fstat(&file)?;
            if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() {
                return Ok(None);
            }
            self.root.note_object(path, file.as_fd(), stat.st_dev);
            self.root.marker.note_there(path, &file)?;
            match self.stamps.of(file.as_fd(), &stat, path)? {
                FoundStamp::Known(stamp) => return Ok(Some(InPlace { file, stat, stamp, is_overwritten: false })),
                FoundStamp::OfOtherBytes => {
                    return Ok(Some(InPlace { file, stat, stamp: None, is_overwritten: true }));
                }
                // The same file twice without a stamp is a foreign one. Else it was replaced in between, so look again.
                FoundStamp::OtherVersions if unmatched.is_some_and(|before| is_same_version(&before, &stat)) => {
                    return Ok(Some(InPlace { file, stat, stamp: None, is_overwritten: false }));
                }
                FoundStamp::OtherVersions => unmatched = Some(stat),
            }
        }
    }

    fn open_file(&self, path: &str) -> Result<Option<File>, LocalError> {
        // Never block on a pipe or a terminal that somebody put there.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        loop {
            let error = match self.root.open_below(path, flags) {
                Ok(file) => return Ok(Some(file.into())),
                Err(LocalError::Io(error)) => error,
                Err(error) => return Err(error),
            };
            match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR) if self.root.was_replaced()? => {}
                Some(Errno::NOENT | Errno::NOTDIR | Errno::NXIO) => return self.root.check_mounts(path).map(|()| None),
                _ => return Err(error.into()),
            }
        }
    }

    pub(super) fn look(&self, path: &str) -> Result<Option<ObjectInfo>, LocalError> {
        Ok(self.in_place(path)?.map(InPlace::info))
    }

    pub(super) fn open(&self, path: &str) -> Result<Object, LocalError> {
        loop {
            let found =
                self.in_place(path)?.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such object"))?;
            let Some(file) = self.root.real_path(found.file.as_fd(), path)? else { continue };
            return Ok(Object { info: found.info(), content: Content::File(file), keep_alive: KeepAlive::default() });
        }
    }
}

fn is_same_version(a: &Stat, b: &Stat) -> bool {
    let version = |s: &Stat| (s.st_ino, s.st_size, s.st_mtime, s.st_mtime_nsec);
    version(a) == version(b)
}
