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

use euterpe_actors::transform::{remove_folder, scratch_problem};
use rustix::fs::{Access, FlockOperation};

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
    /// The lock cannot be had, or the folder cannot be made. It is made for good only when something is put there.
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
                let folder = Self { path: state.join(SCRATCH_FOLDER).join(name), lock, _locked: file };
                folder.try_out()?;
                return Ok(folder);
            }
        }
    }

    /// Makes the folder and removes it again: what keeps it from being made is better known before the work begins.
    fn try_out(&self) -> io::Result<()> {
        let tried = fs::create_dir_all(&self.path).and_then(|()| fs::remove_dir(&self.path).or_else(unless_gone));
        tried.map_err(|error| {
            let folder = self.path.parent().unwrap_or(&self.path);
            io::Error::new(error.kind(), scratch_problem(folder, &error))
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that is locked. What this process writes into it is still there when it was killed.
    pub fn lock(&self) -> &Path {
        &self.lock
    }
}

/// What is wrong with the folder of private folders in a state folder, where it is there and this user may write beside it.
pub fn scratch_trouble(state: &Path) -> Option<String> {
    let usable = |folder: &Path| match fs::metadata(folder)?.is_dir() {
        true => Ok(rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK)?),
        false => Err(io::Error::from(io::ErrorKind::NotADirectory)),
    };
    let folder = state.join(SCRATCH_FOLDER);
    usable(state).ok()?;
    match usable(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Some(scratch_problem(&folder, &error)),
        _ => None,
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
    if path.is_dir() { remove_folder(path) } else { fs::remove_file(path) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_folder_that_cannot_be_used_is_found_before_work_begins() {
        let state = tempfile::tempdir().expect("a folder");
        assert_eq!(scratch_trouble(state.path()), None, "not made yet");
        drop(ProcessFolder::take(state.path(), 1).expect("taken"));
        assert_eq!(scratch_trouble(state.path()), None);
        let scratch = state.path().join(SCRATCH_FOLDER);
        fs::remove_dir(&scratch).expect("empty");
        fs::write(&scratch, "a file").expect("written");
        let error = ProcessFolder::take(state.path(), 2).expect_err("taken").to_string();
        let found = scratch_trouble(state.path()).expect("found");
        for text in [error, found] {
            assert!(text.contains(&scratch.display().to_string()) && text.contains("a file is in the way"), "{text}");
        }
        assert_eq!(fs::read_dir(state.path().join(ALIVE)).expect("a folder").count(), 0, "no lock is left");
    }
}
