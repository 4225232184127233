//! Writes one object: temporary file, content and hash in one pass, stamp, fsync, rename, fsync of the folder. Removes one.

use std::{
    fs::File,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
};

use euterpe_actors::points::{reach, write_begins};
use euterpe_actors::storage::{Content, Stamp, Stored};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::disk::Temp;
use super::error::LocalError;
use super::folder::Folder;
use super::spelling::Spelling;

/// How much is read, hashed and written at a time.
const CHUNK: usize = 256 << 10;

impl Folder {
    /// Puts `content` in place at `path`, unless the object in place has a newer stamp.
    pub(super) fn write(&self, path: &str, content: &Content, stamp: Option<Stamp>) -> Result<Stored, LocalError> {
        self.check_key(path)?;
        self.root.was_replaced()?;
        self.root.check_mounts(path)?; // else it would land on the disk below
        let (parent, _) = split(path);
        self.write_in(self.make_folders(parent)?, path, content, stamp).map_err(|error| vanished(error, parent))
    }

    fn write_in(
        &self,
        folder: OwnedFd,
        path: &str,
        content: &Content,
        stamp: Option<Stamp>,
    ) -> Result<Stored, LocalError> {
        let (_, name) = split(path);
        write_begins(path);
        let mut temp = self.disk.new_temp(folder)?;
        reach("temp_made");
        let hash = fill(&mut temp, content)?;
        reach("written");
        let wanted = stamp.clone(); // without the hash: decides what it may replace
        let stamp = stamp.map(|stamp| Stamp { hash, ..stamp });
        let beside = self.stamps.attach(&temp, stamp.as_ref())?;
        reach("stamped");
        if self.fsync {
            temp.sync()?;
            reach("synced");
        }
        let folder = {
            let _lock = lock_name(temp.folder(), name)?;
            let in_place = self.in_place(path)?;
            if let (Some(mine), Some(theirs)) = (&wanted, &in_place) {
                self.refuse_twin(path, mine, theirs.stamp.as_ref())?;
            }
            if let (Some(mine), Some(theirs)) = (&wanted, in_place.as_ref().and_then(|found| found.stamp.as_ref()))
                && mine.is_older_than(theirs)
            {
                return Ok(Stored::NewerInPlace);
            }
            if beside {
                self.stamps.write_beside(&self.disk, path, &temp, stamp.as_ref(), in_place.as_ref())?;
            }
            reach("before_rename");
            temp.put_in_place(name)?
        };
        reach("after_rename");
        if self.fsync {
            self.disk.sync_folder(folder.as_fd())?;
            reach("folder_synced");
        }
        Ok(Stored::Kept)
    }

    /// Refuses to replace what was made of another entity, or may have been, where the folder takes both names for one.
    fn refuse_twin(&self, path: &str, mine: &Stamp, theirs: Option<&Stamp>) -> Result<(), LocalError> {
        let other = theirs.and_then(|theirs| theirs.entity.as_ref());
        let suspect = match theirs {
            Some(theirs) if other.is_some() => mine.is_of_other(theirs),
            _ => mine.entity.is_some() && !self.names.tells_case,
        };
        if !suspect || self.spelled.has(&self.root, path, Spelling::Form)? {
            return Ok(());
        }
        let what = other.map_or("another object".to_owned(), |other| format!("the output of `{other}`"));
        Err(LocalError::Key(format!(
            "{what} lies there, and this folder takes both names for one; rename one of the two sources"
        )))
    }

    /// Removes the object at `path`, if there is one.
    pub(super) fn remove(&self, path: &str) -> Result<(), LocalError> {
        self.check_key(path)?;
        self.root.check_mounts(path)?;
        let (parent, name) = split(path);
        let folder = match self.open_folder(parent) {
            Ok(folder) => folder,
            Err(LocalError::Io(error)) if is_absence(&error) => return self.root.was_replaced().map(drop),
            Err(error) => return Err(error),
        };
        let _lock = lock_name(folder.as_fd(), name)?;
        match self.disk.remove(folder.as_fd(), name) {
            Err(error) if is_absence(&error) => return self.root.was_replaced().map(drop),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::ISDIR) => return Ok(()), // a folder is no object
            removed => removed?,
        }
        self.spelled.removed(path);
        self.root.marker.note_removed(path);
        self.stamps.remove_beside(path)?;
        if self.fsync {
            self.disk.sync_folder(folder.as_fd())?;
        }
        Ok(())
    }

    fn open_folder(&self, path: &str) -> Result<OwnedFd, LocalError> {
        self.root.open_below(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens the folder at `path`, and makes what is missing on the way.
    fn make_folders(&self, path: &str) -> Result<OwnedFd, LocalError> {
        match self.open_folder(path) {
            Err(LocalError::Io(error)) if is_absence(&error) => {}
            answered => return answered,
        }
        let mut parent = self.open_folder(".")?;
        let mut at = 0;
        while at < path.len() {
            let end = path[at..].find('/').map_or(path.len(), |length| at + length);
            parent = match self.open_folder(&path[..end]) {
                Err(LocalError::Io(error)) if Errno::from_io_error(&error) == Some(Errno::NOENT) => {
                    self.disk.make_folder(parent.as_fd(), &path[at..end])?;
                    reach("folder_made");
                    if self.fsync {
                        self.disk.sync_folder(parent.as_fd())?;
                    }
                    self.open_folder(&path[..end]).map_err(|error| vanished(error, &path[..end]))?
                }
                Err(LocalError::Io(error)) if Errno::from_io_error(&error) == Some(Errno::NOTDIR) => {
                    let file = &path[..end];
                    return Err(LocalError::Key(format!(
                        "`{file}` is a file where a folder is needed; move the file away"
                    )));
                }
                answered => answered?,
            };
            at = end + 1;
        }
        Ok(parent)
    }
}

/// The folder and the name of a key.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((".", path))
}

/// The error for a folder that was just made and is not there: it was removed meanwhile, or it is a link to nothing.
fn vanished(error: LocalError, folder: &str) -> LocalError {
    match error {
        LocalError::Io(error) if is_absence(&error) => {
            LocalError::Root(format!("the folder `{folder}` is a link to nothing, or was removed in this moment"))
        }
        other => other,
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::NOTDIR))
}

/// Writes the content and hashes it on the way: BLAKE3 in hexadecimal.
fn fill(temp: &mut Temp<'_>, content: &Content) -> Result<String, LocalError> {
    let file = match content {
        Content::Bytes(bytes) => {
            temp.write(bytes)?;
            return Ok(blake3::hash(bytes).to_hex().to_string());
        }
        Content::File(file) => file,
    };
    let unreadable = |error| LocalError::Content(content.clone(), error);
    let mut file = File::open(file).map_err(unreadable)?;
    let mut hasher = blake3::Hasher::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hasher.finalize().to_hex().to_string()),
            Ok(length) => {
                hasher.update(&chunk[..length]);
                temp.write(&chunk[..length])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
}

/// Locks one name of one folder against all other writers of this process.
///
/// The lock belongs to the folder itself, so two paths to it over links share it. There are fewer locks than names; a writer
/// whose name shares a lock by chance waits for one rename of another.
fn lock_name(folder: BorrowedFd<'_>, name: &str) -> Result<MutexGuard<'static, ()>, LocalError> {
    static LOCKS: [Mutex<()>; 256] = [const { Mutex::new(()) }; 256];
    let stat = rustix::fs::fstat(folder)?;
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((stat.st_dev, stat.st_ino, name));
    Ok(LOCKS[(hash % 256) as usize].lock().unwrap_or_else(PoisonError::into_inner))
}
