//! A private folder for one piece of work, made when first asked for and removed afterwards.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// A folder that exists once somebody asked for it and is gone when this value is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    made: OnceLock<()>,
}

impl Scratch {
    /// A folder to be made at `path`, which nobody else uses.
    pub fn at(path: PathBuf) -> Self {
        Self { path, made: OnceLock::new() }
    }

    /// The folder, made at the first call.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn path(&self) -> io::Result<&Path> {
        if self.made.get().is_none() {
            fs::create_dir_all(&self.path)?;
            self.made.get_or_init(|| ());
        }
        Ok(&self.path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.made.get().is_some()
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(folder = %self.path.display(), %error, "could not remove a scratch folder");
        }
    }
}
