//! Stands in for buckets in a program that was built without the feature `s3`: types that have no value, so that the users of
//! buckets need no second version.

use std::{io, time::Duration};

use async_trait::async_trait;
use euterpe_actors::claims::{Claims, Leased};
use euterpe_actors::message::Target;
use euterpe_actors::storage::{Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, Stored};
use serde::{Deserialize, Serialize};

use crate::swept::Swept;

/// A part of a bucket as a store: there is none.
#[derive(Clone, Debug)]
pub enum S3Storage {}

/// A cache of objects: there is none.
#[derive(Clone, Debug)]
pub enum Cache {}

/// A lock in a bucket: there is none.
#[derive(Debug)]
pub enum BucketLock {}

/// Claims in a bucket: there are none.
#[derive(Debug)]
pub enum BucketClaims {}

/// How a cache is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // as where there are buckets
pub struct CacheUsage {
    pub entries: u64,
    pub bytes: u64,
    pub hits: u64,
    pub spared: u64,
}

/// What a probe found: nothing was probed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Findings {}

impl Cache {
    /// No cache, whatever its size.
    pub fn of(_: u64) -> Option<Self> {
        None
    }

    /// How it is used.
    pub fn usage(&self) -> CacheUsage {
        match *self {}
    }

    /// How many bytes were not downloaded.
    pub fn spared(&self) -> u64 {
        match *self {}
    }
}

impl Findings {
    /// Whether a write is seen at once.
    pub fn is_consistent(&self) -> bool {
        match *self {}
    }

    /// Whether conditional writes are atomic.
    pub fn has_atomic_conditions(&self) -> bool {
        match *self {}
    }

    /// Whether the store keeps all that S3 promises.
    pub fn is_all_kept(&self) -> bool {
        match *self {}
    }

    /// The findings in words.
    pub fn text(&self) -> String {
        match *self {}
    }
}

impl S3Storage {
    /// Makes the bucket.
    ///
    /// # Errors
    /// None: there is no store.
    pub async fn make_bucket(&self) -> Result<bool, StorageError> {
        match *self {}
    }

    /// Probes the store.
    ///
    /// # Errors
    /// None: there is no store.
    pub async fn probe(&self, _: u64) -> Result<Findings, StorageError> {
        match *self {}
    }

    /// Aborts old uploads.
    ///
    /// # Errors
    /// None: there is no store.
    pub async fn sweep(&self, _: Duration) -> Result<u64, StorageError> {
        match *self {}
    }

    /// Counts old uploads and aborts them.
    ///
    /// # Errors
    /// None: there is no store.
    pub async fn orphans(&self, _: Duration, _: bool) -> Result<Swept, StorageError> {
        match *self {}
    }

    /// Removes old claims and locks.
    ///
    /// # Errors
    /// None: there is no store.
    pub async fn sweep_leases(&self, _: Duration, _: bool) -> Result<Swept, StorageError> {
        match *self {}
    }

    /// Sets what a probe found.
    pub fn set_findings(&self, _: Findings) {
        match *self {}
    }

    /// Whether conditional writes are known to be atomic.
    pub fn has_atomic_conditions(&self) -> bool {
        match *self {}
    }
}

impl BucketLock {
    /// Takes an exclusive lock.
    ///
    /// # Errors
    /// None: there is no store.
    pub async fn exclusive(storage: &S3Storage) -> Result<Self, StorageError> {
        match *storage {}
    }

    /// Takes a shared lock.
    ///
    /// # Errors
    /// None: there is no store.
    pub async fn shared(storage: &S3Storage) -> Result<Self, StorageError> {
        match *storage {}
    }
}

impl BucketClaims {
    /// The claims of a node in a store.
    pub fn new(storage: &S3Storage, _: &str, _: Duration) -> Self {
        match *storage {}
    }
}

#[async_trait]
impl Claims for BucketClaims {
    async fn lease(&self, _: &Target) -> Result<Leased, StorageError> {
        match *self {}
    }

    fn ttl(&self) -> Duration {
        match *self {}
    }
}

#[async_trait]
impl Storage for S3Storage {
    async fn look(&self, _: &str) -> Result<Option<ObjectInfo>, StorageError> {
        match *self {}
    }

    async fn open(&self, _: &str) -> Result<Object, StorageError> {
        match *self {}
    }

    async fn store(&self, _: &str, _: Content, _: Option<Stamp>) -> Result<Stored, StorageError> {
        match *self {}
    }

    async fn remove(&self, _: &str) -> Result<(), StorageError> {
        match *self {}
    }

    async fn list(&self, _: &str, _: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send)) -> Result<(), StorageError> {
        match *self {}
    }

    fn place(&self) -> String {
        match *self {}
    }
}

/// Blocks until a call of a bucket is done: none is ever made.
///
/// # Errors
/// Always.
pub fn wait<T: Send + 'static>(_: impl Future<Output = T> + Send + 'static) -> io::Result<T> {
    Err(io::Error::other("this program was built without the feature `s3`"))
}
