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
use super::findings::{ConditionSupport, Findings};
use super::measure::Measured;

/// How often another write may come first before this one gives up.
const MOST_ROUNDS: u32 = 12;

/// How long a store may take to show a write.
const SETTLING: Duration = Duration::from_secs(60);

/// The wait before the round of a number; the first two follow each other at once.
fn pause(first: Duration, round: u32) -> Duration {
    first.saturating_mul(1 << (round - 2).min(10)).min(Duration::from_secs(1))
}

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
        let mut unseen = content.checksums.len() == 1 && self.has_conditions();
        for round in 0..MOST_ROUNDS {
            if round > 1 {
                tokio::time::sleep(pause(self.settings.tuning.round, round)).await;
            }
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
            let condition = match found {
                _ if self.refuses_conditions() => Condition::Anything,
                Some(found) => Condition::Etag(found.etag),
                None => Condition::Nothing,
            };
            match self.put(key, &content, metadata.clone(), &condition).await {
                Ok(etag) => {
                    self.cache_written(key, etag, &content).await;
                    return self.settle(key, &filled).await.map(|()| Stored::Kept);
                }
                Err(Refusal::Condition | Refusal::Missing) => {}
                // Without the condition only where the store says itself that it has none. An answer that may mean anything
                // must not let a write through that the condition would have stopped.
                Err(Refusal::Unsupported(_)) if !self.has_conditions() => {
                    let put = self.put(key, &content, metadata, &Condition::Anything).await;
                    return put.map(|_| Stored::Kept).map_err(Refusal::into_error);
                }
                Err(refusal) => return Err(refusal.into_error()),
            }
        }
        Err(S3Error::unavailable(
            "the server refused the condition of the write each time: others write to it, or it does not show what is there",
        ))
    }

    /// Whether the store is known to take no conditional writes.
    fn refuses_conditions(&self) -> bool {
        let refused = |known: &Findings| [known.create_only, known.replace_only].contains(&ConditionSupport::Refused);
        self.known.get().is_some_and(refused)
    }

    /// Whether the probe found that conditional writes are atomic.
    fn has_conditions(&self) -> bool {
        self.known.get().is_some_and(Findings::has_atomic_conditions)
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
    ///
    /// A server that takes no checksum gets none: then the signature covers all bytes instead.
    pub(super) async fn put(
        &self,
        key: &str,
        content: &Measured,
        metadata: HashMap<String, String>,
        condition: &Condition,
    ) -> Result<Option<String>, Refusal> {
        let in_parts = content.checksums.len() > 1;
        if !self.has_checksums() {
            return self.put_so(key, content, metadata, condition, in_parts, false).await;
        }
        let put = self.put_so(key, content, metadata.clone(), condition, in_parts, true).await;
        let Err(Refusal::Unsupported(_) | Refusal::BadRequest(_)) = put else { return put };
        let put = self.put_so(key, content, metadata, condition, in_parts, false).await;
        // That the server gets as far as the condition shows that it was the checksum.
        if matches!(put, Ok(_) | Err(Refusal::Condition)) && self.checksums.note_refusal() {
            tracing::warn!(place = %self.settings.place(), "the server takes no checksums: all bytes are signed instead");
        }
        put
    }

    /// One write, at once or in parts, with checksums or without.
    pub(super) async fn put_so(
        &self,
        key: &str,
        content: &Measured,
        metadata: HashMap<String, String>,
        condition: &Condition,
        in_parts: bool,
        checksums: bool,
    ) -> Result<Option<String>, Refusal> {
        if in_parts {
            return self.put_in_parts(key, content, metadata, condition, checksums).await;
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
            .set_checksum_crc32(checksums.then(|| content.checksums[0].clone()))
            .body(content.bytes(0, content.size, !checksums).await?);
        // The checksum says the same as a signature over all bytes, which would cost more than all else that is done here.
        let patient = aws_sdk_s3::Config::builder().timeout_config(timeouts(&self.settings.tuning, content.size));
        let put = put.customize().config_override(patient);
        match if checksums { put.disable_payload_signing() } else { put }.send().await.map_err(|error| classify(&error))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_others_come_before_waits_ever_longer() {
        let first = Duration::from_millis(20);
        let pauses: Vec<u128> = (2..MOST_ROUNDS).map(|round| pause(first, round).as_millis()).collect();
        assert_eq!(pauses, [20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000]);
    }
}
