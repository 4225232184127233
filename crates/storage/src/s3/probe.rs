//! Probes which of the promises of S3 a store keeps, on keys of its own. Can other clients see a write at once? Are conditions
//! checked, also when several writes come at once? Are listings complete and in order?

use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use futures::future::{join_all, try_join_all};

use super::bucket::Bucket;
use super::condition::Condition;
use super::error::{Refusal, S3Error, classify};
use super::findings::{ConditionSupport, Findings, KEYS};

/// How many races there are for each condition.
const RACES: usize = 6;
/// How many writers race for one key.
const RACERS: usize = 8;

/// Probes a bucket by two clients that share no connection. All objects that it writes are removed again.
pub(super) async fn probe(one: Arc<Bucket>, other: Arc<Bucket>, nonce: &str) -> Result<Findings, S3Error> {
    let folder = format!("probe/{nonce}");
    let key = |name: String| one.keys.own(&format!("{folder}/{name}"));
    let found = ask(&one, &other, &key).await;
    let names = (0..KEYS).map(|n| format!("key-{n:02}"));
    let races = (0..RACES).flat_map(|n| [format!("create-{n}"), format!("replace-{n}")]);
    let written: Vec<String> = names.chain(races).map(key).collect();
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
    }
    let (listed, ordered) = list(other, &key("key-".to_owned())).await?;
    let create_only = creating(one, other, key).await?;
    let replace_only = replacing(one, other, key).await?;
    Ok(Findings { unseen, create_only, replace_only, listed, ordered })
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
    if let Some(support) = unchecked(write(one, &first, 0, &Condition::Nothing).await)? {
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
fn unchecked<T>(written: Result<T, Refusal>) -> Result<Option<ConditionSupport>, S3Error> {
    match written {
        Ok(_) => Ok(Some(ConditionSupport::Ignored)),
        Err(Refusal::NoConditions) => Ok(Some(ConditionSupport::Refused)),
        Err(Refusal::Condition) => Ok(None),
        Err(refusal) => Err(refusal.into_error()),
    }
}

async fn replacing(one: &Bucket, other: &Bucket, key: &impl Fn(String) -> String) -> Result<ConditionSupport, S3Error> {
    let first = key("key-01".to_owned());
    if let Some(support) = unchecked(write(one, &first, 1, &Condition::Etag(format!("\"{}\"", "0".repeat(32)))).await)?
    {
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
    let put = put.await.map_err(|error| classify(&error))?;
    put.e_tag.ok_or_else(|| Refusal::Other(S3Error::unavailable("the server tells no ETag")))
}
