//! An opened bucket: looks at objects and deletes them.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::DateTime;
use euterpe_actors::storage::{ObjectInfo, Stamp, StorageErrorKind};
use tokio::sync::Semaphore;

use super::client;
use super::error::{Refusal, S3Error, classify};
use super::findings::Findings;
use super::in_place::InPlace;
use super::keys::Keys;
use super::settings::S3Settings;
use super::stamps::Stamps;

/// The state of an opened store.
#[derive(Debug)]
pub(super) struct Bucket {
    pub client: Client,
    pub settings: Arc<S3Settings>,
    pub keys: Keys,
    pub stamps: Stamps,
    /// Permits for requests that move bytes.
    pub transfers: Semaphore,
    /// The findings of the probe, once they are known.
    pub known: Arc<OnceLock<Findings>>,
}

impl Bucket {
    /// Connects, and makes sure that the bucket is there.
    pub async fn open(settings: Arc<S3Settings>, known: Arc<OnceLock<Findings>>) -> Result<Arc<Self>, S3Error> {
        let (client, keys) = (client::connect(&settings).await?, Keys::below(&settings.prefix));
        let bucket = Self {
            stamps: Stamps::new(client.clone(), settings.bucket.clone(), keys.clone()),
            client,
            keys,
            transfers: Semaphore::new(settings.tuning.at_once),
            settings,
            known,
        };
        if bucket.client.config().region().is_none() {
            let text = "no region is named; write `region:` into the store, or set AWS_REGION";
            return Err(S3Error::unavailable(text));
        }
        match bucket.client.head_bucket().bucket(bucket.name()).send().await.map_err(|error| classify(&error)) {
            Ok(_) => {}
            Err(Refusal::Missing) => {
                let text = format!("there is no bucket `{}` on this server; make it first", bucket.name());
                return Err(S3Error::unavailable(text));
            }
            Err(refusal) => return Err(refusal.into_error()),
        }
        Ok(Arc::new(bucket))
    }

    pub fn name(&self) -> &str {
        &self.settings.bucket
    }

    /// The object under a key; `None` where there is none.
    pub async fn look(&self, key: &str) -> Result<Option<InPlace>, S3Error> {
        let head = self.client.head_object().bucket(self.name()).key(key).send().await;
        let head = match head.map_err(|error| classify(&error)) {
            Ok(head) => head,
            Err(Refusal::Missing) => return Ok(None),
            Err(refusal) => return Err(refusal.into_error()),
        };
        let size = head.content_length.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
        self.in_place(size, head.e_tag, head.metadata, head.last_modified).await.map(Some)
    }

    /// The object that an answer of the server describes.
    pub async fn in_place(
        &self,
        size: u64,
        etag: Option<String>,
        metadata: Option<HashMap<String, String>>,
        modified: Option<DateTime>,
    ) -> Result<InPlace, S3Error> {
        let stamp: Option<Stamp> = match metadata {
            Some(metadata) => self.stamps.read(&metadata).await?,
            None => None,
        };
        let etag = etag.ok_or_else(|| S3Error::unavailable("the server tells no ETag"))?;
        Ok(InPlace { info: ObjectInfo { size, stamp, modified: modified.and_then(time) }, etag })
    }

    /// Deletes an object. One that is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<(), S3Error> {
        let removed = self.client.delete_object().bucket(self.name()).key(key).send().await;
        match removed.map_err(|error| classify(&error)) {
            Ok(_) | Err(Refusal::Missing) => Ok(()),
            Err(refusal) => Err(refusal.into_error()),
        }
    }

    /// Waits for a permit to move bytes.
    pub async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, S3Error> {
        self.transfers.acquire().await.map_err(|error| S3Error::new(StorageErrorKind::Unavailable, error))
    }
}

/// A time in an answer of a server.
pub(super) fn time(at: DateTime) -> Option<SystemTime> {
    let millis = u64::try_from(at.to_millis().ok()?).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
}
