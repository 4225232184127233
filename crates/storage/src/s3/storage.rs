//! A part of a bucket as a store: the storage port over [`Bucket`].

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::claims::TTL;
use euterpe_actors::storage::{Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, Stored};
use euterpe_actors::template::NameRules;
use tokio::sync::OnceCell;
use tokio::sync::mpsc::Sender;

use super::bucket::Bucket;
use super::error::S3Error;
use super::findings::Findings;
use super::keys::{CLAIMS, Keys, LOCKS};
use super::settings::S3Settings;
use super::{measure, probe, runtime};
use crate::pages::read_pages;
use crate::swept::Swept;

/// A part of a bucket as a store.
#[derive(Clone, Debug)]
pub struct S3Storage {
    pub(super) settings: Arc<S3Settings>,
    bucket: Arc<OnceCell<Arc<Bucket>>>,
    known: Arc<OnceLock<Findings>>,
}

impl S3Storage {
    /// The store. Nothing is asked of the server before the first call. That one makes sure that the bucket is there: in a
    /// missing bucket every object would look as if only the object were missing.
    pub fn new(settings: S3Settings) -> Self {
        Self { settings: Arc::new(settings), bucket: Arc::default(), known: Arc::default() }
    }

    /// Makes the bucket where it is not there. Returns whether it was made.
    ///
    /// # Errors
    /// Those of the store, such as that no bucket may be made.
    pub async fn make_bucket(&self) -> Result<bool, StorageError> {
        let made = runtime::run(Bucket::make(self.settings.clone())).await;
        made.map_err(|error| error.into_storage_error("make the bucket of", &self.place()))
    }

    /// Probes which of the promises of S3 the store keeps, by writing some small objects and removing them again.
    ///
    /// # Errors
    /// Those of the store, such as that it may not be written to.
    pub async fn probe(&self, nonce: u64) -> Result<Findings, StorageError> {
        let settings = self.settings.clone();
        self.with("probe", "", move |_| async move {
            // What is known already must not decide what is found.
            let unknown = || Bucket::open(settings.clone(), Arc::default());
            probe::probe(unknown().await?, unknown().await?, &format!("{nonce:016x}")).await
        })
        .await
    }

    /// Aborts uploads in parts that began at least `age` ago and were never completed, because their writers died. Returns how
    /// many.
    ///
    /// # Errors
    /// Those of the store. What was aborted until then stays aborted.
    pub async fn sweep(&self, age: Duration) -> Result<u64, StorageError> {
        let swept = self.with("sweep", "", move |bucket| async move { bucket.sweep(age, false, false).await }).await?;
        Ok(swept.files)
    }

    /// As [`S3Storage::sweep`], and counts the bytes of the parts; with `dry_run` nothing is aborted.
    ///
    /// # Errors
    /// Those of the store. What was aborted until then stays aborted.
    pub async fn orphans(&self, age: Duration, dry_run: bool) -> Result<Swept, StorageError> {
        self.with("sweep", "", move |bucket| async move { bucket.sweep(age, dry_run, true).await }).await
    }

    /// Removes the claims and the locks in this store that were not renewed for `age`; with `dry_run` they stay. One that was
    /// renewed within [`TTL`] always stays.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sweep_leases(&self, age: Duration, dry_run: bool) -> Result<Swept, StorageError> {
        let (age, place) = (age.max(TTL), self.place());
        let sweeping = self.with("remove old claims in", &place, move |bucket| async move {
            let mut swept = Swept::default();
            for folder in [CLAIMS, LOCKS] {
                swept += bucket.sweep_leases(&format!("{folder}/"), age, dry_run).await?;
            }
            Ok(swept)
        });
        sweeping.await
    }

    /// Sets the findings of a probe, once. Where conditional writes are atomic, a new object then costs one request; where writes
    /// are not seen at once, each write then waits until it is.
    pub fn set_findings(&self, findings: Findings) {
        self.known.get_or_init(|| findings);
    }

    /// Whether conditional writes are known to be atomic.
    pub fn has_atomic_conditions(&self) -> bool {
        self.known.get().is_some_and(Findings::has_atomic_conditions)
    }

    /// Runs work with the bucket on the threads for S3.
    pub(super) async fn with<T, F, W>(&self, action: &'static str, path: &str, work: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, S3Error>> + Send + 'static,
        W: FnOnce(Arc<Bucket>) -> F + Send + 'static,
    {
        let this = self.clone();
        let done = runtime::run(async move {
            let open = || Bucket::open(this.settings.clone(), this.known.clone());
            let bucket = this.bucket.get_or_try_init(open).await?.clone();
            work(bucket).await
        });
        done.await.map_err(|error| error.into_storage_error(action, path))
    }
}

#[async_trait]
impl Storage for S3Storage {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        let key = path.to_owned();
        self.with("look for", path, |bucket| async move {
            let key = bucket.keys.key(&key)?;
            Ok(bucket.look(&key).await?.map(|in_place| in_place.info))
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
        let under = prefix.to_owned();
        let listing =
            |send: Sender<Page>| self.with("list", prefix, |bucket| async move { bucket.list(&under, send).await });
        read_pages(listing, page).await
    }

    fn place(&self) -> String {
        self.settings.place()
    }

    fn name_rules(&self) -> NameRules {
        Keys::below(&self.settings.prefix).rules()
    }

    /// Asks the listing: a server may keep its objects in a folder that does not tell case.
    async fn is_named(&self, path: &str) -> Result<bool, StorageError> {
        let mut is_named = false;
        let mut first = |page: &Page| {
            is_named = page.paths().any(|listed| listed == path);
            false // the name itself comes before all that begin with it
        };
        self.list(path, &mut first).await?;
        Ok(is_named)
    }
}
