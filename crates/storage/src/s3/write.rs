//! Puts an object in place, whole, and never over a newer one.
//!
//! The condition of a write is what was seen in place: nothing, or the ETag of an object whose stamp may be replaced. Where
//! it does not hold any more, somebody wrote meanwhile: so look again. On a store that ignores conditions (the probe finds
//! that out) the last of two who write at once wins.

use std::{collections::HashMap, time::Duration};

use aws_sdk_s3::primitives::{ByteStream, Length};
use euterpe_actors::storage::{Stamp, Stored};

use super::bucket::Bucket;
use super::client::timeouts;
use super::measure::{Body, Measured};
use super::probe::Findings;
use super::trouble::{Refusal, Trouble, refusal};

/// How often others may come first before a write gives up.
const MOST_ROUNDS: u32 = 200;

/// How long a store may take to show what was written.
const SETTLING: Duration = Duration::from_secs(60);

/// What must be in place for a write to happen.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Anything,
    Nothing,
    Etag(String),
}

impl Condition {
    pub fn if_match(&self) -> Option<String> {
        if let Condition::Etag(etag) = self { Some(etag.clone()) } else { None }
    }

    pub fn if_none_match(&self) -> Option<String> {
        matches!(self, Condition::Nothing).then(|| "*".to_owned())
    }
}

impl Bucket {
    /// Stores a content under a key.
    pub async fn store(&self, key: &str, content: Measured, stamp: Option<Stamp>) -> Result<Stored, Trouble> {
        let Some(stamp) = stamp else {
            self.put(key, &content, HashMap::new(), &Condition::Anything).await.map_err(Refusal::into_trouble)?;
            return Ok(Stored::Kept);
        };
        let filled = Stamp { hash: content.hash.clone(), ..stamp.clone() };
        let metadata = self.stamps.write(self, &filled).await?;
        // Where the condition can be relied on, nothing needs to be looked at before a small object is sent.
        let mut unseen = content.checksums.len() == 1 && self.known.get().is_some_and(Findings::keeps_apart);
        for _ in 0..MOST_ROUNDS {
            let placed = if std::mem::take(&mut unseen) { None } else { self.look(key).await? };
            if let Some(in_place) = placed.as_ref().and_then(|placed| placed.info.stamp.as_ref()) {
                if stamp.is_older_than(in_place) {
                    return Ok(Stored::NewerInPlace);
                }
                if *in_place == filled {
                    let etag = placed.as_ref().map(|placed| placed.etag.clone());
                    self.keep_made(key, etag, &content).await;
                    return Ok(Stored::Kept); // ours, whose answer was lost, or its twin
                }
            }
            let condition = placed.map_or(Condition::Nothing, |placed| Condition::Etag(placed.etag));
            match self.put(key, &content, metadata.clone(), &condition).await {
                Ok(etag) => {
                    self.keep_made(key, etag, &content).await;
                    return self.settle(key, &filled).await.map(|()| Stored::Kept);
                }
                Err(Refusal::Condition | Refusal::Missing) => {}
                Err(Refusal::NoConditions) => {
                    let put = self.put(key, &content, metadata, &Condition::Anything).await;
                    return put.map(|_| Stored::Kept).map_err(Refusal::into_trouble);
                }
                Err(Refusal::Trouble(trouble)) => return Err(trouble),
            }
        }
        Err(Trouble::unavailable("others wrote to it each time"))
    }

    /// Waits until a write is seen, on a store that was found to show writes late: whoever is told of it then finds it.
    async fn settle(&self, key: &str, stamp: &Stamp) -> Result<(), Trouble> {
        if self.known.get().is_none_or(Findings::is_consistent) {
            return Ok(());
        }
        let seen = async {
            loop {
                let placed = self.look(key).await?.and_then(|placed| placed.info.stamp);
                if placed.is_some_and(|placed| placed == *stamp || stamp.is_older_than(&placed)) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let late = |_| Trouble::unavailable(format!("it was written, and is not seen after {SETTLING:?}"));
        tokio::time::timeout(SETTLING, seen).await.map_err(late)?
    }

    /// One write, at once or in parts; the ETag, where the server tells it.
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
        let _moving = self.permit().await.map_err(Refusal::Trouble)?;
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
            .map_err(|error| refusal(&error))
        {
            Ok(put) => Ok(put.e_tag),
            // Told as trouble: not the content is missing.
            Err(Refusal::Missing) if matches!(condition, Condition::Anything) => {
                Err(Refusal::Trouble(Trouble::unavailable("the server knows no place under this key")))
            }
            Err(refusal) => Err(refusal),
        }
    }
}

impl Measured {
    /// Some of the bytes, to be sent as often as it takes.
    pub async fn bytes(&self, start: u64, length: u64) -> Result<ByteStream, Refusal> {
        match &self.body {
            Body::Bytes(bytes) => {
                let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
                Ok(ByteStream::from(bytes.slice(at(start)..at(start + length))))
            }
            Body::File(_) if length == 0 => Ok(ByteStream::default()),
            Body::File(path) => {
                let opened =
                    ByteStream::read_from().path(path).offset(start).length(Length::Exact(length)).build().await;
                opened.map_err(|error| {
                    Refusal::Trouble(Trouble::unavailable(format!("the content cannot be read: {error}")))
                })
            }
        }
    }
}
