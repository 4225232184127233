//! Aborts uploads that nobody completes: parts of writers that died are no object, nothing lists them, and they cost. And
//! removes the leases that they had.

use std::time::{Duration, SystemTime};

use super::bucket::{Bucket, time};
use super::trouble::{Refusal, Trouble, refusal};
use crate::local::Swept;

impl Bucket {
    /// Aborts the uploads below the prefix that began at least `age` ago, or only tells of them. A server that cannot tell
    /// of them has none. Their bytes are asked for only to `weigh` them.
    pub async fn sweep(&self, age: Duration, dry_run: bool, weigh: bool) -> Result<Swept, Trouble> {
        let (mut swept, mut from) = (Swept::default(), (None, None));
        loop {
            let ask = self.client.list_multipart_uploads().bucket(self.name()).prefix(self.keys.base());
            let ask = ask.set_key_marker(from.0).set_upload_id_marker(from.1);
            let answer = match ask.send().await.map_err(|error| refusal(&error)) {
                Ok(answer) => answer,
                Err(Refusal::NoConditions | Refusal::Missing) => return Ok(swept),
                Err(refusal) => return Err(refusal.into_trouble()),
            };
            for upload in answer.uploads() {
                let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
                let begun = upload.initiated().copied().and_then(time);
                let old =
                    begun.and_then(|begun| SystemTime::now().duration_since(begun).ok()).is_some_and(|is| is >= age);
                if !old || !key.starts_with(self.keys.base()) {
                    continue;
                }
                let bytes = if weigh { self.bytes_of(key, id).await? } else { 0 };
                if dry_run {
                    swept.files += 1;
                    swept.bytes += bytes;
                    continue;
                }
                let abort =
                    self.client.abort_multipart_upload().bucket(self.name()).key(key).upload_id(id).send().await;
                match abort.map_err(|error| refusal(&error)) {
                    Ok(_) => {
                        swept.files += 1;
                        swept.bytes += bytes;
                    }
                    Err(Refusal::Missing) => {} // it was completed or aborted just now
                    Err(refusal) => return Err(refusal.into_trouble()),
                }
            }
            from = match (answer.is_truncated(), answer.next_key_marker, answer.next_upload_id_marker) {
                (Some(true), Some(key), id) => (Some(key), id),
                _ => return Ok(swept),
            };
        }
    }

    /// Removes the leases below `prefix` that nobody renewed for `age`, or only tells of them.
    pub async fn sweep_leases(&self, prefix: &str, age: Duration, dry_run: bool) -> Result<Swept, Trouble> {
        let mut swept = Swept::default();
        for name in self.names(prefix).await? {
            let key = self.keys.key(&name)?;
            let Some(seen) = self.see(&key, age).await?.filter(|seen| seen.is_old) else { continue };
            swept.files += 1;
            swept.bytes += seen.bytes;
            if !dry_run {
                self.clear(&key, seen).await?;
            }
        }
        Ok(swept)
    }

    /// How many bytes of an upload lie there. A server that cannot tell, or has it no more, has none.
    async fn bytes_of(&self, key: &str, upload: &str) -> Result<u64, Trouble> {
        let (mut bytes, mut from) = (0, None);
        loop {
            let ask = self.client.list_parts().bucket(self.name()).key(key).upload_id(upload);
            let answer = match ask.set_part_number_marker(from).send().await.map_err(|error| refusal(&error)) {
                Ok(answer) => answer,
                Err(Refusal::NoConditions | Refusal::Missing) => return Ok(bytes),
                Err(refusal) => return Err(refusal.into_trouble()),
            };
            let sizes = answer.parts().iter().filter_map(|part| u64::try_from(part.size()?).ok());
            bytes += sizes.sum::<u64>();
            from = match (answer.is_truncated(), answer.next_part_number_marker) {
                (Some(true), Some(next)) => Some(next),
                _ => return Ok(bytes),
            };
        }
    }
}
