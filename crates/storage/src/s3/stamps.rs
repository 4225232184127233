//! Stamps as metadata of objects.
//!
//! A server takes about 2 KB of metadata. A longer stamp is an object of its own, `.euterpe/stamps/DIGEST`, named by the
//! digest of its content and written before the object that names it. Its content is the runs, which thousands of objects
//! have in common; so there are few such stamps, and each is read once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use euterpe_actors::ids::EntityId;
use euterpe_actors::storage::Stamp;

use super::error::{Refusal, S3Error, classify};
use super::keys::{Keys, decoded, encoded};

/// The stamp as JSON.
const STAMP: &str = "euterpe-stamp";
/// The digest of a stamp that is an object of its own.
const STAMP_AT: &str = "euterpe-stamp-at";
/// What the object was made by and from, beside the former.
const MAKING: &str = "euterpe-making";
/// The hash of the content, beside the former.
const HASH: &str = "euterpe-hash";
/// The entity, beside both, as in a URL.
const ENTITY: &str = "euterpe-entity";

/// The longest stamp that goes into metadata. The limit of a server includes names, and proxies may add a little.
pub(super) const LONGEST: usize = 1800;

/// How many stamps are remembered that are objects of their own.
const MOST: usize = 1000;

/// Reads and writes stamps, and remembers those that are objects of their own, by digest.
#[derive(Debug)]
pub(super) struct Stamps {
    client: Client,
    bucket: String,
    keys: Keys,
    known: Mutex<HashMap<String, Arc<Stamp>>>,
}

/// The name of a stamp that is an object of its own.
fn own_name(digest: &str) -> String {
    format!("stamps/{digest}")
}

impl Stamps {
    pub fn new(client: Client, bucket: String, keys: Keys) -> Self {
        Self { client, bucket, keys, known: Mutex::default() }
    }

    /// The metadata that holds `stamp`. Where it only names a stamp object, that is written first.
    pub async fn write(&self, stamp: &Stamp) -> Result<HashMap<String, String>, S3Error> {
        let text = stamp.to_text();
        if text.len() <= LONGEST {
            return Ok(HashMap::from([(STAMP.to_owned(), text)]));
        }
        let runs = Stamp { entity: None, hash: String::new(), making: None, ..stamp.clone() };
        let text = runs.to_text();
        let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        if self.remembered(&digest).is_none() {
            let key = self.keys.own(&own_name(&digest));
            let put = self.client.put_object().bucket(&self.bucket).key(key).content_type("application/json");
            let put = put.body(ByteStream::from(text.into_bytes())).send().await;
            put.map_err(|error| classify(&error).into_error())?;
            self.remember(&digest, runs);
        }
        let entity = stamp.entity.iter().map(|entity| (ENTITY.to_owned(), encoded(entity.as_str())));
        // A digest has room beside the longest entity; it is plain ASCII.
        let making = stamp.making.iter().filter_map(|making| serde_json::to_string(&making.shortened()).ok());
        let making = making.map(|making| (MAKING.to_owned(), making));
        Ok(entity.chain(making).chain([(STAMP_AT.to_owned(), digest), (HASH.to_owned(), stamp.hash.clone())]).collect())
    }

    /// The stamp that metadata holds or names; `None` for a foreign object.
    pub async fn read(&self, metadata: &HashMap<String, String>) -> Result<Option<Stamp>, S3Error> {
        if let Some(text) = metadata.get(STAMP) {
            return Ok(Stamp::from_text(text.as_bytes()));
        }
        let (Some(digest), Some(hash)) = (metadata.get(STAMP_AT), metadata.get(HASH)) else { return Ok(None) };
        let entity = metadata.get(ENTITY).and_then(|text| EntityId::new(&decoded(text)?).ok());
        let making = metadata.get(MAKING).and_then(|text| serde_json::from_str(text).ok()).map(Arc::new);
        if let Some(runs) = self.remembered(digest) {
            return Ok(Some(Stamp { entity, hash: hash.clone(), making, ..(*runs).clone() }));
        }
        if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None); // no digest, so no name of ours
        }
        let key = self.keys.own(&own_name(digest));
        let found = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let text = match found.map_err(|error| classify(&error)) {
            Ok(found) => found.body.collect().await.map_err(S3Error::unavailable)?.into_bytes(),
            Err(Refusal::Missing) => return Ok(None),
            Err(refusal) => return Err(refusal.into_error()),
        };
        let Some(runs) = Stamp::from_text(&text) else { return Ok(None) };
        self.remember(digest, runs.clone());
        Ok(Some(Stamp { entity, hash: hash.clone(), making, ..runs }))
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
