//! The trait that every store implements.

use std::fmt;

use async_trait::async_trait;

use super::error::StorageError;
use super::object::{Content, Object, ObjectInfo};
use super::page::Page;
use super::stamp::Stamp;

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is in place, whole and visible.
    Kept,
    /// A newer run's object is in place, and ours was dropped.
    NewerInPlace,
}

/// A place where objects live. Read-after-write: a finished `store` is seen by every later `look`.
#[async_trait]
pub trait Storage: Send + Sync + fmt::Debug {
    /// Is there an object at `path`, and what stamp does it carry?
    ///
    /// # Errors
    /// [`StorageErrorKind::BadKey`](super::StorageErrorKind::BadKey) where there can never be one; a store that cannot be asked is an error too, and
    /// never `None`.
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError>;

    /// Opens an object for reading.
    ///
    /// # Errors
    /// [`StorageErrorKind::NotFound`](super::StorageErrorKind::NotFound) where there is none.
    async fn open(&self, path: &str) -> Result<Object, StorageError>;

    /// Puts an object in place, all or nothing, durable before it is visible; a newer stamp in place is never lowered.
    ///
    /// `stamp.hash` is filled in by the store from the content. `None` as stamp writes an unstamped object.
    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError>;

    /// Removes an object; one that is not there is no error.
    async fn remove(&self, path: &str) -> Result<(), StorageError>;

    /// Calls `page` with what lies under `prefix` (a text prefix of the path), page by page, in no promised order.
    /// `page` returns whether to go on. Objects that are half written are never listed. Something that lies there and
    /// cannot be an object is listed with its [`ListedProblem`](super::ListedProblem).
    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError>;

    /// Where the store is, for people: a folder, or a URL without credentials.
    fn place(&self) -> String;
}
