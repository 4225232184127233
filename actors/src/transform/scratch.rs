//! A private folder for one piece of work, made when first asked for and removed afterwards.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

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
        match fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !made => {}
            Err(error) => tracing::warn!(folder = %self.path.display(), %error, "could not remove a scratch folder"),
            Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
