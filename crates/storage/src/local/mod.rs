//! Objects as files below a folder, each visible whole or not at all.
//!
//! A key is the path of the file below the root. The stamp is the extended attribute `user.euterpe.stamp` of the file
//! (`stamps`), so that it becomes visible together with the content, and survives a move within a file system.
//! Links are followed as long as they stay below the root (`root`). Folders that became empty stay.
//!
//! Looking is four short system calls on metadata that is nearly always cached (a few us), so it is done where it is
//! asked; handing it to another thread would cost ten times as much. What waits for a disk (writing, removing,
//! listing) runs on tokio's blocking threads.

mod claims;
mod disk;
#[cfg(test)]
mod fault_tests;
mod list;
mod names;
mod root;
mod stamps;
mod sweep;
#[cfg(test)]
mod tests;
mod trouble;
mod write;

use std::{
    fs::File,
    io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use euterpe_actors::storage::{
    Content, KeepAlive, Object, ObjectInfo, Page, Stamp, Storage, StorageError, StorageErrorKind, Stored, is_key,
};
use rustix::fs::{OFlags, Stat};
use rustix::io::Errno;

use disk::Disk;
use root::Root;
use stamps::{Known, Stamps};
use trouble::Trouble;

pub use claims::{FolderClaims, sweep_claims};
pub use stamps::StampsIn;
pub use sweep::Swept;

/// How a folder is opened as a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSettings {
    /// Whether each write waits until the disk has it. Without, a power cut may lose the newest objects or leave some of
    /// them broken, of which the store then knows nothing; a killed process loses nothing either way.
    pub fsync: bool,
    /// Whether to make the folder if it is not there. Not for sources: a wrong path would look like an empty catalogue.
    pub create: bool,
    /// Where stamps are kept.
    pub stamps: StampsIn,
    /// The folder for stamps that cannot be attributes of their files; by default `.euterpe/stamps` below the root.
    pub stamp_folder: Option<PathBuf>,
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self { fsync: true, create: false, stamps: StampsIn::Attributes, stamp_folder: None }
    }
}

/// A folder as a store.
#[derive(Clone, Debug)]
pub struct LocalStorage {
    folder: Arc<Folder>,
}

/// What every call needs, shared with the threads that write and list.
#[derive(Debug)]
struct Folder {
    root: Root,
    stamps: Stamps,
    disk: Disk,
    fsync: bool,
}

/// An object in place, open for reading.
struct Placed {
    file: File,
    stat: Stat,
    stamp: Option<Stamp>,
}

impl LocalStorage {
    /// Opens `root` as a store.
    ///
    /// # Errors
    /// `Unavailable` if the folder is not there and may not be made, is no folder, or cannot be read.
    pub fn open(root: impl AsRef<Path>, settings: LocalSettings) -> Result<Self, StorageError> {
        let shown = root.as_ref().display().to_string();
        let error = |trouble: Trouble| {
            StorageError::new(StorageErrorKind::Unavailable, "open the store", &shown, trouble.text())
        };
        if settings.create {
            std::fs::create_dir_all(&root).map_err(|e| error(e.into()))?;
        }
        let root = Root::open(root.as_ref()).map_err(error)?;
        let stamp_folder = settings.stamp_folder.unwrap_or_else(|| root.path().join(STATE_FOLDER).join("stamps"));
        let stamps = Stamps::new(settings.stamps, stamp_folder, settings.fsync);
        Ok(Self { folder: Arc::new(Folder { root, stamps, disk: Disk::default(), fsync: settings.fsync }) })
    }

    /// Removes what writers that died left behind: temporary files that nobody has written to for `age`.
    ///
    /// Age goes by the clock of the file system. With `dry_run` it only tells.
    ///
    /// # Errors
    /// The store's own; what was removed until then stays removed.
    pub async fn sweep(&self, age: Duration, dry_run: bool) -> Result<Swept, StorageError> {
        self.on_thread("sweep", "", move |folder| sweep::sweep(folder, age, dry_run)).await
    }

    /// Does what waits for the disk on a thread that may wait. It goes on to its end even if nobody waits for it.
    async fn on_thread<T: Send + 'static>(
        &self,
        action: &'static str,
        path: &str,
        work: impl FnOnce(&Folder) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StorageError> {
        let folder = self.folder.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        let stopped = |e| StorageError::new(StorageErrorKind::Unavailable, action, path, e);
        done.map_err(stopped)?.map_err(|trouble| trouble.into_error(action, path))
    }
}

/// Euterpe's own folder; it may lie within a store, and is no part of it.
const STATE_FOLDER: &str = ".euterpe";

/// How the names of half-written files start.
const TEMP_PREFIX: &str = ".euterpe-tmp-";

/// The longest path that Linux opens, in bytes.
const LONGEST_PATH: usize = 4095;

/// Whether a name within the store is ours: never listed, never a key.
fn is_reserved(name: &[u8]) -> bool {
    name == STATE_FOLDER.as_bytes() || name.starts_with(TEMP_PREFIX.as_bytes())
}

impl Folder {
    /// Refuses what cannot be a key in this store.
    fn check_key(&self, path: &str) -> Result<(), Trouble> {
        if !is_key(path) {
            return Err(Trouble::Key("a key has segments with `/` between them, none empty, `.` or `..`".into()));
        }
        if let Some(ours) = path.split('/').find(|segment| is_reserved(segment.as_bytes())) {
            let ours: String = ours.chars().take(40).collect();
            return Err(Trouble::Key(format!("`{ours}` is a name that this program uses itself; choose another")));
        }
        // A deeper file could be made, step by step, and then be opened by nobody who only has its path.
        let room = LONGEST_PATH.saturating_sub(self.root.path().as_os_str().len() + 1);
        if path.len() > room {
            let length = path.len();
            return Err(Trouble::Key(format!(
                "it is too long: {length} bytes, where {room} are left below the folder"
            )));
        }
        Ok(())
    }

    /// The object at `path`, or none. Absence is only told while the root is there.
    fn placed(&self, path: &str) -> Result<Option<Placed>, Trouble> {
        self.check_key(path)?;
        let mut unmatched: Option<Stat> = None;
        loop {
            let Some(file) = self.open_file(path)? else { return Ok(None) };
            let stat = rustix::fs::fstat(&file)?;
            if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file() {
                return Ok(None);
            }
            match self.stamps.of(file.as_fd(), &stat, path)? {
                Known::For(stamp) => return Ok(Some(Placed { file, stat, stamp })),
                // Twice the same file without a stamp: a foreign one. Else it was replaced in between, so look again.
                Known::OtherVersions if unmatched.is_some_and(|before| is_same_version(&before, &stat)) => {
                    return Ok(Some(Placed { file, stat, stamp: None }));
                }
                Known::OtherVersions => unmatched = Some(stat),
            }
        }
    }

    fn open_file(&self, path: &str) -> Result<Option<File>, Trouble> {
        // Not blocking on a pipe that somebody put there; `O_NOCTTY` for the same reason.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        loop {
            let error = match self.root.open_below(path, flags) {
                Ok(file) => return Ok(Some(file.into())),
                Err(Trouble::Io(error)) => error,
                Err(trouble) => return Err(trouble),
            };
            match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR) if self.root.was_replaced()? => {}
                Some(Errno::NOENT | Errno::NOTDIR | Errno::NXIO) => return Ok(None),
                _ => return Err(error.into()),
            }
        }
    }

    fn look(&self, path: &str) -> Result<Option<ObjectInfo>, Trouble> {
        Ok(self.placed(path)?.map(Placed::info))
    }

    fn open(&self, path: &str) -> Result<Object, Trouble> {
        let placed = self.placed(path)?.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such object"))?;
        let file = self.root.real_path(placed.file.as_fd(), path);
        Ok(Object { info: placed.info(), content: Content::File(file), keep_alive: KeepAlive::default() })
    }
}

fn is_same_version(a: &Stat, b: &Stat) -> bool {
    let print = |s: &Stat| (s.st_ino, s.st_size, s.st_mtime, s.st_mtime_nsec);
    print(a) == print(b)
}

impl Placed {
    fn info(self) -> ObjectInfo {
        let since = Duration::new(self.stat.st_mtime.unsigned_abs(), self.stat.st_mtime_nsec as u32);
        let modified = (self.stat.st_mtime >= 0).then(|| SystemTime::UNIX_EPOCH + since);
        ObjectInfo { size: self.stat.st_size.unsigned_abs(), stamp: self.stamp, modified }
    }
}

#[async_trait]
impl Storage for LocalStorage {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.folder.look(path).map_err(|trouble| trouble.into_error("look for", path))
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        self.folder.open(path).map_err(|trouble| trouble.into_error("open", path))
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        let key = path.to_owned();
        self.on_thread("store", path, move |folder| folder.write(&key, &content, stamp)).await
    }

    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        let key = path.to_owned();
        self.on_thread("remove", path, move |folder| folder.remove(&key)).await
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        // Two pages may wait: the thread reads on while the first is looked at.
        let (send, mut pages) = tokio::sync::mpsc::channel(2);
        let under = prefix.to_owned();
        let listing = self.on_thread("list", prefix, move |folder| {
            list::walk(&folder.root, &under, list::Wanted::Objects, |page| send.blocking_send(page).is_ok())
        });
        let reading = async {
            while let Some(next) = pages.recv().await {
                if !page(&next) {
                    break;
                }
            }
            drop(pages); // the thread stops at its next page
        };
        let (listed, ()) = futures::join!(listing, reading);
        listed
    }

    fn place(&self) -> String {
        self.folder.root.path().display().to_string()
    }
}
