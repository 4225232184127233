//! The state store itself: records written, read, listed and removed.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::storage::{Content, Storage, StorageError, StorageErrorKind};

/// Dead letters, skips and manifests in a store of their own.
#[derive(Clone, Debug)]
pub struct StateStore {
    pub(super) storage: Arc<dyn Storage>,
}

impl StateStore {
    /// A state store in `storage`.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        self.storage.place()
    }

    /// The store underneath.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    pub(super) async fn put<T: Serialize + Sync>(&self, key: &str, record: &T) -> Result<(), StorageError> {
        let text = serde_json::to_vec_pretty(record)
            .map_err(|error| StorageError::new(StorageErrorKind::BadKey, "write", key, error))?;
        self.storage.store(key, Content::Bytes(Bytes::from(text)), None).await.map(|_| ())
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StorageError> {
        let object = match self.storage.open(key).await {
            Ok(object) => object,
            Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let trouble = |error: Box<dyn std::error::Error + Send + Sync>| {
            StorageError::new(StorageErrorKind::Unavailable, "read", key, error)
        };
        let bytes = object.content.read().map_err(|error| trouble(error.into()))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| trouble(error.into()))
    }

    /// Whether a record is still there.
    ///
    /// # Errors
    /// The store's own.
    pub async fn has(&self, key: &str) -> Result<bool, StorageError> {
        Ok(self.storage.look(key).await?.is_some())
    }

    /// Removes a record; one that is not there is no error.
    ///
    /// # Errors
    /// The store's own.
    pub async fn remove(&self, key: &str) -> Result<(), StorageError> {
        self.storage.remove(key).await
    }

    /// The keys under a prefix, sorted.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        let mut keys = Vec::new();
        self.storage
            .list(prefix, &mut |page| {
                keys.extend(page.iter().map(|listed| listed.path.to_owned()));
                true
            })
            .await?;
        keys.sort_unstable();
        Ok(keys)
    }
}
