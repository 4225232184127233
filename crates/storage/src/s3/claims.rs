//! Claims as objects in a bucket that all nodes share: `claims/<job>/<hash of the entity>` where the records of runs lie.
//!
//! A claim is a lease (`lease`) that is removed when its work can be seen. It needs a store whose conditional writes are
//! atomic.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use euterpe_actors::claims::{Claims, Lease, Leased};
use euterpe_actors::message::Target;
use euterpe_actors::storage::{StorageError, StorageErrorKind};

use super::age::LAG;
use super::keys::CLAIMS;
use super::lease::{HeldLease, Note, TakeResult};
use super::storage::S3Storage;

/// The claims in a bucket, for one node.
#[derive(Clone, Debug)]
pub struct BucketClaims {
    storage: S3Storage,
    node: Arc<str>,
    ttl: Duration,
}

impl BucketClaims {
    /// The claims among the records in `storage`, for the node called `node`. All nodes should have the same `ttl`
    /// ([`euterpe_actors::claims::TTL`]), of whole seconds: servers tell time in such.
    ///
    /// Use them only where [`super::Findings::has_atomic_conditions`].
    pub fn new(storage: &S3Storage, node: &str, ttl: Duration) -> Self {
        Self { storage: storage.clone(), node: node.into(), ttl }
    }
}

/// The path of a claim. The id is hashed, because it may be longer than a key and hold any character.
fn name(target: &Target) -> String {
    let hash = blake3::hash(target.entity.as_str().as_bytes()).to_hex();
    format!("{CLAIMS}/{}/{}", target.job, &hash[..32])
}

/// An error of a claim is never the fault of its target, so every kind becomes one that may pass.
fn as_unavailable(mut error: StorageError) -> StorageError {
    if !error.is_trouble() {
        error.kind = StorageErrorKind::Unavailable;
    }
    error
}

#[async_trait]
impl Claims for BucketClaims {
    async fn lease(&self, target: &Target) -> Result<Leased, StorageError> {
        let shown = target.to_string();
        let (name, note) = (name(target), Note::new(&self.node, &shown, self.ttl));
        let taking = self.storage.with("claim", &shown, move |bucket| async move {
            let key = bucket.keys.key(&name)?;
            bucket.take(key, note, |seen| seen.is_old).await
        });
        Ok(match taking.await.map_err(as_unavailable)? {
            TakeResult::Ours(held) => Leased::Yours(Box::new(BucketLease {
                storage: self.storage.clone(),
                target: shown.clone(),
                held: Some(held),
            })),
            TakeResult::Theirs(note) => {
                let by = note.map(|note| format!("{} ({})", note.by, note.process));
                Leased::Held { by: by.unwrap_or_else(|| "another node".to_owned()) }
            }
        })
    }

    fn ttl(&self) -> Duration {
        self.ttl
    }

    fn lag(&self) -> Duration {
        LAG
    }
}

struct BucketLease {
    storage: S3Storage,
    target: String,
    /// `None` where a call was dropped half way: then it is not known whether the lease is still ours.
    held: Option<HeldLease>,
}

#[async_trait]
impl Lease for BucketLease {
    async fn renew(&mut self) -> Result<bool, StorageError> {
        let Some(mut held) = self.held.take() else { return Ok(false) };
        let renewing = self.storage.with("renew the claim to", &self.target, |bucket| async move {
            let renewed = bucket.renew(&mut held).await;
            Ok((held, renewed))
        });
        let (held, renewed) = renewing.await.map_err(as_unavailable)?;
        self.held = Some(held);
        renewed.map_err(|error| as_unavailable(error.into_storage_error("renew the claim to", &self.target)))
    }

    async fn release(mut self: Box<Self>) -> Result<(), StorageError> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let releasing = self
            .storage
            .with("release the claim to", &self.target, |bucket| async move { bucket.give_back(held).await });
        releasing.await.map_err(as_unavailable)
    }
}
