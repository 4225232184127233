//! A private folder for one piece of work, made when first asked for and removed afterwards.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::fs::Access;

use crate::actors_thread::assert_may_block;
use crate::blocking_threads::on_blocking_thread_soon;
use crate::node_trouble::remedy;
use crate::outcome::Fault;

/// A folder that is made when its path is first asked for, and removed when its last clone is dropped.
///
/// The worker keeps a clone until the products in it are stored.
#[derive(Clone, Debug)]
pub struct Scratch(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    made: OnceLock<()>,
    /// Whether another process may have made it since.
    promised: AtomicBool,
    /// Whether another process made it and removes it.
    lent: bool,
}

impl Scratch {
    /// A folder to be made at `path`, which nobody else uses.
    pub fn at(path: PathBuf) -> Self {
        Self(Arc::new(Folder { path, made: OnceLock::new(), promised: AtomicBool::new(false), lent: false }))
    }

    /// A folder that another process made and removes.
    pub fn lent(path: PathBuf) -> Self {
        Self(Arc::new(Folder { path, made: OnceLock::from(()), promised: AtomicBool::new(false), lent: true }))
    }

    /// The folder, made at the first call.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn path(&self) -> io::Result<&Path> {
        if self.0.made.get().is_none() {
            fs::create_dir_all(&self.0.path)?;
            self.0.made.get_or_init(|| ());
        }
        Ok(&self.0.path)
    }

    /// The folder as an absolute path, made at the first call.
    ///
    /// # Errors
    /// Where the folder cannot be made: trouble of the node, for it is no fault of the work.
    pub fn folder(&self) -> Result<PathBuf, Fault> {
        let made = self.path().and_then(std::path::absolute);
        made.map_err(|error| Fault::node_trouble(scratch_problem(&self.0.path, &error)))
    }

    /// Makes sure that the folder is still there and can be written to, if it was made here or by another process; where it
    /// was to be made by another one, that it can be made.
    ///
    /// # Errors
    /// Where it is gone, is no folder any more, or its disk or its rights changed.
    pub(crate) fn check(&self) -> io::Result<()> {
        let promised = self.0.promised.load(Ordering::Relaxed);
        if self.0.lent || !(promised || self.0.made.get().is_some()) {
            return Ok(());
        }
        if promised && !self.0.path.exists() {
            self.path()?;
        }
        match fs::metadata(&self.0.path)?.is_dir() {
            true => Ok(rustix::fs::access(&self.0.path, Access::WRITE_OK | Access::EXEC_OK)?),
            false => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Where it is, or would be.
    pub(crate) fn place(&self) -> &Path {
        &self.0.path
    }

    /// The path, for another process that may make the folder. It is removed as if it had been made here.
    pub fn promised(&self) -> &Path {
        self.0.promised.store(true, Ordering::Relaxed);
        &self.0.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let (made, promised) = (self.made.get().is_some(), self.promised.load(Ordering::Relaxed));
        if self.lent || !(made || promised) {
            return;
        }
        let removal = Removal(std::mem::take(&mut self.path));
        // Not on this thread, which may be the actors': a folder may hold much.
        on_blocking_thread_soon(|| drop(removal));
    }
}

/// Why a scratch folder is of no use, with what to do about it.
pub fn scratch_problem(folder: &Path, error: &io::Error) -> String {
    let remedy = remedy(error).unwrap_or(match error.kind() {
        io::ErrorKind::PermissionDenied => "give this user the right to write there",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "a file is in the way; move it away",
        io::ErrorKind::NotFound => "somebody removed it; is its disk mounted?",
        _ => "look at its disk, or put the state on another one (--state)",
    });
    format!("the scratch folder {} cannot be used: {error}; {remedy}", folder.display())
}

/// Removes a folder when it is dropped: a runtime that ends drops what it has not begun, and that must be done too.
struct Removal(PathBuf);

impl Drop for Removal {
    fn drop(&mut self) {
        if let Err(error) = remove_folder(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "could not remove a scratch folder");
        }
    }
}

/// How often others may be ahead of a removal.
const RACES: usize = 1000;

/// Removes a folder with all that is in it. It may be gone already, and others may remove it at the same time: at the end of a process
/// the folders of all works go, and with them the one that they lie in.
///
/// # Errors
/// What is left cannot be removed.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    assert_may_block("removing a folder with all that is in it");
    let mut removed = fs::remove_dir_all(path);
    for _ in 0..RACES {
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.exists() => return Ok(()),
            // Something within it went first. Each time there is less of it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => removed = fs::remove_dir_all(path),
            removed => return removed,
        }
    }
    removed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::FaultKind;

    #[test]
    fn a_scratch_folder_lives_as_long_as_its_last_clone() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let scratch = Scratch::at(parent.path().join("work"));
        let kept = scratch.clone();
        let path = scratch.path().expect("made").to_owned();
        drop(scratch);
        assert!(path.is_dir());
        drop(kept);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_several_remove_at_once_is_gone_and_nobody_fails() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        for round in 0..50 {
            let home = parent.path().join(round.to_string());
            for work in 0..8 {
                let folder = home.join(work.to_string()).join("deep");
                fs::create_dir_all(&folder).expect("made");
                (0..4).for_each(|file| fs::write(folder.join(file.to_string()), "x").expect("written"));
            }
            let folders: Vec<PathBuf> = (0..8).map(|work| home.join(work.to_string())).chain([home.clone()]).collect();
            let barrier = std::sync::Barrier::new(folders.len());
            std::thread::scope(|scope| {
                for folder in &folders {
                    scope.spawn(|| {
                        barrier.wait();
                        remove_folder(folder).expect("removed");
                    });
                }
            });
            assert!(!home.exists(), "round {round}");
        }
    }

    #[test]
    fn a_promised_scratch_folder_is_removed_if_somebody_made_it() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let scratch = Scratch::at(parent.path().join("work"));
        fs::create_dir(scratch.promised()).expect("made by somebody");
        drop(scratch);
        assert!(!parent.path().join("work").exists());
        Scratch::at(parent.path().join("never made")).promised();
    }

    #[test]
    fn a_lent_scratch_folder_is_left_to_its_owner() {
        let owner = tempfile::tempdir().expect("a temporary folder");
        drop(Scratch::lent(owner.path().to_owned()));
        assert!(owner.path().is_dir());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_trouble_of_the_node_with_its_place_and_remedy() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        fs::write(parent.path().join("home"), "no folder").expect("written");
        let path = parent.path().join("home/work");
        let fault = Scratch::at(path.clone()).folder().expect_err("made");
        assert_eq!(fault.kind, FaultKind::NodeTrouble);
        assert!(fault.text.contains(&path.display().to_string()) && fault.text.contains("move it away"), "{fault}");
        let denied = scratch_problem(&path, &io::ErrorKind::PermissionDenied.into());
        assert!(denied.contains("give this user the right"), "{denied}");
    }

    #[test]
    fn a_folder_that_is_gone_or_no_folder_any_more_is_found_and_one_that_nobody_made_is_not_missed() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let scratch = Scratch::at(parent.path().join("work"));
        scratch.check().expect("nobody asked for it yet");
        let path = scratch.path().expect("made").to_owned();
        scratch.check().expect("it is there");
        fs::remove_dir(&path).expect("removed");
        assert_eq!(scratch.check().expect_err("gone").kind(), io::ErrorKind::NotFound);
        fs::write(&path, "a file").expect("written");
        assert_eq!(scratch.check().expect_err("a file").kind(), io::ErrorKind::NotADirectory);
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("made"); // as it was
        let promised = Scratch::at(parent.path().join("a file/work"));
        promised.promised();
        promised.check().expect("it can be made");
        fs::remove_dir_all(parent.path().join("a file")).expect("removed");
        fs::write(parent.path().join("a file"), "").expect("written");
        promised.check().expect_err("it cannot be made");
    }
}
