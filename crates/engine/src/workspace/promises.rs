//! What a bucket keeps of what S3 promises: found out before the first work, and remembered beside the records of the runs.

use anyhow::Context;
use bytes::Bytes;
use euterpe_actors::storage::{Content, Storage, StorageError, StorageErrorKind};
use euterpe_storage::s3::{Findings, S3Storage};

use crate::clock::salt;

/// What is known of a bucket.
pub(super) struct Known {
    pub findings: Findings,
    /// Whether it was found out only now.
    pub is_news: bool,
}

/// Makes sure that it is known of a bucket, by what is remembered in `records` or by finding it out and remembering it.
///
/// # Errors
/// A bucket that cannot be written to, or records that cannot be read or written.
pub(super) async fn known(records: &dyn Storage, bucket: &S3Storage) -> anyhow::Result<Known> {
    let found = match remembered(records, bucket).await? {
        Some(findings) => Known { findings, is_news: false },
        None => {
            let findings = bucket.probe(salt()).await?;
            remember(records, bucket, &findings).await.context("could not note what a bucket promises")?;
            Known { findings, is_news: true }
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

pub(super) async fn remember(
    records: &dyn Storage,
    bucket: &S3Storage,
    findings: &Findings,
) -> Result<(), StorageError> {
    let text = serde_json::to_vec_pretty(findings).expect("plain numbers and words");
    records.store(&record(bucket), Content::Bytes(Bytes::from(text)), None).await.map(|_| ())
}

/// Where it is remembered: by the place, and by the server that the environment names.
fn record(bucket: &S3Storage) -> String {
    let server = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].into_iter().find_map(|name| std::env::var(name).ok());
    let place = format!("{} {}", bucket.place(), server.unwrap_or_default());
    format!("stores/{}.json", &blake3::hash(place.as_bytes()).to_hex()[..32])
}
