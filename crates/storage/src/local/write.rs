//! Writes one object: temporary file, content and hash in one pass, stamp, fsync, rename, fsync of the folder.

use std::{
    fs::File,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
};

use euterpe_actors::points::reach;
use euterpe_actors::storage::{Content, Stamp, Stored};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{Folder, disk::Temp, trouble::Trouble};

/// How much is read, hashed and written at a time.
const CHUNK: usize = 256 << 10;

impl Folder {
    /// Puts `content` in place at `path`; a newer stamp in place is never lowered.
    pub(super) fn write(&self, path: &str, content: &Content, stamp: Option<Stamp>) -> Result<Stored, Trouble> {
        self.check_key(path)?;
        self.root.was_replaced()?;
        let (parent, _) = split(path);
        self.write_in(self.make_folders(parent)?, path, content, stamp).map_err(|trouble| vanished(trouble, parent))
    }

    fn write_in(
        &self,
        folder: OwnedFd,
        path: &str,
        content: &Content,
        stamp: Option<Stamp>,
    ) -> Result<Stored, Trouble> {
        let (_, name) = split(path);
        let mut temp = self.disk.new_temp(folder)?;
        reach("temp_made");
        let hash = fill(&mut temp, content)?;
        reach("written");
        let claim = stamp.clone(); // until its hash is filled in, it says what it may replace
        let stamp = stamp.map(|stamp| Stamp { hash, ..stamp });
        let aside = self.stamps.attach(&temp, stamp.as_ref())?;
        reach("stamped");
        if self.fsync {
            temp.sync()?;
            reach("synced");
        }
        let folder = {
            let _turn = turn(temp.folder(), name)?;
            let placed = self.placed(path)?;
            if let (Some(mine), Some(theirs)) = (&claim, placed.as_ref().and_then(|p| p.stamp.as_ref()))
                && mine.is_older_than(theirs)
            {
                return Ok(Stored::NewerInPlace);
            }
            if aside {
                self.stamps.announce(&self.disk, path, &temp, stamp.as_ref(), placed.as_ref())?;
            }
            reach("before_rename");
            temp.place(name)?
        };
        reach("after_rename");
        if self.fsync {
            self.disk.sync_folder(folder.as_fd())?;
            reach("folder_synced");
        }
        Ok(Stored::Kept)
    }

    /// Removes the object at `path`, if there is one.
    pub(super) fn remove(&self, path: &str) -> Result<(), Trouble> {
        self.check_key(path)?;
        let (parent, name) = split(path);
        let folder = match self.open_folder(parent) {
            Ok(folder) => folder,
            Err(Trouble::Io(error)) if is_absence(&error) => return self.root.was_replaced().map(drop),
            Err(trouble) => return Err(trouble),
        };
        let _turn = turn(folder.as_fd(), name)?;
        match self.disk.remove(folder.as_fd(), name) {
            Err(error) if is_absence(&error) => return self.root.was_replaced().map(drop),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::ISDIR) => return Ok(()), // a folder is no object
            removed => removed?,
        }
        self.stamps.forget(path)?;
        if self.fsync {
            self.disk.sync_folder(folder.as_fd())?;
        }
        Ok(())
    }

    fn open_folder(&self, path: &str) -> Result<OwnedFd, Trouble> {
        self.root.open_below(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens the folder at `path`, and makes what is missing on the way.
    fn make_folders(&self, path: &str) -> Result<OwnedFd, Trouble> {
        match self.open_folder(path) {
            Err(Trouble::Io(error)) if is_absence(&error) => {}
            answered => return answered,
        }
        let mut parent = self.open_folder(".")?;
        let mut at = 0;
        while at < path.len() {
            let end = path[at..].find('/').map_or(path.len(), |length| at + length);
            parent = match self.open_folder(&path[..end]) {
                Err(Trouble::Io(error)) if Errno::from_io_error(&error) == Some(Errno::NOENT) => {
                    self.disk.make_folder(parent.as_fd(), &path[at..end])?;
                    reach("folder_made");
                    if self.fsync {
                        self.disk.sync_folder(parent.as_fd())?;
                    }
                    self.open_folder(&path[..end]).map_err(|trouble| vanished(trouble, &path[..end]))?
                }
                Err(Trouble::Io(error)) if Errno::from_io_error(&error) == Some(Errno::NOTDIR) => {
                    let file = &path[..end];
                    return Err(Trouble::Key(format!(
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

/// A folder that was just made and is not there: removed by somebody, or a link to nothing stands in its place.
fn vanished(trouble: Trouble, folder: &str) -> Trouble {
    match trouble {
        Trouble::Io(error) if is_absence(&error) => {
            Trouble::Root(format!("the folder `{folder}` is a link to nothing, or was removed in this moment"))
        }
        other => other,
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::NOTDIR))
}

/// Writes the content and hashes it on the way: BLAKE3 in hexadecimal.
fn fill(temp: &mut Temp<'_>, content: &Content) -> Result<String, Trouble> {
    let file = match content {
        Content::Bytes(bytes) => {
            temp.write(bytes)?;
            return Ok(blake3::hash(bytes).to_hex().to_string());
        }
        Content::File(file) => file,
    };
    let unreadable = |error| Trouble::Content(content.clone(), error);
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

/// Waits for the turn to replace one name in one folder, among all stores of this process.
///
/// Goes by the folder itself, so that two paths to it over links share a turn. Names share few locks; who shares one by
/// chance waits for a rename.
fn turn(folder: BorrowedFd<'_>, name: &str) -> Result<MutexGuard<'static, ()>, Trouble> {
    static TURNS: [Mutex<()>; 256] = [const { Mutex::new(()) }; 256];
    let stat = rustix::fs::fstat(folder)?;
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((stat.st_dev, stat.st_ino, name));
    Ok(TURNS[(hash % 256) as usize].lock().unwrap_or_else(PoisonError::into_inner))
}
