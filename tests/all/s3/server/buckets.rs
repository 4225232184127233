//! The buckets of the server in memory: what a write says of what must be in place is judged in one step with it.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;
use s3s::dto::{ETagCondition, Metadata};
use s3s::{S3Result, s3_error};

use super::journal::{Journal, Kept};

#[derive(Default)]
pub struct Buckets {
    pub objects: BTreeMap<String, BTreeMap<String, Kept>>,
    /// Where changes are written, where they are to outlast the process.
    journal: Option<Journal>,
    pub uploads: HashMap<String, Upload>,
    pub begun: u64,
}

pub struct Upload {
    pub bucket: String,
    pub key: String,
    pub metadata: Option<Metadata>,
    pub parts: BTreeMap<i32, Bytes>,
    pub initiated: SystemTime,
}

impl Buckets {
    /// What was kept in a folder, which keeps what comes.
    pub fn kept_in(folder: &Path) -> Self {
        let (changes, journal) = Journal::open(folder);
        let mut buckets = Self { journal: Some(journal), ..Self::default() };
        for change in changes {
            let objects = buckets.objects.entry(change.bucket).or_default();
            match (change.key, change.placed) {
                (Some(key), Some(kept)) => drop(objects.insert(key, kept)),
                (Some(key), None) => drop(objects.remove(&key)),
                (None, _) => {}
            }
        }
        buckets
    }

    /// Makes a bucket, if it is not there.
    pub fn make(&mut self, bucket: String) {
        if let Some(journal) = &mut self.journal {
            journal.write(&bucket, None, None);
        }
        self.objects.entry(bucket).or_default();
    }

    /// Judges the conditions and writes, in one step.
    pub fn place(
        &mut self,
        bucket: &str,
        key: &str,
        new: Kept,
        matching: Option<&ETagCondition>,
        absent: Option<&ETagCondition>,
    ) -> S3Result<()> {
        let objects = self.objects.get_mut(bucket).ok_or_else(|| s3_error!(NoSuchBucket))?;
        let placed = objects.get(key);
        if absent.is_some_and(ETagCondition::is_any) && placed.is_some() {
            return Err(s3_error!(PreconditionFailed));
        }
        match (matching, placed) {
            (Some(_), None) => return Err(s3_error!(NoSuchKey)),
            (Some(ETagCondition::ETag(wanted)), Some(placed)) if wanted.value() != placed.etag => {
                return Err(s3_error!(PreconditionFailed));
            }
            _ => {}
        }
        if let Some(journal) = &mut self.journal {
            journal.write(bucket, Some(key), Some(&new));
        }
        objects.insert(key.to_owned(), new);
        Ok(())
    }

    /// Removes an object, where no condition is against it.
    pub fn remove(&mut self, bucket: &str, key: &str, matching: Option<&ETagCondition>) -> S3Result<()> {
        let objects = self.objects.get_mut(bucket).ok_or_else(|| s3_error!(NoSuchBucket))?;
        match (matching, objects.get(key)) {
            (Some(ETagCondition::ETag(wanted)), Some(placed)) if wanted.value() != placed.etag => {
                return Err(s3_error!(PreconditionFailed));
            }
            _ => {}
        }
        if objects.remove(key).is_some()
            && let Some(journal) = &mut self.journal
        {
            journal.write(bucket, Some(key), None);
        }
        Ok(())
    }
}
