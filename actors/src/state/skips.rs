//! Skip records: a job declined an entity, or a person dropped its dead letter.

use serde::{Deserialize, Serialize};

use super::record_name::record_name;
use super::store::StateStore;
use crate::ids::{EntityId, JobName, RunId};
use crate::message::Target;
use crate::outcome::Reason;
use crate::storage::StorageError;

/// An entity for which a job declined to make an output, or whose dead letter a person dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkipRecord {
    /// The run that recorded it.
    pub run: RunId,
    /// The job that declined.
    pub job: JobName,
    /// The entity.
    pub entity: EntityId,
    /// Declined, or dropped by a person.
    pub reason: Reason,
    /// One sentence for people.
    pub text: String,
    /// The job's settings at the time: the record holds until they change.
    pub settings: u64,
    /// When, in milliseconds after the Unix epoch by the node's clock.
    pub millis: u64,
}

impl StateStore {
    /// The key of the skip record of a target.
    pub fn skip_key(target: &Target) -> String {
        format!("skipped/{}/{}.json", target.job, record_name(target.entity.as_str()))
    }

    /// Keeps a skip record and says under which key.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keep_skip(&self, record: &SkipRecord) -> Result<String, StorageError> {
        let key = Self::skip_key(&Target { job: record.job.clone(), entity: record.entity.clone() });
        self.put(&key, record).await?;
        Ok(key)
    }

    /// The skip record of a target, if it holds under the job's present `settings`.
    ///
    /// # Errors
    /// The store's own.
    pub async fn skip_of(&self, target: &Target, settings: u64) -> Result<Option<SkipRecord>, StorageError> {
        let key = Self::skip_key(target);
        if self.storage.look(&key).await?.is_none() {
            return Ok(None);
        }
        let record: Option<SkipRecord> = self.get(&key).await?;
        Ok(record.filter(|record| record.settings == settings && record.entity == target.entity))
    }
}
