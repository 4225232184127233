//! The trait that every store implements.

use std::fmt;

use async_trait::async_trait;

use super::error::StorageError;
use super::object::{Content, Object, ObjectInfo};
use super::page::Page;
use super::stamp::Stamp;
use crate::template::NameRules;

/// The one object below `.euterpe/` that a store holds as any other, and never lists: it says which store this is.
pub const STORE_MARKER: &str = ".euterpe/store.json";

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

    /// The same with the times of the objects, where the store can tell them. That may take a little longer.
    ///
    /// # Errors
    /// As [`Storage::list`].
    async fn list_dated(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        self.list(prefix, page).await
    }

    /// Where the store is, for people: a folder, or a URL without credentials.
    fn place(&self) -> String;

    /// How often another folder took the place of the one that was opened, as of now. What was stored before lies in the former
    /// one.
    ///
    /// # Errors
    /// A store that cannot be asked: its folder is not there, or one that may not take its place is.
    async fn replacements(&self) -> Result<u64, StorageError> {
        Ok(0)
    }

    /// What names this store can hold.
    fn name_rules(&self) -> NameRules {
        NameRules::default()
    }

    /// Whether the object that is found at `path` has just this name. Where `T` and `t` are one name to a store, the
    /// object may have the other.
    ///
    /// # Errors
    /// A store that cannot be asked.
    async fn is_named(&self, _: &str) -> Result<bool, StorageError> {
        Ok(true)
    }

    /// The same to the letter: [`is_named`](Self::is_named) may take the composed and the decomposed form of a name for one.
    ///
    /// # Errors
    /// A store that cannot be asked.
    async fn is_spelled(&self, path: &str) -> Result<bool, StorageError> {
        self.is_named(path).await
    }
}
