//! Files that were claims of this process, kept to be claims again.
//!
//! Where hundreds of files a second are made and removed, ext4 looks for the place of each new one among all that were removed
//! within the last minutes, and every file of the disk becomes dear. So a claim that ends is renamed instead of removed, into
//! `claims/.spare`, and the next one is made by renaming it back, onto a name that nobody has. It is the same file then, but with
//! another time of change; whoever had found it old looks at that before it removes anything.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::fs::{CWD, FlockOperation, RenameFlags};
use rustix::io::Errno;

use super::clock::{FolderClock, touch};
use super::system::{make_folder, remove, remove_old};
use crate::local::disk::temp_name;
use crate::local::error::LocalError;

/// The folder of the spare files within that of the claims. No job has such a name.
const FOLDER: &str = ".spare";
/// How many are kept at most.
const MOST: usize = 256;
/// For how long nobody needed a spare file of a process that died before it goes.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3600);

/// The spare files of this process.
#[derive(Debug)]
pub(super) struct Spares {
    folder: PathBuf,
    files: Mutex<Vec<(PathBuf, File)>>,
    /// Whether the file system cannot rename onto a free name only, so that claims are made and removed.
    off: AtomicBool,
}

/// What came of a try to make a claim of a spare file.
pub(super) enum Reused {
    /// It is the claim.
    Taken(File),
    /// There is a claim.
    Exists,
    /// There was no file that could be used; a new one is to be made.
    No,
}

impl Spares {
    /// None yet, in this folder of claims. Removes what processes left behind that died long ago.
    ///
    /// # Errors
    /// Where what is left behind cannot be looked at.
    pub(super) fn of(claims: &Path) -> Result<Self, LocalError> {
        let folder = claims.join(FOLDER);
        let clock = FolderClock::of(claims);
        match std::fs::read_dir(&folder) {
            Ok(left) => {
                for file in left {
                    remove_old(&file?.path(), LEFT_BEHIND, &clock, false)?;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self { folder, files: Mutex::default(), off: AtomicBool::new(false) })
    }

    /// Makes the claim at `path` of a spare file.
    ///
    /// # Errors
    /// Where the file cannot be written, and [`Errno::NOENT`] where the folder of the claim is missing.
    pub(super) fn reuse(&self, path: &Path, note: &[u8]) -> Result<Reused, LocalError> {
        let Some((spare, file)) = self.files().pop() else { return Ok(Reused::No) };
        let written = file.write_all_at(note, 0).and_then(|()| file.set_len(note.len() as u64));
        if let Err(error) = written {
            remove(&spare)?;
            return Err(error.into());
        }
        touch(&file)?;
        match rustix::fs::renameat_with(CWD, &spare, CWD, path, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(Reused::Taken(file)),
            Err(Errno::EXIST) => {
                self.files().push((spare, file));
                Ok(Reused::Exists)
            }
            Err(Errno::NOENT) if spare.exists() => {
                self.files().push((spare, file));
                Err(Errno::NOENT.into())
            }
            Err(Errno::NOENT) => Ok(Reused::No), // somebody removed it
            Err(_) => {
                self.off.store(true, Ordering::Relaxed);
                remove(&spare)?;
                Ok(Reused::No)
            }
        }
    }

    /// Keeps the claim at `path`, which this process has locked, as a spare file; `false` where it is to be removed.
    ///
    /// # Errors
    /// Where the folder of the spare files cannot be made.
    pub(super) fn keep(&self, path: &Path, file: &File) -> Result<bool, LocalError> {
        if self.off.load(Ordering::Relaxed) || self.files().len() >= MOST {
            return Ok(false);
        }
        let spare = self.folder.join(temp_name());
        let rename = || rustix::fs::renameat_with(CWD, path, CWD, &spare, RenameFlags::NOREPLACE);
        let renamed = match rename() {
            Err(Errno::NOENT) if path.exists() => {
                make_folder(&self.folder)?;
                rename()
            }
            renamed => renamed,
        };
        match renamed {
            Ok(()) => {
                let file = file.try_clone()?;
                rustix::fs::flock(&file, FlockOperation::Unlock).or_else(without_locks)?;
                self.files().push((spare, file));
                Ok(true)
            }
            Err(Errno::NOENT) => Ok(true), // it is gone already
            Err(_) => {
                self.off.store(true, Ordering::Relaxed);
                Ok(false)
            }
        }
    }

    fn files(&self) -> MutexGuard<'_, Vec<(PathBuf, File)>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        for (spare, _) in self.files().drain(..) {
            if let Err(error) = std::fs::remove_file(&spare) {
                tracing::debug!("a file that was a claim stays at {}: {error}", spare.display());
            }
        }
        // Other nodes may have theirs there.
        if let Err(error) = std::fs::remove_dir(&self.folder) {
            tracing::trace!("{} stays: {error}", self.folder.display());
        }
    }
}

/// What a file system without locks says is no error.
fn without_locks(error: Errno) -> Result<(), Errno> {
    match error {
        Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS | Errno::INVAL => Ok(()),
        error => Err(error),
    }
}
