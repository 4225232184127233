//! Objects as a store hands them out: what it knows about one, and its bytes.

use std::{fmt, path::PathBuf, sync::Arc, time::SystemTime};

use bytes::Bytes;

use super::stamp::Stamp;
use crate::actors_thread::assert_may_block;

/// What a store knows about an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its length in bytes.
    pub size: u64,
    /// Which run made it; none on a foreign object.
    pub stamp: Option<Stamp>,
    /// When it was last written, by the store's clock; for people.
    pub modified: Option<SystemTime>,
    /// The latest of that and the time at which it got its place, as far as the store knows it: a copy may have the time of
    /// the original.
    pub arrived: Option<SystemTime>,
    /// What the store calls this version of its content, where it has a name for that: two objects with one name hold the
    /// same.
    pub etag: Option<String>,
    /// Whether it bears the stamp of other bytes: somebody wrote over it, or it was cut off. Then it counts as a foreign object.
    pub is_overwritten: bool,
}

impl ObjectInfo {
    /// Of an object without a stamp, of which no time is known.
    pub fn of_size(size: u64) -> Self {
        Self { size, stamp: None, modified: None, arrived: None, etag: None, is_overwritten: false }
    }
}

/// An object opened for reading: one whole version of it.
///
/// A [`Content::File`] is read late: if the object was replaced since it was opened, that gives the newer version, whole;
/// if it was removed, reading fails with `NotFound`.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Object {
    pub info: ObjectInfo,
    pub content: Content,
    /// Keeps the content's file until this is dropped.
    pub keep_alive: KeepAlive,
}

/// Keeps the file of an opened object, where it was made for this reader and is to be removed afterwards.
#[derive(Clone, Default)]
pub struct KeepAlive(Option<Arc<dyn std::any::Any + Send + Sync>>);

impl KeepAlive {
    /// Keeps `what` until this and all of its clones are dropped.
    pub fn of(what: impl std::any::Any + Send + Sync) -> Self {
        Self(Some(Arc::new(what)))
    }
}

impl fmt::Debug for KeepAlive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "KeepAlive(something)" } else { "KeepAlive(nothing)" })
    }
}

/// Where bytes are.
#[derive(Clone, Debug)]
pub enum Content {
    /// In memory.
    Bytes(Bytes),
    /// In a file, to be read and never written or moved.
    File(PathBuf),
}

impl Content {
    /// All the bytes.
    ///
    /// # Errors
    /// The file's own.
    pub fn read(&self) -> std::io::Result<Bytes> {
        match self {
            Content::Bytes(bytes) => Ok(bytes.clone()),
            Content::File(path) => {
                assert_may_block("reading a whole file");
                std::fs::read(path).map(Bytes::from)
            }
        }
    }
}
