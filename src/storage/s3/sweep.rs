//! Aborts uploads that nobody completes: parts of writers that died are no object, nothing lists them, and they cost.

use std::time::{Duration, SystemTime};

use super::bucket::{Bucket, time};
use super::trouble::{Refusal, Trouble, refusal};

impl Bucket {
    /// Aborts the uploads below the prefix that began at least `age` ago; how many. A server that cannot tell of them, or
    /// may not, has none.
    pub async fn sweep(&self, age: Duration) -> Result<u64, Trouble> {
        let (mut swept, mut from) = (0, (None, None));
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
                let abort =
                    self.client.abort_multipart_upload().bucket(self.name()).key(key).upload_id(id).send().await;
                match abort.map_err(|error| refusal(&error)) {
                    Ok(_) => swept += 1,
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
}
