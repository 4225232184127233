//! Stamps as metadata of objects.
//!
//! A server takes about 2 KB of metadata. A longer stamp is an object of its own, `.euterpe/stamps/DIGEST`, named by what
//! it holds and written before the object that names it. It tells runs, which thousands of objects have in common: so
//! there are few of them, and each is read once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_s3::primitives::ByteStream;
use euterpe_actors::storage::Stamp;

use super::bucket::Bucket;
use super::trouble::{Refusal, Trouble, refusal};

/// The stamp as JSON.
const STAMP: &str = "euterpe-stamp";
/// The digest of a stamp that is an object of its own.
const STAMP_AT: &str = "euterpe-stamp-at";
/// The hash of the content, beside the former.
const HASH: &str = "euterpe-hash";

/// The longest stamp that goes with its object. Names count too, and others may add a little.
const LONGEST: usize = 1800;

/// How many stamps that lie apart are remembered.
const MOST: usize = 1000;

/// Stamps that lie apart, by their digest.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    known: Mutex<HashMap<String, Arc<Stamp>>>,
}

/// The object that a stamp apart is.
fn own_name(digest: &str) -> String {
    format!("stamps/{digest}")
}

impl Stamps {
    /// The metadata that says `stamp`, which is in place where it is an object of its own.
    pub async fn write(&self, bucket: &Bucket, stamp: &Stamp) -> Result<HashMap<String, String>, Trouble> {
        let text = stamp.to_text();
        if text.len() <= LONGEST {
            return Ok(HashMap::from([(STAMP.to_owned(), text)]));
        }
        let runs = Stamp { hash: String::new(), ..stamp.clone() };
        let text = runs.to_text();
        let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        if self.remembered(&digest).is_none() {
            let key = bucket.keys.own(&own_name(&digest));
            let put = bucket.client.put_object().bucket(bucket.name()).key(key).content_type("application/json");
            let put = put.body(ByteStream::from(text.into_bytes())).send().await;
            put.map_err(|error| refusal(&error).into_trouble())?;
            self.remember(&digest, runs);
        }
        Ok(HashMap::from([(STAMP_AT.to_owned(), digest), (HASH.to_owned(), stamp.hash.clone())]))
    }

    /// The stamp that metadata says; none on a foreign object.
    pub async fn read(&self, bucket: &Bucket, metadata: &HashMap<String, String>) -> Result<Option<Stamp>, Trouble> {
        if let Some(text) = metadata.get(STAMP) {
            return Ok(Stamp::from_text(text.as_bytes()));
        }
        let (Some(digest), Some(hash)) = (metadata.get(STAMP_AT), metadata.get(HASH)) else { return Ok(None) };
        if let Some(runs) = self.remembered(digest) {
            return Ok(Some(Stamp { hash: hash.clone(), ..(*runs).clone() }));
        }
        if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None); // no digest, so no name of ours
        }
        let key = bucket.keys.own(&own_name(digest));
        let found = bucket.client.get_object().bucket(bucket.name()).key(key).send().await;
        let text = match found.map_err(|error| refusal(&error)) {
            Ok(found) => found.body.collect().await.map_err(Trouble::unavailable)?.into_bytes(),
            Err(Refusal::Missing) => return Ok(None),
            Err(refusal) => return Err(refusal.into_trouble()),
        };
        let Some(runs) = Stamp::from_text(&text) else { return Ok(None) };
        self.remember(digest, runs.clone());
        Ok(Some(Stamp { hash: hash.clone(), ..runs }))
    }

    fn remembered(&self, digest: &str) -> Option<Arc<Stamp>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    fn remember(&self, digest: &str, runs: Stamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(digest.to_owned(), Arc::new(runs));
    }
}
