//! Objects in a bucket, on any server that speaks S3.
//!
//! A key is the path of the object behind the store's prefix. Every object appears in one step: one PUT, or a multipart
//! upload that is completed. The stamp is metadata of the object (`stamps`). What a write may replace is said by its
//! condition, on the object's ETag or on there being none (`write`), so that of several nodes that write at once each
//! sees what the others did. Calls run on threads of their own (`engine`); the SDK tries again what fails on the way.

mod age;
mod bucket;
mod buffers;
mod cache;
mod cached;
mod claims;
mod client;
mod downloaded;
mod engine;
mod here;
mod hold;
mod keys;
mod lease;
mod list;
mod measure;
mod parts;
mod probe;
mod read;
mod resolver;
mod stamps;
mod sweep;
mod trouble;
mod write;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_s3::config::SharedCredentialsProvider;
use euterpe_actors::claims::TTL;
use euterpe_actors::storage::{Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, Stored};
use tokio::sync::OnceCell;

use bucket::Bucket;
use trouble::Trouble;

use crate::local::Swept;

pub use cache::Cache;
pub use claims::BucketClaims;
pub use engine::wait;
pub use hold::{BucketHold, HoldError};
pub use probe::{Findings, Heed};

/// A part of a bucket that is a store.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The bucket.
    pub bucket: String,
    /// What every key starts with, without slashes at the ends; may be empty.
    pub prefix: String,
    /// The server, where the graph file names one; else the SDK's: what the environment says, or Amazon's.
    pub endpoint: Option<String>,
    /// The region; else the SDK's.
    pub region: Option<String>,
    /// The folder for objects that are too large to be held in memory. It is made when it is needed.
    pub scratch: PathBuf,
    /// Where objects that were made or read here are kept for who reads them next, if anywhere: files in `scratch`.
    pub cache: Option<Cache>,
    /// Who asks, where a program that embeds this knows; else the SDK finds it.
    pub identity: Option<SharedCredentialsProvider>,
    /// Sizes and times.
    pub tuning: Tuning,
}

impl S3Settings {
    /// Where this is, for people.
    fn place(&self) -> String {
        let url = match self.prefix.as_str() {
            "" => format!("s3://{}", self.bucket),
            prefix => format!("s3://{}/{prefix}", self.bucket),
        };
        self.endpoint.as_ref().map_or_else(|| url.clone(), |endpoint| format!("{url} at {endpoint}"))
    }
}

/// Sizes and times of a store's requests.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// From how many bytes on an object is uploaded in parts.
    pub in_parts_from: u64,
    /// How many bytes a part has, of uploads and of downloads; at least 5 MiB for most servers.
    pub part: u64,
    /// How many parts move at once, over all objects of the store.
    pub at_once: usize,
    /// How long an answer is waited for, and further bytes of one that began.
    pub patience: Duration,
    /// How often a request is tried.
    pub tries: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { in_parts_from: 16 << 20, part: 8 << 20, at_once: 8, patience: Duration::from_secs(15), tries: 5 }
    }
}

/// A part of a bucket as a store.
#[derive(Clone, Debug)]
pub struct S3Storage {
    settings: Arc<S3Settings>,
    bucket: Arc<OnceCell<Arc<Bucket>>>,
    known: Arc<OnceLock<Findings>>,
}

impl S3Storage {
    /// The store. Nothing is asked of the server before the first call; that one makes sure of the bucket, for in one that
    /// is not there every object looks as if only it were missing.
    pub fn new(settings: S3Settings) -> Self {
        Self { settings: Arc::new(settings), bucket: Arc::default(), known: Arc::default() }
    }

    /// Finds out what the store keeps of what S3 promises, by writing some small objects and removing them again.
    ///
    /// # Errors
    /// The store's own, such as that it may not be written to.
    pub async fn probe(&self, nonce: u64) -> Result<Findings, StorageError> {
        let (settings, known) = (self.settings.clone(), self.known.clone());
        self.with("probe", "", move |one| async move {
            let other = Bucket::open(settings, known).await?;
            probe::probe(one, other, &format!("{nonce:016x}")).await
        })
        .await
    }

    /// Aborts uploads in parts that began at least `age` ago and were never completed; how many. Their writers died.
    ///
    /// # Errors
    /// The store's own; what was aborted until then stays aborted.
    pub async fn sweep(&self, age: Duration) -> Result<u64, StorageError> {
        let swept = self.with("sweep", "", move |bucket| async move { bucket.sweep(age, false, false).await }).await?;
        Ok(swept.files)
    }

    /// As [`S3Storage::sweep`], with the bytes of the parts; with `dry_run` it only tells.
    ///
    /// # Errors
    /// The store's own; what was aborted until then stays aborted.
    pub async fn orphans(&self, age: Duration, dry_run: bool) -> Result<Swept, StorageError> {
        self.with("sweep", "", move |bucket| async move { bucket.sweep(age, dry_run, true).await }).await
    }

    /// Removes the claims to work and the holds among the records of runs in here that nobody renewed for `age`, or only
    /// tells of them. One that was renewed within [`TTL`] always stays.
    ///
    /// # Errors
    /// The store's own trouble.
    pub async fn sweep_leases(&self, age: Duration, dry_run: bool) -> Result<Swept, StorageError> {
        let (age, place) = (age.max(TTL), self.place());
        let sweeping = self.with("remove old claims in", &place, move |bucket| async move {
            let mut swept = Swept::default();
            for folder in [claims::FOLDER, hold::FOLDER] {
                swept += bucket.sweep_leases(&format!("{folder}/"), age, dry_run).await?;
            }
            Ok(swept)
        });
        sweeping.await
    }

    /// Takes note of what was found, once: where conditions keep writers apart, a new object costs one request; where a
    /// write is not seen at once, each is waited for.
    pub fn heed(&self, findings: Findings) {
        self.known.get_or_init(|| findings);
    }

    /// Whether it is known that conditions keep two apart who write at once.
    pub fn keeps_apart(&self) -> bool {
        self.known.get().is_some_and(Findings::keeps_apart)
    }

    /// Does something with the bucket, on the threads for it.
    async fn with<T, F, W>(&self, action: &'static str, path: &str, work: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
        W: FnOnce(Arc<Bucket>) -> F + Send + 'static,
    {
        let this = self.clone();
        let done = engine::run(async move {
            let open = || Bucket::open(this.settings.clone(), this.known.clone());
            let bucket = this.bucket.get_or_try_init(open).await?.clone();
            work(bucket).await
        });
        done.await.map_err(|trouble| trouble.into_error(action, path))
    }
}

#[async_trait]
impl Storage for S3Storage {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        let key = path.to_owned();
        self.with("look for", path, |bucket| async move {
            let key = bucket.keys.key(&key)?;
            Ok(bucket.look(&key).await?.map(|placed| placed.info))
        })
        .await
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        let key = path.to_owned();
        self.with("open", path, |bucket| async move {
            let key = bucket.keys.key(&key)?;
            bucket.open_object(&key).await
        })
        .await
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        let (key, shown) = (path.to_owned(), content.clone());
        let stored = self.with("store", path, |bucket| async move {
            let key = bucket.keys.key(&key)?;
            match measure::measured(content, &bucket.settings.tuning).await? {
                Ok(measured) => bucket.store(&key, measured, stamp).await.map(Ok),
                Err(unreadable) => Ok(Err(unreadable)),
            }
        });
        stored.await?.map_err(|error| StorageError::unreadable(path, &shown, &error))
    }

    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        let key = path.to_owned();
        self.with("remove", path, |bucket| async move {
            let key = bucket.keys.key(&key)?;
            bucket.remove(&key).await
        })
        .await
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        // Two pages may wait: the next one is asked for while the first is looked at.
        let (send, mut pages) = tokio::sync::mpsc::channel(2);
        let under = prefix.to_owned();
        let listing = self.with("list", prefix, |bucket| async move { bucket.list(&under, send).await });
        let reading = async {
            while let Some(next) = pages.recv().await {
                if !page(&next) {
                    break;
                }
            }
            drop(pages); // no further page is asked for
        };
        let (listed, ()) = futures::join!(listing, reading);
        listed
    }

    fn place(&self) -> String {
        self.settings.place()
    }
}
