//! The state store itself: records written, read, listed and removed.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Mutex;

use super::dead_letter::LetterOwner;
use super::format;
use super::noted::Noted;
use super::passed_over::PassedOver;
use super::record_name::{record_name, record_name_without_case};
use crate::blocking_threads::on_blocking_thread;
use crate::storage::{Content, ListedProblem, Page, Stamp, Storage, StorageError, StorageErrorKind, Stored};

/// Dead letters, skips and manifests in a store of their own.
#[derive(Clone, Debug)]
pub struct StateStore {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) passed_over: Arc<PassedOver>,
    pub(super) noted: Noted,
    /// Held by who counts one more in a record.
    pub(super) counting: Arc<Mutex<()>>,
    /// Those who are known to have letters.
    pub(super) owners: Arc<std::sync::Mutex<HashSet<LetterOwner>>>,
}

impl StateStore {
    /// A state store in `storage`.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            passed_over: Arc::default(),
            noted: Noted::default(),
            counting: Arc::default(),
            owners: Arc::default(),
        }
    }

    /// The name of an entity in the keys of its records.
    pub(super) fn entity_name(&self, entity: &str) -> String {
        match self.storage.name_rules().tells_case {
            true => record_name(entity),
            false => record_name_without_case(entity),
        }
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
        self.put_as(format::PLAIN, key, record).await
    }

    /// Writes a record of a format.
    pub(super) async fn put_as<T: Serialize + Sync>(
        &self,
        format: u64,
        key: &str,
        record: &T,
    ) -> Result<(), StorageError> {
        self.storage.store(key, content(key, format::write(format, record))?, None).await.map(|_| ())
    }

    /// Writes a list, which has no room for a format.
    pub(super) async fn put_list<T: Serialize + Sync>(&self, key: &str, list: &T) -> Result<(), StorageError> {
        self.storage.store(key, content(key, serde_json::to_vec_pretty(list))?, None).await.map(|_| ())
    }

    /// Whether a newer version wrote the record under a key, in a format that this one does not read.
    pub(super) async fn is_newer(&self, key: &str) -> Result<bool, StorageError> {
        Ok(self.bytes(key).await?.is_some_and(|bytes| format::newer_format(&bytes).is_some()))
    }

    /// Writes a record, unless one of a later run is in place.
    pub(super) async fn put_stamped<T: Serialize + Sync>(
        &self,
        key: &str,
        record: &T,
        stamp: Stamp,
    ) -> Result<Stored, StorageError> {
        self.storage.store(key, content(key, format::write(format::PLAIN, record))?, Some(stamp)).await
    }

    /// The record under a key; none where it is not there, or cannot be read and is passed over.
    pub(super) async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StorageError> {
        let read = match self.bytes(key).await {
            Ok(Some(bytes)) => format::read(key, &bytes).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        self.pass_over(read, key)
    }

    /// The bytes of a record, if it is there.
    pub(super) async fn bytes(&self, key: &str) -> Result<Option<Bytes>, StorageError> {
        let object = match self.storage.open(key).await {
            Ok(object) => object,
            Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let read = match object.content.clone() {
            Content::Bytes(bytes) => return Ok(Some(bytes)),
            file @ Content::File(_) => on_blocking_thread(move || file.read()).await,
        };
        match read.map_err(|error| StorageError::of_thread("read", key, error))? {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None), // removed since
            Err(error) => Err(StorageError::new(StorageErrorKind::Unavailable, "read", key, error)),
        }
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

    /// The keys under a prefix, sorted. What lies there and can be no record is passed over.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        let mut keys = Vec::new();
        self.each_key(prefix, |key| {
            keys.push(key.to_owned());
            true
        })
        .await?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// Calls `met` with each key under a prefix, in no order, for as long as it returns that it wants more. What lies there
    /// and can be no record is passed over.
    pub(super) async fn each_key(
        &self,
        prefix: &str,
        mut met: impl FnMut(&str) -> bool + Send,
    ) -> Result<(), StorageError> {
        let page = &mut |page: &Page| {
            page.iter().all(|listed| match listed.problem {
                None => met(listed.path),
                // No record, whatever its name.
                Some(
                    ListedProblem::ListedElsewhere
                    | ListedProblem::IsOutput
                    | ListedProblem::LeadsNowhere
                    | ListedProblem::NoFile
                    | ListedProblem::Unreadable,
                ) => true,
                Some(problem) => {
                    self.note_unreadable(listed.path, &format!("`{}`: {}", listed.path, problem.text()));
                    true
                }
            })
        };
        self.storage.list(prefix, page).await
    }
}

fn content(key: &str, text: serde_json::Result<Vec<u8>>) -> Result<Content, StorageError> {
    let text = text.map_err(|error| StorageError::new(StorageErrorKind::BadKey, "write", key, error))?;
    Ok(Content::Bytes(Bytes::from(text)))
}
