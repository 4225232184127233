//! A file in the scratch folder that is removed when its last reader is done.

use std::{
    fs::{self, File, Metadata},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A file with the bytes of an object. It is removed when it is dropped.
#[derive(Debug)]
pub(super) struct ScratchFile(PathBuf);

impl ScratchFile {
    /// A new file for the object under `key`, open for writing.
    pub fn create(folder: &Path, key: &str) -> io::Result<(Self, File)> {
        let path = new_name(folder, key)?;
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok((Self(path), file))
    }

    /// A new file of these bytes.
    pub fn of_bytes(folder: &Path, key: &str, bytes: &[u8]) -> io::Result<Self> {
        let (made, mut file) = Self::create(folder, key)?; // removed again if it cannot be written
        file.write_all(bytes)?;
        Ok(made)
    }

    /// A hard link to a file of the work, which the work removes under its own name.
    pub fn linked(folder: &Path, key: &str, from: &Path) -> io::Result<Self> {
        let path = new_name(folder, key)?;
        fs::hard_link(from, &path)?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, "a file of an object was not removed");
        }
    }
}

/// A new name with the extension of the key, by which programs recognise the format.
fn new_name(folder: &Path, key: &str) -> io::Result<PathBuf> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    fs::create_dir_all(folder)?;
    let name = format!("object-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let extension = Path::new(key).extension().and_then(|extension| extension.to_str());
    let plain = |text: &&str| text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Ok(folder.join(extension.filter(plain).map_or_else(|| name.clone(), |extension| format!("{name}.{extension}"))))
}

/// Tells whether a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    inode: u64,
    size: u64,
    written: (i64, i64),
}

impl Fingerprint {
    pub fn of(path: &Path) -> io::Result<Self> {
        fs::symlink_metadata(path).map(|metadata| Self::from(&metadata))
    }

    pub fn size(&self) -> u64 {
        self.size
    }
}

impl From<&Metadata> for Fingerprint {
    fn from(metadata: &Metadata) -> Self {
        Self { inode: metadata.ino(), size: metadata.size(), written: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}
