//! The root folder: opens whatever lies below it, so that no path and no link leads out of it.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::error::LocalError;
use super::file_system::{FileSystem, is_empty};
use super::mounts::Mounts;
use super::open_path::path_of;
use super::seen_marker::SeenMarker;
use super::successor::Successor;

/// The folder that was opened, held open.
#[derive(Debug)]
pub(super) struct Root {
    /// As given, made absolute.
    path: PathBuf,
    opened: RwLock<Arc<Opened>>,
    /// Whether the kernel has no `openat2` (before 5.6, or forbidden in a sandbox).
    old_kernel: AtomicBool,
    /// Whether links may lead out of it.
    follows_out: bool,
    /// Whether this process makes it where it is not there.
    makes: bool,
    /// Whether anything was ever seen in it.
    had_content: AtomicBool,
    /// How often another folder took the place of the one that was opened.
    replacements: AtomicU64,
    pub(super) mounts: Mounts,
    pub(super) marker: SeenMarker,
    /// The folder whose file system is as good as dead.
    #[cfg(test)]
    dead: AtomicU64,
}

#[derive(Debug)]
struct Opened {
    folder: OwnedFd,
    /// Without links on the way.
    real: PathBuf,
    file_system: FileSystem,
    inode: u64,
}

impl Opened {
    fn at(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&folder)?;
        let real = std::fs::canonicalize(path)?;
        let file_system = FileSystem::of(&real)?;
        if file_system.device() != stat.st_dev {
            return Err(Errno::STALE.into()); // something was mounted or unmounted in this moment
        }
        Ok(Self { folder, real, file_system, inode: stat.st_ino })
    }
}

impl Root {
    /// Opens the folder at `path`.
    pub(super) fn open(path: &Path, follows_out: bool) -> Result<Self, LocalError> {
        let path = std::path::absolute(path)?;
        let opened = Opened::at(&path).map_err(|error| gone(&path, error))?;
        let had_content = !is_empty(&opened.real).map_err(|error| gone(&path, error))?;
        Ok(Self {
            marker: SeenMarker::below(&path),
            path,
            opened: RwLock::new(Arc::new(opened)),
            old_kernel: AtomicBool::new(false),
            follows_out,
            makes: false,
            had_content: AtomicBool::new(had_content),
            replacements: AtomicU64::new(0),
            mounts: Mounts::default(),
            #[cfg(test)]
            dead: Default::default(),
        })
    }

    /// The same, of a folder that this process makes where it is not there.
    pub(super) fn made(self, makes: bool) -> Self {
        Self { makes, ..self }
    }

    /// The folder as given, made absolute.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder without links on the way.
    pub(super) fn real(&self) -> PathBuf {
        self.opened().real.clone()
    }

    /// Takes note of the device of an open folder below; as [`Mounts::note_folder`].
    pub(super) fn note_folder(&self, path: &str, folder: BorrowedFd<'_>) -> Result<(), LocalError> {
        let device = rustix::fs::fstat(folder)?.st_dev;
        self.mounts.note_folder((&self.path, self.device()), path, device)
    }

    /// Takes note of an object below, open as `file`, and of its device.
    pub(super) fn note_object(&self, path: &str, file: BorrowedFd<'_>, device: u64) {
        if !self.had_content.load(Ordering::Relaxed) {
            self.had_content.store(true, Ordering::Relaxed); // rarely, for all threads look
        }
        self.mounts.note_object((&self.path, self.device()), path, file, device);
    }

    /// Makes sure that the disk of a path is still mounted; as [`Mounts::check`].
    pub(super) fn check_mounts(&self, path: &str) -> Result<(), LocalError> {
        self.mounts.check((&self.path, self.device()), path)
    }

    /// How often another folder took the place of the one that was opened, as far as that was noticed.
    pub(super) fn replacements(&self) -> u64 {
        self.replacements.load(Ordering::Relaxed)
    }

    /// Makes sure that all is there that a listing of what starts with `prefix` would show: the folder that was opened, with
    /// the marker that it had, and what was mounted below it.
    ///
    /// # Errors
    /// If something is not mounted any more. What lies there is not absent.
    pub(super) fn check_listing(&self, prefix: &str) -> Result<(), LocalError> {
        self.was_replaced()?; // a folder that was removed while it was open reads as empty
        self.marker.check(&self.path)?;
        self.mounts.check_listing((&self.path, self.device()), prefix)
    }

    /// The device on which the folder lies.
    pub(super) fn device(&self) -> u64 {
        self.opened().file_system.device()
    }

    fn opened(&self) -> Arc<Opened> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether another folder is now at the path of the root. Then that one is opened, and the caller is to try again.
    ///
    /// # Errors
    /// If there is no folder, or one that may not take its place, as [`Successor::check`] says. A disk that is not mounted shows
    /// an empty folder, which must never pass for a store in which everything is missing.
    pub(super) fn was_replaced(&self) -> Result<bool, LocalError> {
        let opened = self.opened();
        let stat = rustix::fs::stat(&self.path).map_err(|error| gone(&self.path, error.into()))?;
        if (stat.st_dev, stat.st_ino) == (opened.file_system.device(), opened.inode) {
            return Ok(false);
        }
        let now = Opened::at(&self.path).map_err(|error| gone(&self.path, error))?;
        let empty = is_empty(&now.real).map_err(|error| gone(&self.path, error))?;
        let successor = Successor {
            elsewhere: !now.file_system.is(&opened.file_system),
            mounted_alike: now.file_system.is_mounted_like(&opened.file_system, &now.real),
            empty,
            had_content: self.had_content.load(Ordering::Relaxed),
            makes: self.makes,
            marker: self.marker.compare(&now.real)?,
        };
        successor.check(&self.path)?;
        self.marker.note_below(&now.real)?;
        self.had_content.store(!empty, Ordering::Relaxed);
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(now);
        self.replacements.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }

    /// Opens what lies at `below`, following links that stay below the root, and others where they are allowed. Where another
    /// folder is at the path of the root by now, or its file system died and another is mounted in its place, it is opened
    /// there.
    ///
    /// # Errors
    /// As [`Root::was_replaced`], and those of the file system.
    pub(super) fn open_below(&self, below: &str, flags: OFlags) -> Result<OwnedFd, LocalError> {
        self.was_replaced()?; // a folder that was exchanged can still be read through what is open
        match self.open_in_opened(below, flags) {
            Err(LocalError::Io(error)) if is_of_dead_mount(&error) && self.was_replaced()? => {
                self.open_in_opened(below, flags)
            }
            answered => answered,
        }
    }

    fn open_in_opened(&self, below: &str, flags: OFlags) -> Result<OwnedFd, LocalError> {
        let opened = self.opened();
        #[cfg(test)]
        if opened.inode == self.dead.load(Ordering::Relaxed) {
            return Err(Errno::NOTCONN.into());
        }
        let flags = flags | OFlags::CLOEXEC;
        if self.old_kernel.load(Ordering::Relaxed) {
            return self.open_through_links(&opened, below, flags);
        }
        loop {
            match rustix::fs::openat2(&opened.folder, below, flags, Mode::empty(), ResolveFlags::BENEATH) {
                Ok(file) => return Ok(file),
                Err(Errno::AGAIN | Errno::INTR) => {} // something on the way was renamed in this moment
                Err(Errno::NOSYS | Errno::PERM) => {
                    self.old_kernel.store(true, Ordering::Relaxed);
                    return self.open_through_links(&opened, below, flags);
                }
                // A link that leaves, or one that is written with an absolute path and may still lead back in.
                Err(Errno::XDEV) => return self.open_through_links(&opened, below, flags),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Resolves all links first, checks where they lead, and opens that without following any.
    ///
    /// Where there is no `openat2`, this does not protect against somebody who may write below the root and replaces a folder by
    /// a link in just this moment.
    fn open_through_links(&self, opened: &Opened, below: &str, flags: OFlags) -> Result<OwnedFd, LocalError> {
        let target = std::fs::canonicalize(opened.real.join(below))?;
        let Ok(inside) = target.strip_prefix(&opened.real) else {
            if self.follows_out {
                return Ok(rustix::fs::open(&target, flags | OFlags::NOFOLLOW, Mode::empty())?);
            }
            return Err(LocalError::Key(format!(
                "a link on the way leads out of the store's folder, to {}; put the file itself there, or allow it by \
                 `links: follow`",
                target.display()
            )));
        };
        let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
        let flags = flags | OFlags::NOFOLLOW;
        let file = if self.old_kernel.load(Ordering::Relaxed) {
            rustix::fs::openat(&opened.folder, inside, flags, Mode::empty())?
        } else {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            rustix::fs::openat2(&opened.folder, inside, flags, Mode::empty(), resolve)?
        };
        Ok(file)
    }

    /// A path without links under which a child process can open the file that is open as `file`; none where another folder
    /// is now at the path of the root, so that the file is to be opened anew.
    ///
    /// # Errors
    /// As [`Root::was_replaced`]: a disk that was unmounted while its root was open can be read here, and by no child.
    pub(super) fn real_path(&self, file: BorrowedFd<'_>, below: &str) -> Result<Option<PathBuf>, LocalError> {
        let opened = self.opened();
        let plain = opened.real.join(below);
        // The kernel names a file that was replaced since `… (deleted)`; its successor lies at the plain path.
        let told = path_of(file).filter(|told| told.starts_with(&opened.real)); // none without /proc
        for path in told.into_iter().chain([plain.clone()]) {
            if is_same(&path, file) {
                return Ok(Some(path));
            }
        }
        Ok(if self.was_replaced()? { None } else { Some(plain) })
    }

    /// As if the kernel were an old one.
    #[cfg(test)]
    pub(super) fn pretend_old_kernel(&self) {
        self.old_kernel.store(true, Ordering::Relaxed);
    }

    /// As if the server of the file system had died on which the folder lies.
    #[cfg(test)]
    pub(super) fn pretend_dead(&self) {
        self.dead.store(self.opened().inode, Ordering::Relaxed);
    }
}

/// Whether a mount may say so that its server or its device is gone. It does not live again: it is mounted anew.
fn is_of_dead_mount(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::STALE | Errno::NOTCONN | Errno::NODEV | Errno::IO))
}

fn is_same(path: &Path, file: BorrowedFd<'_>) -> bool {
    match (rustix::fs::lstat(path), rustix::fs::fstat(file.as_fd())) {
        (Ok(there), Ok(open)) => (there.st_dev, there.st_ino) == (open.st_dev, open.st_ino),
        _ => false,
    }
}

fn gone(path: &Path, error: io::Error) -> LocalError {
    let folder = path.display();
    LocalError::Root(match error.kind() {
        io::ErrorKind::NotFound => format!("the folder {folder} of this store is not there; is the disk mounted?"),
        io::ErrorKind::NotADirectory => format!("{folder} is not a folder; a store needs one"),
        io::ErrorKind::PermissionDenied => {
            format!("the folder {folder} of this store may not be read; give this user the right to it")
        }
        _ => format!("the folder {folder} of this store cannot be opened: {error}"),
    })
}
