//! The storage port: objects under keys, each visible whole or not at all.

pub mod memory;
mod page;
pub mod stamp;
mod whole;

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

pub use page::{Listed, ListedProblem, Page};
pub use stamp::Stamp;
pub use whole::{Wholeness, check_whole};

use crate::ids::StoreName;

/// Bytes in a store, under a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// The store, as the graph file names it.
    pub store: StoreName,
    /// The path within the store, with `/` between segments and none at either end.
    pub path: Arc<str>,
}

impl ObjectKey {
    /// The key of `path` in `store`.
    pub fn new(store: StoreName, path: impl Into<Arc<str>>) -> Self {
        Self { store, path: path.into() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.store, self.path)
    }
}

/// Whether `path` can be a key in any store: segments with `/` between them, none empty, `.` or `..`, no NUL.
pub fn is_key(path: &str) -> bool {
    !path.contains('\0') && !path.split('/').any(|segment| matches!(segment, "" | "." | ".."))
}

/// What a store knows about an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its length in bytes.
    pub size: u64,
    /// Which run made it; none on a foreign object.
    pub stamp: Option<Stamp>,
    /// When it was last written, by the store's clock; for people.
    pub modified: Option<SystemTime>,
}

/// An object opened for reading: one whole version of it.
///
/// A [`Content::File`] is read when somebody reads it: if the object was replaced since, that is the newer version, whole;
/// if it was removed, reading fails with `NotFound`.
#[derive(Clone, Debug)]
pub struct Object {
    /// Size, stamp, time.
    pub info: ObjectInfo,
    /// The bytes, or a file that holds them.
    pub content: Content,
    /// Keeps the file for as long as this lives.
    pub hold: Hold,
}

/// Keeps what an opened object stands on: a file that was made for whoever reads it now, and goes after that.
#[derive(Clone, Default)]
pub struct Hold(Option<Arc<dyn std::any::Any + Send + Sync>>);

impl Hold {
    /// Keeps `what` until this and its copies are dropped.
    pub fn of(what: impl std::any::Any + Send + Sync) -> Self {
        Self(Some(Arc::new(what)))
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Hold(something)" } else { "Hold(nothing)" })
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
            Content::File(path) => std::fs::read(path).map(Bytes::from),
        }
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is in place, whole and visible.
    Kept,
    /// A newer run's object is in place; ours was dropped.
    NewerInPlace,
}

/// A place where objects live. Read-after-write: a finished `store` is seen by every later `look`.
#[async_trait]
pub trait Storage: Send + Sync + fmt::Debug {
    /// Is there an object at `path`, and what stamp does it carry?
    ///
    /// # Errors
    /// [`StorageErrorKind::BadKey`] where there can never be one; a store that cannot be asked is an error too, and
    /// never `None`.
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError>;

    /// Opens an object for reading.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`] where there is none.
    async fn open(&self, path: &str) -> Result<Object, StorageError>;

    /// Puts an object in place, all or nothing, durable before it is visible; a newer stamp in place is never lowered.
    ///
    /// `stamp.hash` is filled in by the store from the content. `None` as stamp writes an unstamped object.
    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError>;

    /// Removes an object; one that is not there is no error.
    async fn remove(&self, path: &str) -> Result<(), StorageError>;

    /// Calls `page` with what lies under `prefix` (a text prefix of the path), page by page, in no promised order.
    /// `page` says whether to go on. What is half written is never listed; what lies there and cannot be had as an
    /// object is listed with its [`ListedProblem`].
    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError>;

    /// Where this is, for people: a folder, a URL without credentials.
    fn place(&self) -> String;
}

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
#[error("could not {action} `{path}`: {source}")]
pub struct StorageError {
    /// What kind of trouble, which decides what happens next.
    pub kind: StorageErrorKind,
    action: &'static str,
    path: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The kinds of trouble with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageErrorKind {
    /// No such object.
    NotFound,
    /// The key cannot exist in this store: too long, leaves the root, a folder is in its place. Permanent.
    BadKey,
    /// Not allowed to. Storage trouble: a person has to grant it.
    Denied,
    /// No room left. Storage trouble.
    Full,
    /// Unreachable, throttled, its root is gone, an I/O error. Storage trouble.
    Unavailable,
}

impl StorageError {
    /// An error of a kind, for what was tried on which path. The message shows long paths cut, and escapes what could
    /// steer a terminal.
    pub fn new(
        kind: StorageErrorKind,
        action: &'static str,
        path: impl AsRef<str>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, action, path: shown(path.as_ref()), source: source.into() }
    }

    /// The content that was to be stored at `path` cannot be read: `NotFound` where it is not there at all.
    pub fn unreadable(path: &str, content: &Content, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => StorageErrorKind::NotFound,
            _ => StorageErrorKind::Unavailable,
        };
        let what = match content {
            Content::Bytes(_) => "its bytes".to_owned(),
            Content::File(file) => format!("the new content `{}`", file.display()),
        };
        Self::new(kind, "store", path, format!("{what} cannot be read: {error}"))
    }

    /// Whether waiting may help: no attempt of the transform is spent on it.
    pub fn is_trouble(&self) -> bool {
        matches!(self.kind, StorageErrorKind::Denied | StorageErrorKind::Full | StorageErrorKind::Unavailable)
    }
}

/// A path as a message shows it.
fn shown(path: &str) -> String {
    const MOST: usize = 120;
    let mut text = String::with_capacity(path.len().min(MOST) + 24);
    for c in path.chars().take(MOST) {
        match c {
            '\'' | '"' | '\\' => text.push(c),
            other => text.extend(other.escape_debug()),
        }
    }
    if path.chars().nth(MOST).is_some() {
        text.push_str(&format!("… ({} bytes)", path.len()));
    }
    text
}

/// The stores of a graph by name.
#[derive(Clone, Debug, Default)]
pub struct Stores(BTreeMap<StoreName, Arc<dyn Storage>>);

impl Stores {
    /// Stores under their names.
    pub fn new(stores: impl IntoIterator<Item = (StoreName, Arc<dyn Storage>)>) -> Self {
        Self(stores.into_iter().collect())
    }

    /// The store of a name.
    ///
    /// # Panics
    /// If the plan names a store that assembly did not open: a fault of assembly, not of input.
    pub fn get(&self, name: &StoreName) -> &Arc<dyn Storage> {
        self.0.get(name).unwrap_or_else(|| panic!("store `{name}` was not opened at assembly"))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&StoreName, &Arc<dyn Storage>)> {
        self.0.iter()
    }
}
