//! An opened bucket: looks at objects and deletes them.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use euterpe_actors::storage::{ObjectInfo, Stamp, StorageErrorKind};
use tokio::{
    sync::{Mutex, Semaphore},
    time::Instant,
};

use super::checksums::Checksums;
use super::client::{self, Connected};
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
    /// When a request began after which the bucket was last seen to answer.
    pub last_answer: Mutex<Option<Instant>>,
    /// Whether writes state checksums.
    pub checksums: Checksums,
}

impl Bucket {
    /// Connects, and makes sure that the bucket is there.
    pub async fn open(settings: Arc<S3Settings>, known: Arc<OnceLock<Findings>>) -> Result<Arc<Self>, S3Error> {
        let bucket = Self::connect(settings, known).await?;
        if bucket.is_there().await? {
            return Ok(Arc::new(bucket));
        }
        let text = format!(
            "there is no bucket `{}` on this server; `euterpe verify --create` makes it if the graph writes to it; if the graph \
             only reads it, correct its name in the graph file, or make it yourself",
            bucket.name()
        );
        Err(S3Error::unavailable(text))
    }

    /// Connects, and makes the bucket where it is not there. Returns whether it was made.
    pub async fn make(settings: Arc<S3Settings>) -> Result<bool, S3Error> {
        let bucket = Self::connect(settings, Arc::default()).await?;
        if bucket.is_there().await? {
            return Ok(false);
        }
        let mut request = bucket.client.create_bucket().bucket(bucket.name());
        let region = bucket.client.config().region().map(|region| region.as_ref().to_owned()).unwrap_or_default();
        // Amazon's oldest region is the one that must not be named.
        if region != "us-east-1" {
            let place = BucketLocationConstraint::from(region.as_str());
            request = request
                .create_bucket_configuration(CreateBucketConfiguration::builder().location_constraint(place).build());
        }
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_bucket_already_owned_by_you()) => {
                Ok(false) // another process made it at the same moment
            }
            Err(error) => Err(classify(&error).into_error()),
        }
    }

    async fn connect(settings: Arc<S3Settings>, known: Arc<OnceLock<Findings>>) -> Result<Self, S3Error> {
        let (Connected { client, checksums }, keys) =
            (client::connect(&settings).await?, Keys::below(&settings.prefix));
        let bucket = Self {
            last_answer: Mutex::default(),
            checksums: Checksums::new(checksums),
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
        Ok(bucket)
    }

    /// Whether the server has the bucket.
    async fn is_there(&self) -> Result<bool, S3Error> {
        match self.client.head_bucket().bucket(self.name()).send().await.map_err(|error| classify(&error)) {
            Ok(_) => Ok(true),
            // The answer to a HEAD is the same where a proxy has no server behind it.
            Err(Refusal::Missing | Refusal::Bare404) => Ok(false),
            Err(refusal) => Err(refusal.into_error()),
        }
    }

    pub fn name(&self) -> &str {
        &self.settings.bucket
    }

    /// The object under a key; `None` where there is none.
    pub async fn look(&self, key: &str) -> Result<Option<InPlace>, S3Error> {
        let head = self.client.head_object().bucket(self.name()).key(key).send().await;
        let head = match head.map_err(|error| classify(&error)) {
            Ok(head) => head,
            Err(refusal) => return self.is_absence(refusal).await.map(|()| None),
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
        let written = modified.and_then(time);
        let info = ObjectInfo {
            size,
            stamp,
            modified: written,
            arrived: written,
            etag: Some(etag.clone()),
            is_overwritten: false,
        };
        Ok(InPlace { info, etag })
    }

    /// Deletes an object. One that is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<(), S3Error> {
        let removed = self.client.delete_object().bucket(self.name()).key(key).send().await;
        match removed.map_err(|error| classify(&error)) {
            Ok(_) | Err(Refusal::Missing) => Ok(()),
            // If a proxy answered, the object may still be there.
            Err(Refusal::Bare404) => match self.look(key).await? {
                None => Ok(()),
                Some(_) => Err(Refusal::Bare404.into_error()),
            },
            Err(refusal) => Err(refusal.into_error()),
        }
    }

    /// Whether writes state checksums.
    pub fn has_checksums(&self) -> bool {
        self.checksums.are_stated(self.known.get().and_then(|known| known.checksums))
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
