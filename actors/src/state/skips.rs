//! Skip records: a job declined an entity, or a person dropped its dead letter.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::record_name::record_name;
use super::store::StateStore;
use crate::ids::{EntityId, InputName, JobName, RunId};
use crate::message::Target;
use crate::outcome::Reason;
use crate::storage::{Page, Stamp, StorageError, Stored};

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
    /// The digest of all that the job did, its code too: the record holds until that changes. None in records of former versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<String>,
    /// What told the versions of its inputs apart at the time, by their names: the record holds until they change. None in
    /// records of former versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<BTreeMap<InputName, String>>,
    /// When, in milliseconds after the Unix epoch by the node's clock.
    pub millis: u64,
}

/// The stamp of a skip record: it tells the store which of two runs is the later one.
fn stamp_of(record: &SkipRecord) -> Stamp {
    let runs = Arc::new([(record.job.clone(), record.run)].into());
    Stamp { job: record.job.clone(), entity: Some(record.entity.clone()), runs, hash: String::new(), making: None }
}

impl StateStore {
    /// The key of the skip record of a target.
    pub fn skip_key(&self, target: &Target) -> String {
        format!("skipped/{}/{}.json", target.job, self.entity_name(target.entity.as_str()))
    }

    /// Keeps a skip record and says under which key. Where a later run has recorded one, that run stays in it, for it accounts
    /// for the target by the record.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keep_skip(&self, record: &SkipRecord) -> Result<String, StorageError> {
        let key = self.skip_key(&Target { job: record.job.clone(), entity: record.entity.clone() });
        let placed: Option<SkipRecord> = self.get(&key).await?;
        let mut run = placed.map_or(record.run, |placed| record.run.max(placed.run));
        // Another node may record a later run between the look and the write: the stamp keeps that run from being lowered.
        loop {
            let raised = SkipRecord { run, ..record.clone() };
            match self.put_stamped(&key, &raised, stamp_of(&raised)).await? {
                Stored::Kept => return Ok(key),
                Stored::NewerInPlace => {
                    let placed = self.storage.look(&key).await?.and_then(|found| found.stamp?.run());
                    run = placed.map_or(run, |placed| run.max(placed));
                }
            }
        }
    }

    /// Reads every skip record, so that those are known that cannot be read.
    pub(super) async fn read_skips(&self) -> Result<(), StorageError> {
        for key in self.keys("skipped/").await? {
            self.get::<SkipRecord>(&key).await?;
        }
        Ok(())
    }

    /// Shows the key of every skip record, without reading one.
    ///
    /// # Errors
    /// The store's own.
    pub async fn each_skip_key(&self, show: &mut (dyn FnMut(&str) + Send)) -> Result<(), StorageError> {
        let page = &mut |page: &Page| {
            page.iter().for_each(|listed| show(listed.path));
            true
        };
        self.storage.list("skipped/", page).await
    }

    /// The keys under which the skip record of a target may lie, the usual one first. Where case is not told, former versions
    /// named it without the hash.
    pub fn skip_keys(&self, target: &Target) -> impl Iterator<Item = String> + use<> {
        let (key, former) =
            (self.skip_key(target), format!("skipped/{}/{}.json", target.job, record_name(target.entity.as_str())));
        let former = Some(former).filter(|former| *former != key);
        std::iter::once(key).chain(former)
    }

    /// The skip record of a target, if it holds under the job's present `settings`.
    ///
    /// # Errors
    /// The store's own.
    pub async fn skip_of(&self, target: &Target, settings: u64) -> Result<Option<SkipRecord>, StorageError> {
        for key in self.skip_keys(target) {
            if self.storage.look(&key).await?.is_none() {
                continue;
            }
            let record: Option<SkipRecord> = self.get(&key).await?;
            if let Some(record) = record.filter(|record| record.entity == target.entity) {
                return Ok(Some(record).filter(|record| record.settings == settings));
            }
        }
        Ok(None)
    }
}
