//! Claims as objects in a bucket that all nodes share: `claims/<job>/<hash of the entity>` where the records of runs lie.
//!
//! A claim is a lease (`lease`): made where there is nothing, renewed and taken over in place of the very version that was
//! seen, removed when its work can be seen. It needs a store whose conditions hold whoever writes at once.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use euterpe_actors::claims::{Claims, Lease, Leased};
use euterpe_actors::message::Target;
use euterpe_actors::storage::{StorageError, StorageErrorKind};

use super::S3Storage;
use super::age::LAG;
use super::lease::{Held, Note, Taken};

/// What the keys of claims start with.
pub(super) const FOLDER: &str = "claims";

/// One node's way to the claims in a bucket.
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
    /// They are worth something where [`super::Findings::keeps_apart`].
    pub fn new(storage: &S3Storage, node: &str, ttl: Duration) -> Self {
        Self { storage: storage.clone(), node: node.into(), ttl }
    }
}

/// Ids may be longer than a key and hold anything.
fn name(target: &Target) -> String {
    let hash = blake3::hash(target.entity.as_str().as_bytes()).to_hex();
    format!("{FOLDER}/{}/{}", target.job, &hash[..32])
}

/// Trouble with a claim is never the target's fault: there is always something to wait for.
fn waiting(mut error: StorageError) -> StorageError {
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
        Ok(match taking.await.map_err(waiting)? {
            Taken::Yours(held) => Leased::Yours(Box::new(BucketLease {
                storage: self.storage.clone(),
                target: shown.clone(),
                held: Some(held),
            })),
            Taken::Theirs(note) => {
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
    /// None where a call was given up half way: then whether it still is one is not known.
    held: Option<Held>,
}

#[async_trait]
impl Lease for BucketLease {
    async fn renew(&mut self) -> Result<bool, StorageError> {
        let Some(mut held) = self.held.take() else { return Ok(false) };
        let renewing = self.storage.with("renew the claim to", &self.target, |bucket| async move {
            let renewed = bucket.renew(&mut held).await;
            Ok((held, renewed))
        });
        let (held, renewed) = renewing.await.map_err(waiting)?;
        self.held = Some(held);
        renewed.map_err(|trouble| waiting(trouble.into_error("renew the claim to", &self.target)))
    }

    async fn release(mut self: Box<Self>) -> Result<(), StorageError> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let releasing = self
            .storage
            .with("release the claim to", &self.target, |bucket| async move { bucket.give_back(held).await });
        releasing.await.map_err(waiting)
    }
}
