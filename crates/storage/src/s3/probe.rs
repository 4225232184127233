//! Probes which of the promises of S3 a store keeps, on keys of its own. Can other clients see a write at once? Are conditions
//! checked, also when several writes come at once? Are listings complete and in order? Each write has the form of the
//! writes of work, with checksum, condition and stamp, so that what a server does not take is known before any work.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::storage::{Content, Stamp, StorageErrorKind};
use futures::future::{join_all, try_join_all};

use super::bucket::Bucket;
use super::condition::Condition;
use super::error::{Refusal, S3Error, classify};
use super::findings::{ConditionSupport, Findings, KEYS};
use super::measure::{Measured, measured};
use super::stamps::LONGEST;

/// How many races there are for each condition.
const RACES: usize = 6;
/// How many writers race for one key.
const RACERS: usize = 8;
/// The name of the object that is uploaded in parts.
const PARTS: &str = "parts";

/// Probes a bucket by two clients that share no connection. All objects that it writes are removed again.
pub(super) async fn probe(one: Arc<Bucket>, other: Arc<Bucket>, nonce: &str) -> Result<Findings, S3Error> {
    let folder = format!("probe/{nonce}");
    let key = |name: String| one.keys.own(&format!("{folder}/{name}"));
    let found = ask(&one, &other, &key).await;
    let names = (0..KEYS).map(|n| format!("key-{n:02}"));
    let races = (0..RACES).flat_map(|n| [format!("create-{n}"), format!("replace-{n}")]);
    let written: Vec<String> = names.chain(races).chain([PARTS.to_owned()]).map(key).collect();
    let removed = try_join_all(written.iter().map(|key| one.delete(key))).await;
    let found = found?;
    removed?;
    Ok(found)
}

async fn ask(one: &Bucket, other: &Bucket, key: &impl Fn(String) -> String) -> Result<Findings, S3Error> {
    let mut unseen = 0;
    for n in 0..KEYS {
        let (writer, reader) = if n % 2 == 0 { (one, other) } else { (other, one) };
        let key = key(format!("key-{n:02}"));
        if reader.look(&key).await?.is_some() {
            return Err(S3Error::unavailable("a key that nobody else knows is there"));
        }
        write(writer, &key, n, &Condition::Anything).await.map_err(Refusal::into_error)?;
        let (by_reader, by_writer) = (reader.look(&key).await?, writer.look(&key).await?);
        unseen += usize::from(by_reader.is_none() || by_writer.is_none());
        if let Some(seen) = by_writer.filter(|seen| seen.info.stamp.is_none()) {
            let lost = "the server does not keep the metadata of objects, in which the stamps of outputs lie; use another server";
            return Err(S3Error::new(StorageErrorKind::Refused, format!("{lost} (it has {} bytes)", seen.info.size)));
        }
    }
    let (listed, ordered) = list(other, &key("key-".to_owned())).await?;
    let create_only = creating(one, other, key).await?;
    let replace_only = replacing(one, other, key).await?;
    let parts = takes_parts(one, &key(PARTS.to_owned())).await?;
    let checksums = one.checksums.found().zip(other.checksums.found()).map(|(one, other)| one && other);
    Ok(Findings { unseen, create_only, replace_only, listed, ordered, checksums, parts })
}

/// Whether an upload in parts is taken.
async fn takes_parts(bucket: &Bucket, key: &str) -> Result<bool, S3Error> {
    let (content, metadata) = content(bucket, key, 0).await.map_err(Refusal::into_error)?;
    let put = bucket.put_so(key, &content, metadata, &Condition::Anything, true, bucket.has_checksums()).await;
    match put {
        Ok(_) => Ok(true),
        Err(Refusal::Unsupported(_) | Refusal::BadRequest(_)) => Ok(false),
        Err(refusal) => Err(refusal.into_error()),
    }
}

/// Whether all keys are listed, and whether they are in order.
async fn list(bucket: &Bucket, prefix: &str) -> Result<(bool, bool), S3Error> {
    let listed = bucket.client.list_objects_v2().bucket(bucket.name()).prefix(prefix).send().await;
    let listed = listed.map_err(|error| classify(&error).into_error())?;
    let keys: Vec<&str> = listed.contents().iter().filter_map(|object| object.key()).collect();
    Ok((keys.len() == KEYS, keys.is_sorted()))
}

async fn creating(one: &Bucket, other: &Bucket, key: &impl Fn(String) -> String) -> Result<ConditionSupport, S3Error> {
    let first = key("key-00".to_owned()); // is there
    if let Some(support) = unchecked(one, &first, 0, &Condition::Nothing).await? {
        return Ok(support);
    }
    let mut support = ConditionSupport::Atomic;
    for n in 0..RACES {
        if race(one, other, &key(format!("create-{n}")), &Condition::Nothing).await? > 1 {
            support = ConditionSupport::Racy;
        }
    }
    Ok(support)
}

/// Judges a write on a condition that does not hold; `None` where the store checked the condition.
async fn unchecked(
    bucket: &Bucket,
    key: &str,
    n: usize,
    condition: &Condition,
) -> Result<Option<ConditionSupport>, S3Error> {
    let mut written = write(bucket, key, n, condition).await;
    if let Err(Refusal::BadRequest(_)) = written {
        // That may be about anything. It is about the condition if the same write is taken without it, and not with it again.
        write(bucket, key, n, &Condition::Anything).await.map_err(Refusal::into_error)?;
        written = write(bucket, key, n, condition).await;
    }
    match written {
        Ok(_) => Ok(Some(ConditionSupport::Ignored)),
        Err(Refusal::Unsupported(_) | Refusal::BadRequest(_)) => Ok(Some(ConditionSupport::Refused)),
        Err(Refusal::Condition) => Ok(None),
        Err(refusal) => Err(refusal.into_error()),
    }
}

async fn replacing(one: &Bucket, other: &Bucket, key: &impl Fn(String) -> String) -> Result<ConditionSupport, S3Error> {
    let first = key("key-01".to_owned());
    let other_version = Condition::Etag(format!("\"{}\"", "0".repeat(32)));
    if let Some(support) = unchecked(one, &first, 1, &other_version).await? {
        return Ok(support);
    }
    let mut support = ConditionSupport::Atomic;
    for n in 0..RACES {
        let key = key(format!("replace-{n}"));
        let etag = write(one, &key, 0, &Condition::Anything).await.map_err(Refusal::into_error)?;
        if race(one, other, &key, &Condition::Etag(etag)).await? > 1 {
            support = ConditionSupport::Racy;
        }
    }
    Ok(support)
}

/// How many of several writes at once succeeded.
async fn race(one: &Bucket, other: &Bucket, key: &str, condition: &Condition) -> Result<usize, S3Error> {
    let writes = (1..=RACERS).map(|n| write(if n % 2 == 0 { one } else { other }, key, n, condition));
    let mut won = 0;
    for wrote in join_all(writes).await {
        match wrote {
            Ok(_) => won += 1,
            Err(Refusal::Condition) => {}
            Err(refusal) => return Err(refusal.into_error()),
        }
    }
    Ok(won)
}

/// Writes a content that is different for each `n`; returns its ETag.
async fn write(bucket: &Bucket, key: &str, n: usize, condition: &Condition) -> Result<String, Refusal> {
    let (content, metadata) = content(bucket, key, n).await?;
    let put = bucket.put(key, &content, metadata, condition).await?;
    put.ok_or_else(|| Refusal::Other(S3Error::unavailable("the server tells no ETag")))
}

/// A content that is different for each `n`, with its metadata: for the first of them as much as a stamp may have.
async fn content(bucket: &Bucket, key: &str, n: usize) -> Result<(Measured, HashMap<String, String>), Refusal> {
    let bytes = Content::Bytes(format!("probe {n} of {key}").into());
    let content = measured(bytes, &bucket.settings.tuning).await.map_err(Refusal::Other)?;
    let content = content.map_err(|error| Refusal::Other(S3Error::unavailable(error)))?;
    let name =
        |at: usize| JobName::new(&format!("probe-{at}")).map_err(|error| Refusal::Other(S3Error::unavailable(error)));
    let mut stamp =
        Stamp { job: name(0)?, entity: None, runs: Arc::default(), hash: content.hash.clone(), making: None };
    let mut runs = BTreeMap::from([(name(0)?, RunId::NEVER)]);
    loop {
        stamp.runs = Arc::new(runs.clone());
        if n > 0 || stamp.to_text().len() + 100 > LONGEST {
            break;
        }
        runs.insert(name(runs.len())?, RunId::NEVER);
    }
    let metadata = bucket.stamps.write(&stamp).await.map_err(Refusal::Other)?;
    Ok((content, metadata))
}
