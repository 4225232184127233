//! Aborts uploads that were never completed. Their writers died; their parts are in no listing and cost money.

use std::time::Duration;

use super::age::{AnswerDate, is_older};
use super::bucket::Bucket;
use super::error::{Refusal, S3Error, classify};
use crate::swept::Swept;

impl Bucket {
    /// Aborts the uploads below the prefix that began at least `age` ago by the clock of the server; with `dry_run` they stay.
    /// Asks for the bytes of their parts only if `weigh` is true. A server that cannot list uploads counts as having none.
    pub async fn sweep(&self, age: Duration, dry_run: bool, weigh: bool) -> Result<Swept, S3Error> {
        let (mut swept, mut from) = (Swept::default(), (None, None));
        loop {
            let ask = self.client.list_multipart_uploads().bucket(self.name()).prefix(self.keys.base());
            let ask = ask.set_key_marker(from.0).set_upload_id_marker(from.1);
            let answered = AnswerDate::default();
            let asked = ask.customize().interceptor(answered.clone()).send();
            let answer = match asked.await.map_err(|error| classify(&error)) {
                Ok(answer) => answer,
                Err(Refusal::Unsupported(_) | Refusal::BadRequest(_) | Refusal::Missing) => return Ok(swept),
                Err(refusal) => return Err(refusal.into_error()),
            };
            for upload in answer.uploads() {
                let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) else { continue };
                let old = age.is_zero() || is_older(answered.date(), upload.initiated().copied(), age);
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
                match abort.map_err(|error| classify(&error)) {
                    Ok(_) => {
                        swept.files += 1;
                        swept.bytes += bytes;
                    }
                    Err(Refusal::Missing) => {} // it was completed or aborted just now
                    Err(refusal) => return Err(refusal.into_error()),
                }
            }
            from = match (answer.is_truncated(), answer.next_key_marker, answer.next_upload_id_marker) {
                (Some(true), Some(key), id) => (Some(key), id),
                _ => return Ok(swept),
            };
        }
    }

    /// The bytes of the parts of an upload; 0 where the server cannot list them or has the upload no more.
    async fn bytes_of(&self, key: &str, upload: &str) -> Result<u64, S3Error> {
        let (mut bytes, mut from) = (0, None);
        loop {
            let ask = self.client.list_parts().bucket(self.name()).key(key).upload_id(upload);
            let answer = match ask.set_part_number_marker(from).send().await.map_err(|error| classify(&error)) {
                Ok(answer) => answer,
                Err(Refusal::Unsupported(_) | Refusal::BadRequest(_) | Refusal::Missing) => return Ok(bytes),
                Err(refusal) => return Err(refusal.into_error()),
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
