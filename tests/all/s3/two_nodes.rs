//! One store as two nodes have it: each call goes to the other of two clients.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use euterpe_actors::storage::{Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, Stored};
use euterpe_storage::s3::S3Storage;

/// Two clients that know nothing of each other.
#[derive(Debug)]
pub struct InTurn {
    clients: [S3Storage; 2],
    calls: AtomicUsize,
}

impl InTurn {
    pub fn new(one: S3Storage, other: S3Storage) -> Self {
        Self { clients: [one, other], calls: AtomicUsize::default() }
    }

    fn next(&self) -> &S3Storage {
        &self.clients[self.calls.fetch_add(1, Ordering::Relaxed) % 2]
    }
}

#[async_trait]
impl Storage for InTurn {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.next().look(path).await
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        self.next().open(path).await
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        self.next().store(path, content, stamp).await
    }

    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.next().remove(path).await
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        self.next().list(prefix, page).await
    }

    fn place(&self) -> String {
        self.next().place()
    }
}
