//! Uploads in parts. Nothing can be seen under the key before the last step; an upload that fails is aborted.

use std::collections::HashMap;

use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::bucket::Bucket;
use super::client::timeouts;
use super::condition::Condition;
use super::error::{Refusal, S3Error, classify};
use super::measure::Measured;

/// How long a server may take to put the parts together, as a number of bytes in the arithmetic of [`timeouts`].
const COMPLETING: u64 = 3_000_000;

impl Bucket {
    /// Uploads a content in parts. The server checks the condition in the last step. Returns the ETag, where the server states
    /// it.
    pub(super) async fn put_in_parts(
        &self,
        key: &str,
        content: &Measured,
        metadata: HashMap<String, String>,
        condition: &Condition,
        checksums: bool,
    ) -> Result<Option<String>, Refusal> {
        let begun = self.client.create_multipart_upload().bucket(self.name()).key(key).set_metadata(Some(metadata));
        let begun = begun
            .set_checksum_algorithm(checksums.then_some(ChecksumAlgorithm::Crc32))
            .send()
            .await
            .map_err(|error| classify(&error))?;
        let upload = begun
            .upload_id
            .ok_or_else(|| Refusal::Other(S3Error::unavailable("the server gave the upload no name")))?;
        let put = self.send_parts(key, &upload, content, condition, checksums).await;
        if put.is_err() {
            self.abort(key, &upload).await;
        }
        put
    }

    async fn send_parts(
        &self,
        key: &str,
        upload: &str,
        content: &Measured,
        condition: &Condition,
        checksums: bool,
    ) -> Result<Option<String>, Refusal> {
        let parts = stream::iter(0..content.checksums.len())
            .map(|number| self.send_part(key, upload, content, number, checksums))
            .buffered(self.settings.tuning.at_once)
            .try_collect::<Vec<_>>()
            .await?;
        let patient = aws_sdk_s3::Config::builder().timeout_config(timeouts(&self.settings.tuning, COMPLETING));
        let completed = self
            .client
            .complete_multipart_upload()
            .bucket(self.name())
            .key(key)
            .upload_id(upload)
            .set_if_match(condition.if_match())
            .set_if_none_match(condition.if_none_match())
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build());
        let completed = completed.customize().config_override(patient).send().await;
        completed.map(|completed| completed.e_tag).map_err(|error| classify(&error))
    }

    async fn send_part(
        &self,
        key: &str,
        upload: &str,
        content: &Measured,
        number: usize,
        checksums: bool,
    ) -> Result<CompletedPart, Refusal> {
        let _moving = self.permit().await.map_err(Refusal::Other)?;
        let start = number as u64 * content.part;
        let length = content.part.min(content.size - start);
        let (checksum, number) = (&content.checksums[number], number as i32 + 1);
        let part = self
            .client
            .upload_part()
            .bucket(self.name())
            .key(key)
            .upload_id(upload)
            .part_number(number)
            .set_checksum_crc32(checksums.then(|| checksum.clone()))
            .body(content.bytes(start, length, !checksums).await?);
        let patient = aws_sdk_s3::Config::builder().timeout_config(timeouts(&self.settings.tuning, length));
        let part = part.customize().config_override(patient);
        let sent = if checksums { part.disable_payload_signing() } else { part }
            .send()
            .await
            .map_err(|error| classify(&error))?;
        // A server that knows no checksums does not return this one, and would refuse it when the upload is completed.
        let checksum = sent.checksum_crc32.is_some().then(|| checksum.clone());
        Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).set_checksum_crc32(checksum).build())
    }

    /// Aborts an upload if possible; else it is swept later.
    async fn abort(&self, key: &str, upload: &str) {
        let aborted = self.client.abort_multipart_upload().bucket(self.name()).key(key).upload_id(upload).send().await;
        let Err(refusal) = aborted.map_err(|error| classify(&error)) else { return };
        if !matches!(refusal, Refusal::Missing) {
            let why = refusal.into_error().text;
            tracing::warn!(place = %self.settings.place(), %why, "an upload was not aborted; it is swept later");
        }
    }
}
