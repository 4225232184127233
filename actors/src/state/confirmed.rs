//! Which outputs were found to be good although something came after them, kept for the next run.

use super::store::StateStore;
use crate::memory::ConfirmedOutputs;
use crate::storage::{Content, StorageError};

/// Where it is kept. It is no JSON: it has a row for each of up to some hundred thousand outputs.
const KEY: &str = "confirmed";

impl StateStore {
    /// At most so many of those that former runs have noted. A record that cannot be read counts as none: what it says is looked
    /// at again.
    ///
    /// # Errors
    /// The store's own.
    pub async fn confirmed(&self, limit: usize) -> Result<ConfirmedOutputs, StorageError> {
        let Some(record) = self.bytes(KEY).await? else { return Ok(ConfirmedOutputs::up_to(limit)) };
        Ok(ConfirmedOutputs::read(&record, limit).unwrap_or_else(|| {
            tracing::warn!("the record `{KEY}` cannot be read; the outputs that it tells of are looked at again");
            ConfirmedOutputs::up_to(limit)
        }))
    }

    /// Keeps a [record](ConfirmedOutputs::to_record) in place of the one before.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keep_confirmed(&self, record: Vec<u8>) -> Result<(), StorageError> {
        self.storage.store(KEY, Content::Bytes(record.into()), None).await.map(|_| ())
    }
}
