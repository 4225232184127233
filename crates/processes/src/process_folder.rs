//! A private folder of one process, with a lock that tells other processes whether it lives.
//!
//! ```text
//! scratch/home-MACHINE-PROCESS-NUMBER/…   its scratch folders, downloads and cache; made when something is put there
//! alive/home-MACHINE-PROCESS-NUMBER       locked for as long as the process lives, however it ends
//! ```

use std::{
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::FlockOperation;

/// The folder of private folders, in a state folder.
pub const SCRATCH_FOLDER: &str = "scratch";
/// The folder of locks, in a state folder.
pub(crate) const ALIVE: &str = "alive";
/// How the names of private folders start.
pub(crate) const PREFIX: &str = "home-";

/// The private folder of this process. Dropped, it is removed with all that is in it.
#[derive(Debug)]
pub struct ProcessFolder {
    path: PathBuf,
    lock: PathBuf,
    _locked: File,
}

impl ProcessFolder {
    /// Reserves one in a state folder. `number` tells apart those of one process.
    ///
    /// # Errors
    /// The lock cannot be had. The folder itself is made only when something is put there.
    pub fn take(state: &Path, number: u64) -> io::Result<Self> {
        let name = format!("{}{}-{number:x}", own_prefix(), std::process::id());
        let lock = state.join(ALIVE).join(&name);
        loop {
            fs::create_dir_all(state.join(ALIVE))?;
            let file = File::options().write(true).create(true).truncate(false).open(&lock)?;
            rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
            // Between the two, a process that removes leftovers may have removed the file.
            let same = |there: Metadata| file.metadata().is_ok_and(|ours| ours.ino() == there.ino());
            if fs::metadata(&lock).is_ok_and(same) {
                return Ok(Self { path: state.join(SCRATCH_FOLDER).join(name), lock, _locked: file });
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ProcessFolder {
    fn drop(&mut self) {
        // If it cannot be removed now, another process removes it later.
        for removed in [remove(&self.path), fs::remove_file(&self.lock)] {
            if let Err(error) = removed.or_else(unless_gone) {
                tracing::debug!(%error, "could not remove the private folder of this process");
            }
        }
    }
}

/// Removes a file, or a folder with all that is in it.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// No error if the file or folder was gone already.
pub(crate) fn unless_gone(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// How the names of private folders of this machine start.
pub(crate) fn own_prefix() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
    format!("{PREFIX}{}-", name.chars().take(64).map(plain).collect::<String>())
}
