//! What the buckets of a graph keep of what S3 promises: found out before the first work, and remembered.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use euterpe_actors::storage::{Content, Storage, StorageError, StorageErrorKind};

use super::Opened;
use super::opened::salt;
use euterpe_storage::s3::{Findings, S3Storage};

/// How old an upload is that nobody will complete.
const ORPHANED: Duration = Duration::from_secs(24 * 3600);

impl Opened {
    /// Makes sure that it is known of each bucket that is written to. What is found the first time is remembered beside
    /// the records of the runs, and said once where it is less than S3 promises.
    ///
    /// # Errors
    /// A bucket that cannot be written to, or records that cannot be read or written.
    pub async fn know_buckets(&self) -> anyhow::Result<()> {
        for (name, bucket) in &self.buckets {
            let why = || format!("store `{name}` ({}) cannot be used", bucket.place());
            let found = known(&**self.state.storage(), bucket).await.with_context(why)?;
            if found.is_news && !(found.findings.is_consistent() && found.findings.has_atomic_conditions()) {
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
        let stores = self.buckets.iter().map(|(name, bucket)| (name.to_string(), bucket));
        let records = self.state_bucket.iter().map(|bucket| ("the state".to_owned(), bucket));
        let mut probed = Vec::new();
        for (name, bucket) in stores.chain(records) {
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
}

/// What is known of a bucket.
pub(super) struct Found {
    pub findings: Findings,
    /// Whether it was found out only now.
    pub is_news: bool,
}

/// Makes sure that it is known of a bucket, by what is remembered in `records` or by finding it out and remembering it.
///
/// # Errors
/// A bucket that cannot be written to, or records that cannot be read or written.
pub(super) async fn known(records: &dyn Storage, bucket: &S3Storage) -> anyhow::Result<Found> {
    let found = match remembered(records, bucket).await? {
        Some(findings) => Found { findings, is_news: false },
        None => {
            let findings = bucket.probe(salt()).await?;
            remember(records, bucket, &findings).await.context("could not note what a bucket promises")?;
            Found { findings, is_news: true }
        }
    };
    bucket.set_findings(found.findings.clone());
    Ok(found)
}

async fn remembered(records: &dyn Storage, bucket: &S3Storage) -> anyhow::Result<Option<Findings>> {
    let why = "could not read what a bucket promises";
    match records.open(&record(bucket)).await {
        // A record of another version is none.
        Ok(object) => Ok(serde_json::from_slice(&object.content.read().context(why)?).ok()),
        Err(error) if error.kind == StorageErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(why),
    }
}

async fn remember(records: &dyn Storage, bucket: &S3Storage, findings: &Findings) -> Result<(), StorageError> {
    let text = serde_json::to_vec_pretty(findings).expect("plain numbers and words");
    records.store(&record(bucket), Content::Bytes(Bytes::from(text)), None).await.map(|_| ())
}

/// Where it is remembered: by the place, and by the server that the environment names.
fn record(bucket: &S3Storage) -> String {
    let server = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].into_iter().find_map(|name| std::env::var(name).ok());
    let place = format!("{} {}", bucket.place(), server.unwrap_or_default());
    format!("stores/{}.json", &blake3::hash(place.as_bytes()).to_hex()[..32])
}
