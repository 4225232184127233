//! A store of which a test changes the one thing that it is about.

use std::fmt;
use std::ops::Deref;

use async_trait::async_trait;
use euterpe_actors::storage::{Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, Stored};

/// What a test changes of a store. All else goes to the one within.
#[async_trait]
pub trait Change: fmt::Debug + Send + Sync {
    /// The store within.
    fn within(&self) -> &dyn Storage;

    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.within().look(path).await
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        self.within().open(path).await
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        self.within().store(path, content, stamp).await
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        self.within().list(prefix, page).await
    }
}

/// A store that is changed so.
#[derive(Debug)]
pub struct Wrapped<C>(pub C);

impl<C> Deref for Wrapped<C> {
    type Target = C;
    fn deref(&self) -> &C {
        &self.0
    }
}

#[async_trait]
impl<C: Change> Storage for Wrapped<C> {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.0.look(path).await
    }
    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        self.0.open(path).await
    }
    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        self.0.store(path, content, stamp).await
    }
    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.0.within().remove(path).await
    }
    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        self.0.list(prefix, page).await
    }
    fn place(&self) -> String {
        "a store of a test".into()
    }
}
