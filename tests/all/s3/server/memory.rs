//! A bucket in memory that keeps its word: what a write says of what must be in place is judged in one step with it.
//!
//! It answers as Amazon's does where the adapter could care: ETags by content, keys in the order of their bytes, a thousand
//! with each page, whole seconds, 2 KB of metadata, absence of an object that a condition names. Switches make it lie.

use std::{
    collections::BTreeMap,
    ops::Bound,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};
use euterpe_testkit::letters::{letters, record};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use super::bodies::{check_crc, check_metadata, collect, etag_of};
use super::buckets::{Buckets, Upload};
use super::journal::Kept;
use super::switches::Switches;

/// How many keys a page has.
const PAGE: usize = 1000;

/// The server's state.
#[derive(Clone)]
pub struct MemoryS3 {
    buckets: Arc<Mutex<Buckets>>,
    switches: Arc<Switches>,
}

impl MemoryS3 {
    /// With one empty bucket.
    pub fn new(bucket: &str, switches: Arc<Switches>) -> Self {
        let mut buckets = Buckets::default();
        buckets.make(bucket.to_owned());
        Self { buckets: Arc::new(Mutex::new(buckets)), switches }
    }

    /// With what was kept in a folder, which keeps what comes.
    pub fn kept_in(folder: &Path, switches: Arc<Switches>) -> Self {
        Self { buckets: Arc::new(Mutex::new(Buckets::kept_in(folder))), switches }
    }

    /// Puts small objects in place, `PREFIX000000SUFFIX` and so on: `seed PREFIX SUFFIX COUNT`.
    pub fn seed(&self, bucket: &str, line: &str) {
        let [_, prefix, suffix, count] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("not so: {line}") };
        let bytes = Bytes::from_static(b"seeded");
        let mut buckets = self.locked();
        let objects = buckets.objects.entry(bucket.to_owned()).or_default();
        // Long ago, and two seconds after what is there: a listing tells whole seconds.
        let long_ago = self.switches.now() - Duration::from_secs(3600);
        let latest = objects.values().map(|kept| kept.modified + Duration::from_secs(2)).max();
        let modified = latest.map_or(long_ago, |latest| latest.max(long_ago));
        let kept = Kept { etag: etag_of(&bytes), bytes, metadata: None, modified };
        objects.extend(
            (0..count.parse().expect("a number")).map(|n: u32| (format!("{prefix}{n:06}{suffix}"), kept.clone())),
        );
    }

    /// Puts dead letters in place, below a prefix: `letters PREFIX JOB COUNT FEW`.
    pub fn seed_letters(&self, bucket: &str, line: &str) {
        let [_, prefix, job, count, few] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("not so: {line}") };
        let number = |text: &str| text.parse().expect("a number");
        let mut buckets = self.locked();
        let objects = buckets.objects.entry(bucket.to_owned()).or_default();
        for letter in letters(job, number(count), number(few)) {
            let bytes = Bytes::from(record(&letter));
            let kept = Kept { etag: etag_of(&bytes), bytes, metadata: None, modified: self.switches.now() };
            objects.insert(format!("{prefix}{}", letter.key()), kept);
        }
    }

    fn locked(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, bucket: &str, key: &str) -> S3Result<Kept> {
        let buckets = self.locked();
        let objects = buckets.objects.get(bucket).ok_or_else(|| s3_error!(NoSuchBucket))?;
        objects.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))
    }
}

/// A time as a listing tells it. The header of an object has no more room anyway.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[async_trait::async_trait]
impl S3 for MemoryS3 {
    async fn create_bucket(&self, req: S3Request<CreateBucketInput>) -> S3Result<S3Response<CreateBucketOutput>> {
        self.switches.met("CreateBucket")?;
        self.locked().make(req.input.bucket);
        Ok(S3Response::new(CreateBucketOutput::default()))
    }

    async fn head_bucket(&self, req: S3Request<HeadBucketInput>) -> S3Result<S3Response<HeadBucketOutput>> {
        self.switches.met("HeadBucket")?;
        match self.locked().objects.contains_key(&req.input.bucket) {
            true => Ok(S3Response::new(HeadBucketOutput::default())),
            false => Err(s3_error!(NoSuchBucket)),
        }
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        self.switches.met("HeadObject")?;
        self.switches.touches(&req.input.key);
        let kept = self.find(&req.input.bucket, &req.input.key)?;
        if kept.modified.elapsed().unwrap_or_default() < self.switches.stale() {
            return Err(s3_error!(NoSuchKey)); // a lie
        }
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(kept.bytes.len() as i64),
            metadata: kept.metadata,
            e_tag: Some(ETag::Strong(kept.etag)),
            last_modified: Some(kept.modified.into()),
            ..Default::default()
        }))
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        self.switches.met("GetObject")?;
        self.switches.touches(&req.input.key);
        let kept = self.find(&req.input.bucket, &req.input.key)?;
        if let Some(ETagCondition::ETag(wanted)) = &req.input.if_match
            && wanted.value() != kept.etag
        {
            return Err(s3_error!(PreconditionFailed));
        }
        let whole = kept.bytes.len() as u64;
        let beyond = |range: &Range| !matches!(range, Range::Int { first: 0, .. });
        let range = req.input.range.filter(|range| !beyond(range) || !self.switches.ignores_range());
        let (bytes, content_range) = match range {
            None => (kept.bytes, None),
            Some(range) => {
                let mut range = range.check(whole)?;
                range.start += self.switches.skipped();
                let content_range = format!("bytes {}-{}/{whole}", range.start, range.end - 1);
                (kept.bytes.slice(range.start as usize..range.end as usize), Some(content_range))
            }
        };
        self.switches.serves(&req.input.key, bytes.len() as u64);
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(bytes.len() as i64),
            content_range,
            metadata: kept.metadata,
            e_tag: Some(ETag::Strong(kept.etag)),
            last_modified: Some(kept.modified.into()),
            body: Some(StreamingBlob::wrap(futures::stream::iter([Ok::<_, std::io::Error>(bytes)]))),
            ..Default::default()
        }))
    }

    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        self.switches.met("PutObject")?;
        self.switches.touches(&req.input.key);
        let input = req.input;
        check_metadata(input.metadata.as_ref())?;
        let bytes = collect(input.body).await?;
        check_crc(&bytes, input.checksum_crc32.as_ref())?;
        let etag = etag_of(&bytes);
        let kept = Kept { bytes, metadata: input.metadata, etag: etag.clone(), modified: self.switches.now() };
        let heeded = |condition: Option<ETagCondition>| condition.filter(|_| !self.switches.ignores_conditions());
        let (matching, absent) = (heeded(input.if_match), heeded(input.if_none_match));
        self.locked().place(&input.bucket, &input.key, kept, matching.as_ref(), absent.as_ref())?;
        self.switches.answered()?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(ETag::Strong(etag)),
            checksum_crc32: input.checksum_crc32,
            ..Default::default()
        }))
    }

    async fn delete_object(&self, req: S3Request<DeleteObjectInput>) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.switches.met("DeleteObject")?;
        self.switches.touches(&req.input.key);
        let input = req.input;
        let matching = input.if_match.filter(|_| !self.switches.ignores_conditions());
        self.locked().remove(&input.bucket, &input.key, matching.as_ref())?;
        self.switches.answered()?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn list_objects_v2(&self, req: S3Request<ListObjectsV2Input>) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.switches.met("ListObjectsV2")?;
        if self.switches.holds_listings() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(self.switches.listing_takes()).await;
        let input = req.input;
        let buckets = self.locked();
        let objects = buckets.objects.get(&input.bucket).ok_or_else(|| s3_error!(NoSuchBucket))?;
        let prefix = input.prefix.unwrap_or_default();
        let after = input.continuation_token.or(input.start_after);
        let from = after.map_or_else(|| Bound::Included(prefix.clone()), Bound::Excluded);
        let range = objects.range((from, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(&prefix));
        let mut found: Vec<(&String, &Kept)> = range.take(PAGE + 1).collect();
        let more = found.len() > PAGE;
        found.truncate(PAGE);
        let next = found.last().filter(|_| more).map(|(key, _)| (*key).clone());
        let contents = found.iter().map(|(key, kept)| Object {
            key: Some(super::escaped(key)),
            size: Some(kept.bytes.len() as i64),
            e_tag: Some(ETag::Strong(kept.etag.clone())),
            last_modified: Some(whole_seconds(kept.modified).into()),
            ..Default::default()
        });
        Ok(S3Response::new(ListObjectsV2Output {
            key_count: Some(found.len() as i32),
            contents: Some(contents.collect()),
            is_truncated: Some(more),
            next_continuation_token: next,
            encoding_type: Some(EncodingType::from_static(EncodingType::URL)),
            ..Default::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        self.switches.met("CreateMultipartUpload")?;
        let CreateMultipartUploadInput { bucket, key, metadata, .. } = req.input;
        check_metadata(metadata.as_ref())?;
        let mut buckets = self.locked();
        buckets.begun += 1;
        let upload_id = format!("upload-{}", buckets.begun);
        let (parts, initiated) = (BTreeMap::new(), self.switches.now());
        let upload = Upload { bucket: bucket.clone(), key: key.clone(), metadata, parts, initiated };
        buckets.uploads.insert(upload_id.clone(), upload);
        let upload_id = Some(upload_id);
        let output =
            CreateMultipartUploadOutput { bucket: Some(bucket), key: Some(key), upload_id, ..Default::default() };
        Ok(S3Response::new(output))
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.switches.met("UploadPart")?;
        let input = req.input;
        if self.switches.holds(input.part_number) {
            std::future::pending::<()>().await;
        }
        let bytes = collect(input.body).await?;
        check_crc(&bytes, input.checksum_crc32.as_ref())?;
        let e_tag = Some(ETag::Strong(etag_of(&bytes)));
        let mut buckets = self.locked();
        let upload = buckets.uploads.get_mut(&input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        upload.parts.insert(input.part_number, bytes);
        Ok(S3Response::new(UploadPartOutput { e_tag, checksum_crc32: input.checksum_crc32, ..Default::default() }))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        self.switches.met("CompleteMultipartUpload")?;
        let input = req.input;
        let mut buckets = self.locked();
        let upload = buckets.uploads.get(&input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        let wanted = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let mut bytes = BytesMut::new();
        for part in &wanted {
            let number = part.part_number.unwrap_or_default();
            let sent = upload.parts.get(&number).ok_or_else(|| s3_error!(InvalidPart))?;
            check_crc(sent, part.checksum_crc32.as_ref())?;
            bytes.extend_from_slice(sent);
        }
        let bytes = bytes.freeze();
        let etag = format!("{}-{}", etag_of(&bytes), wanted.len());
        let kept = Kept { bytes, metadata: upload.metadata.clone(), etag: etag.clone(), modified: SystemTime::now() };
        let heeded = |condition: Option<ETagCondition>| condition.filter(|_| !self.switches.ignores_conditions());
        let (matching, absent) = (heeded(input.if_match), heeded(input.if_none_match));
        buckets.place(&input.bucket, &input.key, kept, matching.as_ref(), absent.as_ref())?;
        buckets.uploads.remove(&input.upload_id);
        let e_tag = Some(ETag::Strong(etag));
        Ok(S3Response::new(CompleteMultipartUploadOutput { e_tag, ..Default::default() }))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        self.switches.met("AbortMultipartUpload")?;
        self.locked().uploads.remove(&req.input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_parts(&self, req: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        self.switches.met("ListParts")?;
        let buckets = self.locked();
        let upload = buckets.uploads.get(&req.input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
        let part = |(number, bytes): (&i32, &Bytes)| Part {
            part_number: Some(*number),
            size: Some(bytes.len() as i64),
            ..Default::default()
        };
        let parts = Some(upload.parts.iter().map(part).collect());
        Ok(S3Response::new(ListPartsOutput { parts, ..Default::default() }))
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        self.switches.met("ListMultipartUploads")?;
        let buckets = self.locked();
        let under = |upload: &Upload| {
            upload.bucket == req.input.bucket && upload.key.starts_with(req.input.prefix.as_deref().unwrap_or_default())
        };
        let uploads = buckets.uploads.iter().filter(|(_, upload)| under(upload)).map(|(id, upload)| MultipartUpload {
            key: Some(upload.key.clone()),
            upload_id: Some(id.clone()),
            initiated: Some(upload.initiated.into()),
            ..Default::default()
        });
        let output = ListMultipartUploadsOutput { uploads: Some(uploads.collect()), ..Default::default() };
        Ok(S3Response::new(output))
    }
}
