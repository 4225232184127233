//! Puts an object in place, whole and never over a newer one; removes one.
//!
//! The condition of a write is what was seen in place: nothing, or the ETag of an object whose stamp may be replaced. Where
//! it does not hold any more another node wrote meanwhile, so look again. On a store that ignores conditions (the probe finds
//! that out) the last of several writes at once wins.

use std::{collections::HashMap, time::Duration};

use euterpe_actors::storage::{Stamp, Stored};

use super::bucket::Bucket;
use super::client::timeouts;
use super::condition::Condition;
use super::error::{Refusal, S3Error, classify};
use super::findings::Findings;
use super::measure::Measured;

/// How often another write may come first before this one gives up.
const MOST_ROUNDS: u32 = 200;

/// How long a store may take to show a write.
const SETTLING: Duration = Duration::from_secs(60);

impl Bucket {
    /// Stores a content under a key.
    pub async fn store(&self, key: &str, content: Measured, stamp: Option<Stamp>) -> Result<Stored, S3Error> {
        let Some(stamp) = stamp else {
            self.put(key, &content, HashMap::new(), &Condition::Anything).await.map_err(Refusal::into_error)?;
            return Ok(Stored::Kept);
        };
        let filled = Stamp { hash: content.hash.clone(), ..stamp.clone() };
        let metadata = self.stamps.write(&filled).await?;
        // Where conditions are atomic, a small object is sent without looking first: mostly there is none in place.
        let mut unseen = content.checksums.len() == 1 && self.known.get().is_some_and(Findings::has_atomic_conditions);
        for _ in 0..MOST_ROUNDS {
            let found = if std::mem::take(&mut unseen) { None } else { self.look(key).await? };
            if let Some(theirs) = found.as_ref().and_then(|found| found.info.stamp.as_ref()) {
                if stamp.is_older_than(theirs) {
                    return Ok(Stored::NewerInPlace);
                }
                if *theirs == filled {
                    let etag = found.as_ref().map(|found| found.etag.clone());
                    self.cache_written(key, etag, &content).await;
                    return Ok(Stored::Kept); // our own write whose answer was lost, or another of the same bytes
                }
            }
            let condition = found.map_or(Condition::Nothing, |found| Condition::Etag(found.etag));
            match self.put(key, &content, metadata.clone(), &condition).await {
                Ok(etag) => {
                    self.cache_written(key, etag, &content).await;
                    return self.settle(key, &filled).await.map(|()| Stored::Kept);
                }
                Err(Refusal::Condition | Refusal::Missing) => {}
                Err(Refusal::NoConditions) => {
                    let put = self.put(key, &content, metadata, &Condition::Anything).await;
                    return put.map(|_| Stored::Kept).map_err(Refusal::into_error);
                }
                Err(Refusal::Other(error)) => return Err(error),
            }
        }
        Err(S3Error::unavailable("others wrote to it each time"))
    }

    /// Waits until a write can be seen, on a store that was found to show writes late. Only then may other nodes hear of it.
    async fn settle(&self, key: &str, stamp: &Stamp) -> Result<(), S3Error> {
        if self.known.get().is_none_or(Findings::is_consistent) {
            return Ok(());
        }
        let seen = async {
            loop {
                let shown = self.look(key).await?.and_then(|found| found.info.stamp);
                if shown.is_some_and(|shown| shown == *stamp || stamp.is_older_than(&shown)) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let late = |_| S3Error::unavailable(format!("it was written, and is not seen after {SETTLING:?}"));
        tokio::time::timeout(SETTLING, seen).await.map_err(late)?
    }

    /// One write, at once or in parts. Returns the ETag, where the server states it.
    async fn put(
        &self,
        key: &str,
        content: &Measured,
        metadata: HashMap<String, String>,
        condition: &Condition,
    ) -> Result<Option<String>, Refusal> {
        if content.checksums.len() > 1 {
            return self.put_in_parts(key, content, metadata, condition).await;
        }
        let _permit = self.permit().await.map_err(Refusal::Other)?;
        let put = self
            .client
            .put_object()
            .bucket(self.name())
            .key(key)
            .set_metadata(Some(metadata))
            .set_if_match(condition.if_match())
            .set_if_none_match(condition.if_none_match())
            .checksum_crc32(&content.checksums[0])
            .body(content.bytes(0, content.size).await?);
        // The checksum says the same as a signature over all bytes, which would cost more than all else that is done here.
        let patient = aws_sdk_s3::Config::builder().timeout_config(timeouts(&self.settings.tuning, content.size));
        match put
            .customize()
            .disable_payload_signing()
            .config_override(patient)
            .send()
            .await
            .map_err(|error| classify(&error))
        {
            Ok(put) => Ok(put.e_tag),
            // Missing is the bucket or the upload here, not an object: an error.
            Err(Refusal::Missing) if matches!(condition, Condition::Anything) => {
                Err(Refusal::Other(S3Error::unavailable("the server knows no place under this key")))
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Removes an object, and its copy on this machine.
    pub async fn remove(&self, key: &str) -> Result<(), S3Error> {
        self.delete(key).await?;
        self.uncache(key);
        Ok(())
    }
}
