//! An opened bucket: looking at objects, removing them.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::DateTime;
use euterpe_actors::storage::{ObjectInfo, Stamp, StorageErrorKind};
use tokio::sync::Semaphore;

use super::S3Settings;
use super::client;
use super::keys::Keys;
use super::probe::Findings;
use super::stamps::Stamps;
use super::trouble::{Refusal, Trouble, refusal};

/// What every call needs.
#[derive(Debug)]
pub(super) struct Bucket {
    pub client: Client,
    pub settings: Arc<S3Settings>,
    pub keys: Keys,
    pub stamps: Stamps,
    /// Permits for parts on their way.
    pub moving: Semaphore,
    /// What was found out about the store, if anything was.
    pub known: Arc<OnceLock<Findings>>,
}

/// An object in place.
#[derive(Debug)]
pub(super) struct Placed {
    pub info: ObjectInfo,
    /// What tells its content from others that lay under the key.
    pub etag: String,
}

impl Placed {
    /// The hash of the content, where a stamp tells it.
    pub fn hash(&self) -> Option<String> {
        self.info.stamp.as_ref().map(|stamp| stamp.hash.clone()).filter(|hash| !hash.is_empty())
    }
}

impl Bucket {
    /// Connects, and makes sure that the bucket is there.
    pub async fn open(settings: Arc<S3Settings>, known: Arc<OnceLock<Findings>>) -> Result<Arc<Self>, Trouble> {
        let bucket = Self {
            client: client::connect(&settings).await?,
            keys: Keys::below(&settings.prefix),
            stamps: Stamps::default(),
            moving: Semaphore::new(settings.tuning.at_once),
            settings,
            known,
        };
        if bucket.client.config().region().is_none() {
            let text = "no region is named; write `region:` into the store, or set AWS_REGION";
            return Err(Trouble::unavailable(text));
        }
        match bucket.client.head_bucket().bucket(bucket.name()).send().await.map_err(|error| refusal(&error)) {
            Ok(_) => {}
            Err(Refusal::Missing) => {
                let text = format!("there is no bucket `{}` on this server; make it first", bucket.name());
                return Err(Trouble::unavailable(text));
            }
            Err(refusal) => return Err(refusal.into_trouble()),
        }
        Ok(Arc::new(bucket))
    }

    pub fn name(&self) -> &str {
        &self.settings.bucket
    }

    /// The object under a key, or none.
    pub async fn look(&self, key: &str) -> Result<Option<Placed>, Trouble> {
        let head = self.client.head_object().bucket(self.name()).key(key).send().await;
        let head = match head.map_err(|error| refusal(&error)) {
            Ok(head) => head,
            Err(Refusal::Missing) => return Ok(None),
            Err(refusal) => return Err(refusal.into_trouble()),
        };
        let size = head.content_length.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
        self.placed(size, head.e_tag, head.metadata, head.last_modified).await.map(Some)
    }

    /// What a server told of an object.
    pub async fn placed(
        &self,
        size: u64,
        etag: Option<String>,
        metadata: Option<HashMap<String, String>>,
        modified: Option<DateTime>,
    ) -> Result<Placed, Trouble> {
        let stamp: Option<Stamp> = match metadata {
            Some(metadata) => self.stamps.read(self, &metadata).await?,
            None => None,
        };
        let etag = etag.ok_or_else(|| Trouble::unavailable("the server tells no ETag"))?;
        Ok(Placed { info: ObjectInfo { size, stamp, modified: modified.and_then(time) }, etag })
    }

    pub async fn remove(&self, key: &str) -> Result<(), Trouble> {
        let removed = self.client.delete_object().bucket(self.name()).key(key).send().await;
        match removed.map_err(|error| refusal(&error)) {
            Ok(_) | Err(Refusal::Missing) => {
                self.forget(key);
                Ok(())
            }
            Err(refusal) => Err(refusal.into_trouble()),
        }
    }

    /// A permit for a part on its way.
    pub async fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Trouble> {
        self.moving.acquire().await.map_err(|error| Trouble::new(StorageErrorKind::Unavailable, error))
    }
}

/// A time that a server told.
pub(super) fn time(at: DateTime) -> Option<SystemTime> {
    let millis = u64::try_from(at.to_millis().ok()?).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
}
