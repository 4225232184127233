//! Locks a folder for one process: a second process is told which one has it.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use euterpe_actors::node_trouble::remedy;
use rustix::fs::FlockOperation;
use thiserror::Error;

use crate::lock_holders::{is_dead, living_holders};

/// The name of the file that is locked.
const NAME: &str = "lock";

/// How long the lock of a dead process is waited for. A child that it was about to start holds the lock until the child's
/// program begins.
const RELEASE: Duration = Duration::from_secs(2);

/// A folder that this process has locked until this value is dropped or the process ends, however it ends.
///
/// The kernel's lock on the file `lock` in the folder decides. The number in that file is for people, so a file that a dead
/// process left is no obstacle.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
}

/// Why a folder cannot be locked.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process has it.
    #[error("the folder {} is in use by {}; wait for it, stop it, or use another folder", .folder.display(), holder(*.pid))]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The process that has it, where it could be read.
        pid: Option<u32>,
    },
    /// The folder cannot be made, or the file in it cannot be locked.
    #[error("the folder {} cannot be locked: {source}{}", .folder.display(), what_to_do(.source))]
    Refused {
        /// The folder.
        folder: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".into(), |pid| format!("process {pid}"))
}

fn what_to_do(error: &io::Error) -> String {
    remedy(error).map_or_else(String::new, |remedy| format!("; {remedy}"))
}

impl FolderLock {
    /// Locks `folder` for this process alone. A folder that is not there is made.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process, or another lock of this one, has it; a living one is not waited for.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let mut lock = Self::lock(folder, FlockOperation::NonBlockingLockExclusive)?;
        let refused = |source: io::Error| LockError::Refused { folder: folder.to_owned(), source };
        lock.file.set_len(0).and_then(|()| lock.file.rewind()).map_err(refused)?;
        writeln!(lock.file, "{}", std::process::id()).map_err(refused)?;
        Ok(lock)
    }

    /// Locks `folder` together with other processes that share it; one that wants it alone is refused meanwhile.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process has it alone.
    pub fn share(folder: &Path) -> Result<Self, LockError> {
        Self::lock(folder, FlockOperation::NonBlockingLockShared)
    }

    fn lock(folder: &Path, operation: FlockOperation) -> Result<Self, LockError> {
        let refused = |source: io::Error| LockError::Refused { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(refused)?;
        let path = folder.join(NAME);
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(refused)?;
        let until = Instant::now() + RELEASE;
        loop {
            match rustix::fs::flock(&file, operation) {
                Ok(()) => return Ok(Self { file }),
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(refused(error.into())),
            }
            let held = |pid: Option<u32>| LockError::Held { folder: folder.to_owned(), pid };
            // The kernel knows who has it now; the number in the file may be that of who had it before, alone.
            if let Some(living) = living_holders(&file).first() {
                return Err(held(Some(*living)));
            }
            let mut text = String::new();
            // A file that cannot be read leaves the process unnamed.
            let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
            match read.ok().and_then(|_| text.trim().parse().ok()) {
                Some(dead) if is_dead(dead) && Instant::now() > until => return Err(held(None)),
                Some(dead) if is_dead(dead) => {}
                named => return Err(held(named)),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the file releases the lock. Emptying it only spares people a stale number.
        if let Err(error) = self.file.set_len(0) {
            tracing::debug!(%error, "could not empty the lock file");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_told_which_has_the_folder_until_that_lets_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        let first = FolderLock::take(&state).expect("taken");
        let error = FolderLock::take(&state).expect_err("taken twice");
        let text = error.to_string();
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        assert!(text.contains(&state.display().to_string()), "{text}");
        drop(first);
        FolderLock::take(&state).expect("free again");
    }

    #[test]
    fn a_shared_folder_cannot_be_had_alone_and_one_had_alone_not_shared() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (FolderLock::share(folder.path()).expect("shared"), FolderLock::share(folder.path()));
        assert!(two.is_ok() && FolderLock::take(folder.path()).is_err());
        drop((one, two));
        let _alone = FolderLock::take(folder.path()).expect("free");
        assert!(FolderLock::share(folder.path()).is_err());
    }

    #[test]
    fn who_shares_a_folder_is_named_and_not_who_had_it_before() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(NAME), "999999999\n").expect("written");
        let _shared = FolderLock::share(folder.path()).expect("shared");
        let began = Instant::now();
        let text = FolderLock::take(folder.path()).expect_err("shared already").to_string();
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        assert!(began.elapsed() < RELEASE, "a living process was waited for");
    }

    #[test]
    fn what_a_dead_process_left_is_no_obstacle() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(NAME), "999999999\n").expect("written");
        let _held = FolderLock::take(folder.path()).expect("taken");
        let text = std::fs::read_to_string(folder.path().join(NAME)).expect("read");
        assert_eq!(text, format!("{}\n", std::process::id()));
    }
}
