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
use super::lease::{FoundLease, HeldLease, Note, TakeResult};
use super::storage::S3Storage;
use crate::unrenewed::Unrenewed;

/// The claims in a bucket, for one node.
#[derive(Clone, Debug)]
pub struct BucketClaims {
    storage: S3Storage,
    node: Arc<str>,
    ttl: Duration,
    /// Claims that are of the future by the clock of the server, by their names and ETags.
    unrenewed: Arc<Unrenewed<String, String>>,
}

impl BucketClaims {
    /// The claims among the records in `storage`, for the node called `node`. All nodes should have the same `ttl`
    /// ([`euterpe_actors::claims::TTL`]), of whole seconds: servers tell time in such.
    ///
    /// Use them only where [`super::Findings::has_atomic_conditions`].
    pub fn new(storage: &S3Storage, node: &str, ttl: Duration) -> Self {
        Self { storage: storage.clone(), node: node.into(), ttl, unrenewed: Arc::default() }
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
        let (unrenewed, ttl) = (self.unrenewed.clone(), self.ttl);
        let taking = self.storage.with("claim", &shown, move |bucket| async move {
            let key = bucket.keys.key(&name)?;
            // A time of the future is no proof that the owner lives.
            let is_over = |seen: &FoundLease| {
                seen.is_old || (seen.is_of_the_future && unrenewed.seen_for(name.clone(), seen.etag.clone()) >= ttl)
            };
            bucket.take(key, note, is_over).await
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

#[cfg(test)]
mod tests {
    use super::super::fake_server::{Answer, FakeServer, refusal};
    use super::*;

    /// A server with a claim of a dead node, from a time when its clock was an hour ahead.
    async fn with_claim_of_the_future() -> FakeServer {
        let server = FakeServer::start().await;
        server.decides(|request| match (request.method.as_str(), request.header("if-match")) {
            ("GET", _) => Some(Answer {
                status: 200,
                headers: vec![
                    ("etag".into(), "\"dead\"".into()),
                    ("date".into(), "Wed, 21 Oct 2015 07:28:00 GMT".into()),
                    ("last-modified".into(), "Wed, 21 Oct 2015 08:28:00 GMT".into()),
                ],
                body: "{}".into(),
            }),
            ("PUT", "\"dead\"") => {
                Some(Answer { status: 200, headers: vec![("etag".into(), "\"new\"".into())], ..Answer::default() })
            }
            ("PUT", _) => Some(refusal(412, "PreconditionFailed")),
            _ => None,
        });
        server
    }

    #[tokio::test]
    async fn a_claim_of_the_future_is_taken_over_when_it_was_not_renewed_for_its_ttl() {
        let server = with_claim_of_the_future().await;
        let target = Target { job: "mel".parse().expect("a name"), entity: "t-1".parse().expect("an id") };
        for (ttl, taken) in [(Duration::from_secs(3600), false), (Duration::ZERO, true)] {
            let claims = BucketClaims::new(&server.store(), "n", ttl);
            for _ in 0..2 {
                let leased = claims.lease(&target).await.expect("asked");
                assert_eq!(matches!(leased, Leased::Yours(_)), taken, "{ttl:?}");
            }
        }
    }
}
