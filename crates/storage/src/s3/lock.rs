//! The lock of the records of a graph's runs in a bucket, exclusive or shared, as the lock of a folder.
//!
//! The exclusive lock is the lease `lock/alone`; each shared one is a lease below `lock/shared/`. A process makes its own
//! lease first and looks for those of others after that, so of two that come at once at least one sees the other. Leases are
//! renewed on the threads for S3. A lease no longer counts when it was not renewed for a while, or when its process is known
//! to have ended.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use euterpe_actors::claims::TTL;
use euterpe_actors::storage::StorageError;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::age::LAG;
use super::bucket::Bucket;
use super::error::S3Error;
use super::lease::{FoundLease, HeldLease, Note, TakeResult, nonce};
use super::storage::S3Storage;
use euterpe_actors::process::Process;

/// The lease of the exclusive lock.
const EXCLUSIVE: &str = "lock/alone";
/// The start of the leases of shared locks.
const SHARED: &str = "lock/shared/";
/// How long dropping a lock waits until its lease is removed. A lease that is not removed by then runs out by itself.
const RELEASE: Duration = Duration::from_secs(5);

/// A lock of the records of runs. It lasts until it is dropped; if the process is killed, for the time of a lease longer.
#[derive(Debug)]
pub struct BucketLock {
    release: Option<oneshot::Sender<()>>,
    released: mpsc::Receiver<()>,
}

/// Why records cannot be locked.
#[derive(Debug, Error)]
pub enum BucketLockError {
    /// Another process has the lock.
    #[error(
        "the state at {place} is in use by {by}; wait for it, stop it, or use another place (what a process left that was killed elsewhere is free {} s after its end)",
        (TTL + LAG).as_secs()
    )]
    Held {
        /// Where the records are.
        place: String,
        /// The process that has the lock, for people.
        by: String,
    },
    /// The store's own error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl BucketLock {
    /// Takes the exclusive lock of the records in `storage`, whose conditional writes must be atomic.
    ///
    /// # Errors
    /// [`BucketLockError::Held`] if another process has the lock, exclusive or shared.
    pub async fn exclusive(storage: &S3Storage) -> Result<Self, BucketLockError> {
        Self::take(storage, EXCLUSIVE.to_owned()).await
    }

    /// Takes a shared lock of the records in `storage`, whose conditional writes must be atomic.
    ///
    /// # Errors
    /// [`BucketLockError::Held`] if another process has the exclusive lock.
    pub async fn shared(storage: &S3Storage) -> Result<Self, BucketLockError> {
        Self::take(storage, format!("{SHARED}{}", nonce())).await
    }

    async fn take(storage: &S3Storage, name: String) -> Result<Self, BucketLockError> {
        let place = storage.settings.place();
        let note = Note::new(&Process::own().to_string(), &place, TTL);
        let taking = storage.with("hold", "lock", |bucket| async move {
            let key = bucket.keys.key(&name)?;
            match bucket.take(key, note, is_over).await? {
                TakeResult::Ours(held) => match conflict(&bucket, &name).await {
                    Ok(None) => Ok(Ok(renewing(bucket, held))),
                    Ok(Some(by)) => bucket.give_back(held).await.map(|()| Err(by)),
                    Err(error) => bucket.give_back(held).await.and(Err(error)),
                },
                TakeResult::Theirs(note) => Ok(Err(who(note))),
            }
        });
        taking.await?.map_err(|by| BucketLockError::Held { place, by })
    }
}

impl Drop for BucketLock {
    fn drop(&mut self) {
        drop(self.release.take());
        if self.released.recv_timeout(RELEASE).is_err() {
            tracing::debug!("the state was not given back in time; that ends by itself");
        }
    }
}

/// Whether a lease no longer counts.
fn is_over(seen: &FoundLease) -> bool {
    seen.is_old || seen.is_left_behind()
}

/// The process that has a lease, for people.
fn who(note: Option<Note>) -> String {
    note.map_or_else(|| "another process".to_owned(), |note| note.by)
}

/// The process whose lease excludes the one called `own`, if there is one.
async fn conflict(bucket: &Bucket, own: &str) -> Result<Option<String>, S3Error> {
    if own != EXCLUSIVE {
        let seen = bucket.see(&bucket.keys.key(EXCLUSIVE)?, TTL).await?;
        return Ok(seen.filter(|seen| !is_over(seen)).map(|seen| who(seen.note)));
    }
    for name in bucket.names(SHARED).await? {
        let key = bucket.keys.key(&name)?;
        match bucket.see(&key, TTL).await? {
            None => {}
            Some(seen) if is_over(&seen) => bucket.clear(&key, seen).await?,
            Some(seen) => return Ok(Some(who(seen.note))),
        }
    }
    Ok(None)
}

/// A lock of a lease, which is renewed until the lock is dropped.
fn renewing(bucket: Arc<Bucket>, mut held: HeldLease) -> BucketLock {
    let (release, mut releasing) = oneshot::channel();
    let (done, released) = mpsc::channel();
    tokio::spawn(async move {
        let place = bucket.settings.place();
        while timeout(TTL / 3, &mut releasing).await.is_err() {
            match bucket.renew(&mut held).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(
                        "another process has taken over the state at {place}, for this one was held up for too long; \
                         work may be done twice"
                    );
                    break;
                }
                Err(error) => tracing::warn!(why = %error.text, "the hold on the state at {place} was not renewed"),
            }
        }
        if let Err(error) = bucket.give_back(held).await {
            tracing::debug!(why = %error.text, "the hold on the state was not given back and runs out by itself");
        }
        done.send(()).ok(); // an error means that nobody waits any more
    });
    BucketLock { release: Some(release), released }
}
