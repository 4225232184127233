//! A lease on a key of a bucket: an object that only one can make, renewed by its owner, taken over when it is old.
//!
//! Every step is one conditional write, so of many who want it one gets it: it is made where there is nothing, and it is
//! renewed or taken over in place of the very version that was seen. Each version holds other bytes, for an ETag tells
//! contents apart. How old it is goes by the server's clock (`age`). All of it needs a store that heeds conditions.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::age::{Dated, is_older};
use super::bucket::Bucket;
use super::trouble::{Refusal, Trouble, refusal};
use super::write::Condition;
use euterpe_actors::process::Process;

/// How often others may come first before who wants a lease gives up.
const MOST_ROUNDS: u32 = 20;

/// What stands in a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Who has it, for people.
    pub by: String,
    /// What it is a right to, for people.
    pub to: String,
    /// How many milliseconds it lasts.
    pub ttl_millis: u64,
    /// The process.
    pub process: Process,
    /// What no other lease has.
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

/// A text that nobody else has.
pub(super) fn nonce() -> String {
    use std::hash::{BuildHasher, RandomState};
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    let number = || RandomState::new().hash_one((std::process::id(), now));
    format!("{:016x}{:016x}", number(), number())
}

/// A lease in hand.
#[derive(Debug)]
pub(super) struct Held {
    key: String,
    note: Note,
    etag: String,
    /// When the write began that made it or renewed it last.
    since: Instant,
    /// Whether somebody was found to have taken it over.
    lost: bool,
}

/// What became of asking for a lease.
#[derive(Debug)]
pub(super) enum Taken {
    Yours(Held),
    /// Another's, whose note could be read if it is there.
    Theirs(Option<Note>),
}

/// A lease in place.
#[derive(Debug)]
pub(super) struct Seen {
    pub note: Option<Note>,
    pub is_old: bool,
    pub bytes: u64,
    etag: String,
}

impl Seen {
    /// Whether its process is one of this machine and ended.
    pub fn is_left_behind(&self) -> bool {
        self.note.as_ref().is_some_and(|note| note.process.is_gone())
    }
}

impl Bucket {
    /// Takes the lease under a key, if nobody has it, or if `is_over` says of the one in place that it no longer counts.
    pub async fn take(
        &self,
        key: String,
        note: Note,
        is_over: impl Fn(&Seen) -> bool + Send,
    ) -> Result<Taken, Trouble> {
        let mut condition = Condition::Nothing;
        for _ in 0..MOST_ROUNDS {
            let since = Instant::now();
            match self.put_note(&key, &note, &condition).await {
                Ok(etag) => return Ok(Taken::Yours(Held { key, note, etag, since, lost: false })),
                Err(Refusal::Condition | Refusal::Missing) => {}
                Err(refusal) => return Err(refusal.into_trouble()),
            }
            condition = match self.see(&key, note.ttl()).await? {
                None => Condition::Nothing, // released in this moment
                Some(Seen { etag, note: Some(seen), .. }) if seen == note => {
                    // The write was done, and its answer lost on the way.
                    return Ok(Taken::Yours(Held { key, note, etag, since, lost: false }));
                }
                Some(seen) if is_over(&seen) => Condition::Etag(seen.etag),
                Some(seen) => return Ok(Taken::Theirs(seen.note)),
            };
        }
        Err(Trouble::unavailable("others took it each time"))
    }

    /// Renews a lease; `false` where it is no longer one.
    pub async fn renew(&self, held: &mut Held) -> Result<bool, Trouble> {
        for _ in 0..MOST_ROUNDS {
            let note = Note { renewed: held.note.renewed + 1, ..held.note.clone() };
            let since = Instant::now();
            match self.put_note(&held.key, &note, &Condition::Etag(held.etag.clone())).await {
                Ok(etag) => {
                    (held.note, held.etag, held.since) = (note, etag, since);
                    return Ok(true);
                }
                Err(Refusal::Missing) => break,
                Err(Refusal::Condition) => {}
                Err(refusal) => return Err(refusal.into_trouble()),
            }
            // Ours all the same, where an earlier answer was lost on the way.
            match self.see(&held.key, held.note.ttl()).await? {
                Some(Seen { etag, note: Some(seen), .. }) if seen.lease == held.note.lease => {
                    (held.note, held.etag) = (seen, etag);
                }
                _ => break,
            }
        }
        held.lost = true;
        Ok(false)
    }

    /// Ends a lease, unless it is another's by now.
    ///
    /// Not every server heeds the condition of a removal. So what somebody may have taken over is renewed before.
    pub async fn give_back(&self, mut held: Held) -> Result<(), Trouble> {
        if !held.lost && held.since.elapsed() > held.note.ttl() / 2 {
            self.renew(&mut held).await?;
        }
        if held.lost {
            return Ok(());
        }
        self.remove_version(&held.key, held.etag).await
    }

    /// Removes what was seen, unless it is another version by now.
    pub async fn clear(&self, key: &str, seen: Seen) -> Result<(), Trouble> {
        self.remove_version(key, seen.etag).await
    }

    async fn remove_version(&self, key: &str, etag: String) -> Result<(), Trouble> {
        let removed = self.client.delete_object().bucket(self.name()).key(key).if_match(etag).send().await;
        match removed.map_err(|error| refusal(&error)) {
            Ok(_) | Err(Refusal::Missing | Refusal::Condition) => Ok(()),
            Err(Refusal::NoConditions) => self.remove(key).await,
            Err(refusal) => Err(refusal.into_trouble()),
        }
    }

    /// The lease under a key, if there is one; old when nobody renewed it for `ttl`.
    pub async fn see(&self, key: &str, ttl: Duration) -> Result<Option<Seen>, Trouble> {
        let dated = Dated::default();
        let got = self.client.get_object().bucket(self.name()).key(key).customize().interceptor(dated.clone());
        let got = match got.send().await.map_err(|error| refusal(&error)) {
            Ok(got) => got,
            Err(Refusal::Missing) => return Ok(None),
            Err(refusal) => return Err(refusal.into_trouble()),
        };
        let etag = got.e_tag.ok_or_else(|| Trouble::unavailable("the server tells no ETag"))?;
        let is_old = is_older(dated.date(), got.last_modified, ttl);
        let text = got.body.collect().await.map_err(Trouble::unavailable)?.into_bytes();
        Ok(Some(Seen { note: serde_json::from_slice(&text).ok(), is_old, bytes: text.len() as u64, etag }))
    }

    /// Writes a note; its ETag.
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
        let put = put.send().await.map_err(|error| refusal(&error))?;
        put.e_tag.ok_or_else(|| Refusal::Trouble(Trouble::unavailable("the server tells no ETag")))
    }
}
