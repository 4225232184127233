//! Finds out what a store keeps of what S3 promises, on keys of its own: is a write seen at once, by others too; is a
//! condition heeded, and by exactly one of many who write at once; is a listing complete and in order.

use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use futures::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use super::trouble::{Refusal, Trouble, refusal};
use super::write::Condition;

/// How many keys are looked for, written and looked for again.
const KEYS: usize = 25;
/// How often writers race for a key.
const RACES: usize = 6;
/// How many they are.
const RACERS: usize = 8;

/// What a store was found to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// How many of the keys were not seen by another client right after they were written.
    pub unseen: usize,
    /// Whether a write that asks for there being nothing is declined where there is something.
    pub create_only: Heed,
    /// Whether a write that asks for a version is declined where another one is in place.
    pub replace_only: Heed,
    /// Whether a listing showed what was just written, all of it.
    pub listed: bool,
    /// Whether it was in the order of the bytes of the keys. Nothing rests on it.
    pub ordered: bool,
}

/// How a store heeds a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heed {
    /// Always: of many who write at once exactly one comes first.
    Atomic,
    /// Unless many write at once.
    Racy,
    /// Never: it writes all the same.
    Ignored,
    /// It does not take requests with it.
    Refused,
}

impl Findings {
    /// Whether every write is seen by whoever looks after it.
    pub fn is_consistent(&self) -> bool {
        self.unseen == 0
    }

    /// Whether conditions keep two who write at once apart.
    pub fn keeps_apart(&self) -> bool {
        self.create_only == Heed::Atomic && self.replace_only == Heed::Atomic
    }

    /// In a sentence for people.
    pub fn text(&self) -> String {
        let heed = |heed| match heed {
            Heed::Atomic => "heeded",
            Heed::Racy => "heeded, but not when several write at once",
            Heed::Ignored => "ignored",
            Heed::Refused => "refused",
        };
        let seen = match self.unseen {
            0 => "writes are seen at once".to_owned(),
            unseen => format!("{unseen} of {KEYS} writes were not seen at once"),
        };
        let listed = match (self.listed, self.ordered) {
            (true, true) => "listings are complete and in order",
            (true, false) => "listings are complete, in an order of their own",
            (false, _) => "listings lag behind",
        };
        let (create, replace) = (heed(self.create_only), heed(self.replace_only));
        format!("{seen}; create-only writes are {create}; writes over a version are {replace}; {listed}")
    }
}

/// Probes a bucket by two clients that share no connection. What is written for it is removed.
pub(super) async fn probe(one: Arc<Bucket>, other: Arc<Bucket>, nonce: &str) -> Result<Findings, Trouble> {
    let folder = format!("probe/{nonce}");
    let key = |name: String| one.keys.own(&format!("{folder}/{name}"));
    let found = ask(&one, &other, &key).await;
    let names = (0..KEYS).map(|n| format!("key-{n:02}"));
    let races = (0..RACES).flat_map(|n| [format!("create-{n}"), format!("replace-{n}")]);
    let written: Vec<String> = names.chain(races).map(key).collect();
    let removed = try_join_all(written.iter().map(|key| one.remove(key))).await;
    let found = found?;
    removed?;
    Ok(found)
}

async fn ask(one: &Bucket, other: &Bucket, key: &impl Fn(String) -> String) -> Result<Findings, Trouble> {
    let mut unseen = 0;
    for n in 0..KEYS {
        let (writer, reader) = if n % 2 == 0 { (one, other) } else { (other, one) };
        let key = key(format!("key-{n:02}"));
        if reader.look(&key).await?.is_some() {
            return Err(Trouble::unavailable("a key that nobody else knows is there"));
        }
        write(writer, &key, n, &Condition::Anything).await.map_err(Refusal::into_trouble)?;
        let (by_reader, by_writer) = (reader.look(&key).await?, writer.look(&key).await?);
        unseen += usize::from(by_reader.is_none() || by_writer.is_none());
    }
    let (listed, ordered) = list(other, &key("key-".to_owned())).await?;
    let create_only = creating(one, other, key).await?;
    let replace_only = replacing(one, other, key).await?;
    Ok(Findings { unseen, create_only, replace_only, listed, ordered })
}

/// Whether all the keys are listed, and whether in order.
async fn list(bucket: &Bucket, prefix: &str) -> Result<(bool, bool), Trouble> {
    let listed = bucket.client.list_objects_v2().bucket(bucket.name()).prefix(prefix).send().await;
    let listed = listed.map_err(|error| refusal(&error).into_trouble())?;
    let keys: Vec<&str> = listed.contents().iter().filter_map(|object| object.key()).collect();
    Ok((keys.len() == KEYS, keys.is_sorted()))
}

async fn creating(one: &Bucket, other: &Bucket, key: &impl Fn(String) -> String) -> Result<Heed, Trouble> {
    let first = key("key-00".to_owned()); // is there
    if let Some(heed) = disregard(write(one, &first, 0, &Condition::Nothing).await)? {
        return Ok(heed);
    }
    let mut heed = Heed::Atomic;
    for n in 0..RACES {
        if race(one, other, &key(format!("create-{n}")), &Condition::Nothing).await? > 1 {
            heed = Heed::Racy;
        }
    }
    Ok(heed)
}

/// What a write under a condition that does not hold says of a store that does not care; none of one that does.
fn disregard<T>(written: Result<T, Refusal>) -> Result<Option<Heed>, Trouble> {
    match written {
        Ok(_) => Ok(Some(Heed::Ignored)),
        Err(Refusal::NoConditions) => Ok(Some(Heed::Refused)),
        Err(Refusal::Condition) => Ok(None),
        Err(refusal) => Err(refusal.into_trouble()),
    }
}

async fn replacing(one: &Bucket, other: &Bucket, key: &impl Fn(String) -> String) -> Result<Heed, Trouble> {
    let first = key("key-01".to_owned());
    if let Some(heed) = disregard(write(one, &first, 1, &Condition::Etag(format!("\"{}\"", "0".repeat(32)))).await)? {
        return Ok(heed);
    }
    let mut heed = Heed::Atomic;
    for n in 0..RACES {
        let key = key(format!("replace-{n}"));
        let etag = write(one, &key, 0, &Condition::Anything).await.map_err(Refusal::into_trouble)?;
        if race(one, other, &key, &Condition::Etag(etag)).await? > 1 {
            heed = Heed::Racy;
        }
    }
    Ok(heed)
}

/// How many of those who write at once came first.
async fn race(one: &Bucket, other: &Bucket, key: &str, condition: &Condition) -> Result<usize, Trouble> {
    let writes = (1..=RACERS).map(|n| write(if n % 2 == 0 { one } else { other }, key, n, condition));
    let mut won = 0;
    for wrote in join_all(writes).await {
        match wrote {
            Ok(_) => won += 1,
            Err(Refusal::Condition) => {}
            Err(refusal) => return Err(refusal.into_trouble()),
        }
    }
    Ok(won)
}

/// Writes a content of its own for each `n`; its ETag.
async fn write(bucket: &Bucket, key: &str, n: usize, condition: &Condition) -> Result<String, Refusal> {
    let body = ByteStream::from(format!("probe {n} of {key}").into_bytes());
    let put = bucket
        .client
        .put_object()
        .bucket(bucket.name())
        .key(key)
        .set_if_match(condition.if_match())
        .set_if_none_match(condition.if_none_match())
        .body(body)
        .send();
    let put = put.await.map_err(|error| refusal(&error))?;
    put.e_tag.ok_or_else(|| Refusal::Trouble(Trouble::unavailable("the server tells no ETag")))
}
