//! Reads one whole version of an object: a small one at once into memory, others by ranges in parallel into a file.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc, time::Duration};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};
use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::node_trouble::remedy;
use euterpe_actors::storage::{Content, KeepAlive, Object, StorageErrorKind};
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::timeout;

use super::bucket::Bucket;
use super::buffers::Buffer;
use super::cache::FetchLock;
use super::client::SLOWEST;
use super::error::{Refusal, S3Error, classify};
use super::in_place::InPlace;
use super::scratch_file::ScratchFile;

/// How many bytes of a range are gathered before they are written into the file.
const AT_ONCE: usize = 256 << 10;

const OTHER_BYTES: &str = "the server answered with other bytes than were asked for";

/// How often an object may be replaced while it is read.
const MOST_VERSIONS: u32 = 50;

impl Bucket {
    /// The object from the cache, or else from the server.
    pub async fn open_object(&self, key: &str) -> Result<Object, S3Error> {
        if let Some(object) = self.cached_object(key).await? {
            return Ok(object);
        }
        let mut lock = self.lock_fetch(key).await;
        // The task that had the lock before may have cached it.
        if let Some(object) = self.cached_object(key).await? {
            return Ok(object);
        }
        for _ in 0..MOST_VERSIONS {
            match self.one_version(key, &mut lock).await {
                Err(Refusal::Condition) => {} // replaced meanwhile
                // Only room comes from that: no descriptors, no memory and no threads.
                Err(Refusal::Other(error)) if error.is_disk_full && self.evict_files() => continue,
                // A proxy may answer a GET in this way and let a HEAD through: then the object is there, and cannot be read.
                Err(refusal @ Refusal::Bare404) => {
                    let refusal = if self.look(key).await?.is_some() { refusal } else { Refusal::Missing };
                    return Err(refusal.into_error());
                }
                read => return read.map_err(Refusal::into_error),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(S3Error::unavailable("it was replaced each time before it was read to its end"))
    }

    async fn one_version(&self, key: &str, lock: &mut Option<FetchLock>) -> Result<Object, Refusal> {
        let part = self.settings.tuning.part;
        let (in_place, first) = self.first_part(key, part).await?;
        let size = in_place.info.size;
        if !self.caches(size) {
            lock.take(); // it will not be cached, so no other task need wait for it
        }
        if size == first.len() as u64 {
            self.cache_bytes(key, &in_place, &first).await;
            return Ok(Object {
                info: in_place.info,
                content: Content::Bytes(first),
                keep_alive: KeepAlive::default(),
            });
        }
        let (scratch, file) = ScratchFile::create(&self.settings.scratch, key).map_err(disk_error)?;
        let file = Arc::new(file);
        write_at(file.clone(), first, 0).await?;
        stream::iter((part..size).step_by(usize::try_from(part).unwrap_or(usize::MAX)))
            .map(|start| {
                let (file, etag) = (file.clone(), &in_place.etag);
                async move {
                    let _permit = self.permit().await.map_err(Refusal::Other)?;
                    self.range(key, start, part.min(size - start), etag, &file).await
                }
            })
            .buffer_unordered(self.settings.tuning.at_once)
            .try_collect::<()>()
            .await?;
        let content = Content::File(scratch.path().to_owned());
        let keep_alive = self.cache_file(key, &in_place, scratch);
        Ok(Object { info: in_place.info, content, keep_alive })
    }

    /// The first part of the newest version, which is all of a small object.
    async fn first_part(&self, key: &str, part: u64) -> Result<(InPlace, Bytes), Refusal> {
        let mut tries = 0;
        loop {
            let _permit = self.permit().await.map_err(Refusal::Other)?;
            let ask = self.client.get_object().bucket(self.name()).key(key);
            let got = match ask.clone().range(format!("bytes=0-{}", part - 1)).send().await {
                // An empty object has no first byte.
                Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 416) => {
                    ask.send().await
                }
                got => got,
            };
            let mut got = got.map_err(|error| classify(&error))?;
            let length = got.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
            // `bytes 0-9/1234`; without it the server sent everything.
            let whole = got.content_range.as_deref().and_then(|range| range.rsplit('/').next()?.parse().ok());
            let size: u64 = whole.unwrap_or(length);
            let starts = got.content_range.as_deref().is_none_or(|range| range.starts_with("bytes 0-"));
            if !starts || length != part.min(size) {
                return Err(Refusal::Other(S3Error::unavailable(OTHER_BYTES)));
            }
            let (etag, metadata, modified) = (got.e_tag.take(), got.metadata.take(), got.last_modified.take());
            match self.in_time(length, self.read_whole(got, length)).await {
                Ok(bytes) => {
                    let in_place = self.in_place(size, etag, metadata, modified).await.map_err(Refusal::Other)?;
                    return Ok((in_place, bytes));
                }
                Err(error) => self.pause(&mut tries, error).await?,
            }
        }
    }

    /// Reads a range of one version into its place in a file.
    async fn range(&self, key: &str, start: u64, length: u64, etag: &str, file: &Arc<File>) -> Result<(), Refusal> {
        let mut tries = 0;
        loop {
            let ask = self.client.get_object().bucket(self.name()).key(key).if_match(etag);
            let got = ask.range(format!("bytes={start}-{}", start + length - 1)).send().await;
            let got = got.map_err(|error| classify(&error))?;
            if !got.content_range.as_deref().is_some_and(|range| range.starts_with(&format!("bytes {start}-"))) {
                self.pause(&mut tries, S3Error::unavailable(OTHER_BYTES)).await?;
                continue;
            }
            match self.in_time(length, self.read_into(got, length, file, start)).await {
                Ok(()) => return Ok(()),
                Err(error) if error.kind != StorageErrorKind::Unavailable => return Err(Refusal::Other(error)),
                Err(error) => self.pause(&mut tries, error).await?,
            }
        }
    }

    /// Reads the body of an answer into memory.
    async fn read_whole(&self, got: GetObjectOutput, length: u64) -> Result<Bytes, S3Error> {
        let mut buffer = Buffer::of(usize::try_from(length).map_err(S3Error::unavailable)?);
        let mut body = got.body;
        while let Some(more) = self.more(&mut body).await? {
            buffer.add(&more)?;
        }
        buffer.whole()
    }

    /// Reads the body of an answer into its place in a file, piece by piece.
    async fn read_into(&self, got: GetObjectOutput, length: u64, file: &Arc<File>, start: u64) -> Result<(), S3Error> {
        let (mut written, mut gathered) = (0, BytesMut::with_capacity(2 * AT_ONCE));
        let mut body = got.body;
        while let Some(more) = self.more(&mut body).await? {
            gathered.extend_from_slice(&more);
            if written + gathered.len() as u64 > length {
                // The next place in the file belongs to another range.
                return Err(S3Error::unavailable(format!("more than {length} bytes came")));
            }
            if gathered.len() >= AT_ONCE {
                written += write(file, gathered.split(), start + written).await?;
            }
        }
        written += write(file, gathered, start + written).await?;
        match written == length {
            true => Ok(()),
            false => Err(S3Error::unavailable(format!("{written} of {length} bytes came"))),
        }
    }

    /// The next bytes of a body; `None` at its end.
    async fn more(&self, body: &mut ByteStream) -> Result<Option<Bytes>, S3Error> {
        match timeout(self.settings.tuning.patience, body.next()).await {
            Ok(more) => more.transpose().map_err(|error| cut_off(&error)),
            Err(_) => Err(S3Error::unavailable("the server stopped in the middle of an object")),
        }
    }

    /// Reads `length` bytes in the time that the slowest server may take ([`SLOWEST`]).
    async fn in_time<T>(&self, length: u64, reading: impl Future<Output = Result<T, S3Error>>) -> Result<T, S3Error> {
        let in_all = self.settings.tuning.patience + Duration::from_millis(length.saturating_mul(1000) / SLOWEST);
        timeout(in_all, reading).await.map_err(|_| S3Error::unavailable("the server is too slow"))?
    }

    /// Waits before the next try, longer each time; the error after the last try.
    async fn pause(&self, tries: &mut u32, error: S3Error) -> Result<(), Refusal> {
        *tries += 1;
        if *tries >= self.settings.tuning.tries {
            return Err(Refusal::Other(error));
        }
        tokio::time::sleep(Duration::from_millis(100 << (*tries).min(5))).await;
        Ok(())
    }
}

fn cut_off(error: &dyn std::error::Error) -> S3Error {
    let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
    S3Error::unavailable(format!("the object broke off: {error}{cause}"))
}

/// An error of our own disk while downloading: it is full, or gone.
fn disk_error(error: io::Error) -> Refusal {
    Refusal::Other(match remedy(&error) {
        Some(remedy) => {
            let text = format!("no room for a download: {error}; {remedy}");
            let is_disk_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
            S3Error { is_disk_full, ..S3Error::new(StorageErrorKind::Machine, text) }
        }
        None if error.kind() == io::ErrorKind::PermissionDenied => S3Error::new(StorageErrorKind::Denied, error),
        None => S3Error::unavailable(format!("no room for a download: {error}")),
    })
}

/// Writes all bytes into the file; returns how many they were.
async fn write(file: &Arc<File>, bytes: BytesMut, at: u64) -> Result<u64, S3Error> {
    let count = bytes.len() as u64;
    write_at(file.clone(), bytes.freeze(), at).await.map_err(Refusal::into_error)?;
    Ok(count)
}

async fn write_at(file: Arc<File>, bytes: Bytes, at: u64) -> Result<(), Refusal> {
    let written = on_blocking_thread(move || file.write_all_at(&bytes, at)).await;
    written.map_err(|error| Refusal::Other(S3Error::of_thread(&error)))?.map_err(disk_error)
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn the_cache_makes_room_for_a_full_disk_and_for_nothing_else() {
        let cases = [
            (Errno::NOSPC, true),
            (Errno::DQUOT, true),
            (Errno::MFILE, false),
            (Errno::NFILE, false),
            (Errno::NOMEM, false),
            (Errno::AGAIN, false),
        ];
        for (errno, is_disk_full) in cases {
            let error = disk_error(errno.into()).into_error();
            assert_eq!((error.kind, error.is_disk_full), (StorageErrorKind::Machine, is_disk_full), "{}", error.text);
        }
    }
}
