//! Looks at the buckets of a workspace before the first work.

use std::time::Duration;

use anyhow::Context;
use euterpe_actors::storage::{Storage, StorageError};

use super::Workspace;
use super::promises::{known, remember};
use crate::clock::salt;
use euterpe_storage::s3::{Findings, S3Storage};

/// How old an upload is that nobody will complete.
const ORPHANED: Duration = Duration::from_secs(24 * 3600);

impl Workspace {
    /// Makes sure that it is known of each bucket that is written to. What is found the first time is remembered beside
    /// the records of the runs, and said once where it is less than S3 promises.
    ///
    /// # Errors
    /// A bucket that cannot be written to, or records that cannot be read or written.
    pub async fn know_buckets(&self) -> anyhow::Result<()> {
        for (name, bucket) in &self.buckets {
            let why = || format!("store `{name}` ({}) cannot be used", bucket.place());
            let found = known(&**self.state.storage(), bucket).await.with_context(why)?;
            if found.is_news && !found.findings.is_all_kept() {
                tracing::warn!(store = %name, "{}; see docs/s3.md for what follows", found.findings.text());
            }
            match bucket.sweep(ORPHANED).await {
                Ok(0) => {}
                Ok(swept) => tracing::info!(store = %name, swept, "aborted uploads of writers that died"),
                Err(error) => tracing::debug!(store = %name, %error, "could not look for uploads of writers that died"),
            }
        }
        Ok(())
    }

    /// Finds it out anew for each bucket that is written to, that of the records too, and remembers it where this may
    /// write. With the name by which people know each.
    pub async fn probe_buckets(&self) -> Vec<(String, Result<Findings, StorageError>)> {
        let mut probed = Vec::new();
        for (name, bucket) in self.named_buckets() {
            let found = match bucket.probe(salt()).await {
                Ok(findings) if self.lock.is_some() => {
                    remember(&**self.state.storage(), bucket, &findings).await.map(|()| findings)
                }
                found => found,
            };
            probed.push((name, found));
        }
        probed
    }

    /// Makes the buckets that are written to and not there, that of the records too. With the name by which people know
    /// each, and whether it was made.
    pub async fn make_buckets(&self) -> Vec<(String, Result<bool, StorageError>)> {
        let mut made = Vec::new();
        for (name, bucket) in self.named_buckets() {
            made.push((name, bucket.make_bucket().await));
        }
        made
    }

    fn named_buckets(&self) -> impl Iterator<Item = (String, &S3Storage)> {
        let stores = self.buckets.iter().map(|(name, bucket)| (name.to_string(), bucket));
        stores.chain(self.state_bucket.iter().map(|bucket| ("the state".to_owned(), bucket)))
    }
}
