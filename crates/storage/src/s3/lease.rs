//! A lease on a key of a bucket: an object that only one process can make. Its owner renews it; others take it over when it
//! is old.
//!
//! Every step is one conditional write, so of many processes that want a lease one gets it. It is made where there is nothing,
//! and renewed or taken over in place of exactly the version that was seen. Each version holds other bytes, because an ETag
//! tells only contents apart. The age of a lease goes by the server's clock (`age`). All of it needs a store whose
//! conditional writes are atomic.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::age::{AnswerDate, is_of_the_future, is_older};
use super::bucket::Bucket;
use super::condition::Condition;
use super::error::{Refusal, S3Error, classify};
use euterpe_actors::process::Process;

/// How often another write may come first before a step gives up.
const MOST_ROUNDS: u32 = 20;

/// The wait before a further round.
const ROUND: Duration = Duration::from_millis(50);

/// The content of a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The owner, for people.
    pub by: String,
    /// What it gives the right to, for people.
    pub to: String,
    /// How many milliseconds it lasts without being renewed.
    pub ttl_millis: u64,
    /// The process of the owner.
    pub process: Process,
    /// A nonce of this lease.
    lease: String,
    /// How often it was renewed.
    renewed: u64,
}

impl Note {
    pub fn new(by: &str, to: &str, ttl: Duration) -> Self {
        let ttl_millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        Self { by: by.into(), to: to.into(), ttl_millis, process: Process::own(), lease: nonce(), renewed: 0 }
    }

    pub fn ttl(&self) -> Duration {
        Duration::from_millis(self.ttl_millis)
    }
}

/// A text that no other process has.
pub(super) fn nonce() -> String {
    use std::hash::{BuildHasher, RandomState};
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    let number = || RandomState::new().hash_one((std::process::id(), now));
    format!("{:016x}{:016x}", number(), number())
}

/// A lease of this process.
#[derive(Debug)]
pub(super) struct HeldLease {
    key: String,
    note: Note,
    etag: String,
    /// The start of the write that made it or renewed it last.
    since: Instant,
    /// Whether another process has taken it over.
    lost: bool,
}

/// The result of [`Bucket::take`].
#[derive(Debug)]
pub(super) enum TakeResult {
    Ours(HeldLease),
    /// Another process has it; with its note, if that could be read.
    Theirs(Option<Note>),
}

/// A lease that was found in place.
#[derive(Debug)]
pub(super) struct FoundLease {
    pub note: Option<Note>,
    pub is_old: bool,
    /// Whether its time is later than that of its server, so that it says nothing of its age.
    pub is_of_the_future: bool,
    pub bytes: u64,
    /// Another one after each renewal.
    pub etag: String,
}

impl FoundLease {
    /// Whether its process was one of this machine and has ended.
    pub fn is_left_behind(&self) -> bool {
        self.note.as_ref().is_some_and(|note| note.process.is_gone())
    }
}

impl Bucket {
    /// Takes the lease under a key, if there is none, or if `is_over` says that the one in place no longer counts.
    pub async fn take(
        &self,
        key: String,
        note: Note,
        is_over: impl Fn(&FoundLease) -> bool + Send,
    ) -> Result<TakeResult, S3Error> {
        let mut condition = Condition::Nothing;
        for round in 0..MOST_ROUNDS {
            if round > 1 {
                tokio::time::sleep(ROUND).await;
            }
            let since = Instant::now();
            match self.put_note(&key, &note, &condition).await {
                Ok(etag) => return Ok(TakeResult::Ours(HeldLease { key, note, etag, since, lost: false })),
                Err(Refusal::Condition | Refusal::Missing) => {}
                Err(refusal) => return Err(refusal.into_error()),
            }
            condition = match self.see(&key, note.ttl()).await? {
                None => Condition::Nothing, // released in this moment
                Some(FoundLease { etag, note: Some(seen), .. }) if seen == note => {
                    // Our write was done and its answer was lost.
                    return Ok(TakeResult::Ours(HeldLease { key, note, etag, since, lost: false }));
                }
                Some(seen) if is_over(&seen) => Condition::Etag(seen.etag),
                Some(seen) => return Ok(TakeResult::Theirs(seen.note)),
            };
        }
        Err(S3Error::unavailable("others took it each time"))
    }

    /// Renews a lease; `false` where another process has taken it over.
    pub async fn renew(&self, held: &mut HeldLease) -> Result<bool, S3Error> {
        for round in 0..MOST_ROUNDS {
            if round > 1 {
                tokio::time::sleep(ROUND).await;
            }
            let note = Note { renewed: held.note.renewed + 1, ..held.note.clone() };
            let since = Instant::now();
            match self.put_note(&held.key, &note, &Condition::Etag(held.etag.clone())).await {
                Ok(etag) => {
                    (held.note, held.etag, held.since) = (note, etag, since);
                    return Ok(true);
                }
                Err(Refusal::Missing) => break,
                Err(Refusal::Condition) => {}
                Err(refusal) => return Err(refusal.into_error()),
            }
            // It is still ours where the answer to an earlier renewal was lost.
            match self.see(&held.key, held.note.ttl()).await? {
                Some(FoundLease { etag, note: Some(seen), .. }) if seen.lease == held.note.lease => {
                    (held.note, held.etag) = (seen, etag);
                }
                _ => break,
            }
        }
        held.lost = true;
        Ok(false)
    }

    /// Ends a lease, unless another process has taken it over.
    ///
    /// Not every server checks the condition of a removal. So a lease that may have been taken over is renewed first.
    pub async fn give_back(&self, mut held: HeldLease) -> Result<(), S3Error> {
        if !held.lost && held.since.elapsed() > held.note.ttl() / 2 {
            self.renew(&mut held).await?;
        }
        if held.lost {
            return Ok(());
        }
        self.remove_version(&held.key, held.etag).await
    }

    /// Removes the lease that was found, unless there is another version by now.
    pub async fn clear(&self, key: &str, seen: FoundLease) -> Result<(), S3Error> {
        self.remove_version(key, seen.etag).await
    }

    async fn remove_version(&self, key: &str, etag: String) -> Result<(), S3Error> {
        let removed = self.client.delete_object().bucket(self.name()).key(key).if_match(etag).send().await;
        match removed.map_err(|error| classify(&error)) {
            Ok(_) | Err(Refusal::Missing | Refusal::Condition) => Ok(()),
            // The server says itself that it has no conditions for removals; any other refusal keeps the lease, which runs out.
            Err(Refusal::Unsupported(_)) => self.delete(key).await,
            Err(refusal) => Err(refusal.into_error()),
        }
    }

    /// The lease under a key, if there is one. It is old when it was not renewed for `ttl`.
    pub async fn see(&self, key: &str, ttl: Duration) -> Result<Option<FoundLease>, S3Error> {
        let date = AnswerDate::default();
        let got = self.client.get_object().bucket(self.name()).key(key).customize().interceptor(date.clone());
        let got = match got.send().await.map_err(|error| classify(&error)) {
            Ok(got) => got,
            Err(refusal) => return self.is_absence(refusal).await.map(|()| None),
        };
        let etag = got.e_tag.ok_or_else(|| S3Error::unavailable("the server tells no ETag"))?;
        let is_old = is_older(date.date(), got.last_modified, ttl);
        let is_of_the_future = is_of_the_future(date.date(), got.last_modified);
        let text = got.body.collect().await.map_err(S3Error::unavailable)?.into_bytes();
        let (note, bytes) = (serde_json::from_slice(&text).ok(), text.len() as u64);
        Ok(Some(FoundLease { note, is_old, is_of_the_future, bytes, etag }))
    }

    /// Writes a note; returns its ETag.
    async fn put_note(&self, key: &str, note: &Note, condition: &Condition) -> Result<String, Refusal> {
        let text = serde_json::to_vec(note).expect("a note has a JSON form");
        let put = self
            .client
            .put_object()
            .bucket(self.name())
            .key(key)
            .content_type("application/json")
            .set_if_match(condition.if_match())
            .set_if_none_match(condition.if_none_match())
            .body(ByteStream::from(text));
        let put = put.send().await.map_err(|error| classify(&error))?;
        put.e_tag.ok_or_else(|| Refusal::Other(S3Error::unavailable("the server tells no ETag")))
    }
}
