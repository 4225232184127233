//! The state store: dead letters, skips and manifests of runs, as JSON objects that a person can read.
//!
//! ```text
//! dead/<run, or inbox>/<job>/<entity>/<digest of the stack>.json
//! skipped/<job>/<entity>.json
//! runs/<run>/manifest.json, runs/<run>/entities/<number>.txt, runs/<run>/read.json, runs/<run>/end.json
//! ```

mod letters;
mod manifest;

use std::sync::Arc;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

pub use letters::{DeadLetter, LetterFilter, Origin, SkipRecord};
pub use manifest::{Counts, Manifest, RunEnd, Selection, chunk_key};

use crate::storage::{Content, Storage, StorageError, StorageErrorKind};

/// Dead letters, skips and manifests in a store of their own.
#[derive(Clone, Debug)]
pub struct StateStore {
    storage: Arc<dyn Storage>,
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

    async fn put<T: Serialize + Sync>(&self, key: &str, record: &T) -> Result<(), StorageError> {
        let text = serde_json::to_vec_pretty(record)
            .map_err(|error| StorageError::new(StorageErrorKind::BadKey, "write", key, error))?;
        self.storage.store(key, Content::Bytes(Bytes::from(text)), None).await.map(|_| ())
    }

    async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StorageError> {
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

/// A name for an entity that is one segment of a key, short enough for every file system, and injective.
///
/// Short ids are percent-encoded; of long ones the start is kept, and `~` and a hash stand for the rest.
pub fn record_name(entity: &str) -> String {
    const LONGEST: usize = 120;
    let mut name = String::with_capacity(entity.len());
    for byte in entity.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(byte as char),
            b'.' if !name.is_empty() => name.push('.'),
            other => name.push_str(&format!("%{other:02X}")),
        }
        if name.len() > LONGEST {
            name.truncate(LONGEST / 2);
            name.push('~');
            name.push_str(&blake3::hash(entity.as_bytes()).to_hex()[..32]);
            break;
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_names_are_one_short_segment_and_tell_ids_apart() {
        assert_eq!(record_name("a/b c"), "a%2Fb%20c");
        assert_eq!(record_name(".."), "%2E.");
        let long = "x".repeat(500);
        let (a, b) = (record_name(&format!("{long}a")), record_name(&format!("{long}b")));
        assert!(a.len() < 130 && a != b && !a.contains('/'));
    }
}
