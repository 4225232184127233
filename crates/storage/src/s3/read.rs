//! Reads an object, one whole version of it: at once where it is small, else by ranges in parallel into a file.

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc, time::Duration};

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};
use euterpe_actors::storage::{Content, KeepAlive, Object, StorageErrorKind};
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::timeout;

use super::bucket::{Bucket, Placed};
use super::buffers::Buffer;
use super::cache::Turn;
use super::client::SLOWEST;
use super::downloaded::Downloaded;
use super::trouble::{Refusal, Trouble, refusal};

/// How many bytes of a range are gathered before they are written into the file.
const AT_ONCE: usize = 256 << 10;

const OTHER_BYTES: &str = "the server answered with other bytes than were asked for";

/// How often an object may be replaced while it is read.
const MOST_VERSIONS: u32 = 50;

impl Bucket {
    pub async fn open_object(&self, key: &str) -> Result<Object, Trouble> {
        if let Some(object) = self.kept_here(key).await? {
            return Ok(object);
        }
        let mut turn = self.turn(key).await;
        // Whose turn it was before may have brought it here.
        if let Some(object) = self.kept_here(key).await? {
            return Ok(object);
        }
        for _ in 0..MOST_VERSIONS {
            match self.one_version(key, &mut turn).await {
                Err(Refusal::Condition) => {} // replaced meanwhile
                Err(Refusal::Trouble(trouble)) if trouble.kind == StorageErrorKind::Full && self.make_room() => {}
                read => return read.map_err(Refusal::into_trouble),
            }
        }
        Err(Trouble::unavailable("it was replaced each time before it was read to its end"))
    }

    async fn one_version(&self, key: &str, turn: &mut Option<Turn>) -> Result<Object, Refusal> {
        let part = self.settings.tuning.part;
        let (placed, first) = self.first_part(key, part).await?;
        let size = placed.info.size;
        if !self.keeps(size) {
            turn.take(); // nobody would find it here
        }
        if size == first.len() as u64 {
            self.keep_bytes(key, &placed, &first).await;
            return Ok(Object { info: placed.info, content: Content::Bytes(first), keep_alive: KeepAlive::default() });
        }
        let (downloaded, file) = Downloaded::create(&self.settings.scratch, key).map_err(on_disk)?;
        let file = Arc::new(file);
        write_at(file.clone(), first, 0).await?;
        stream::iter((part..size).step_by(usize::try_from(part).unwrap_or(usize::MAX)))
            .map(|start| {
                let (file, etag) = (file.clone(), &placed.etag);
                async move {
                    let _moving = self.permit().await.map_err(Refusal::Trouble)?;
                    self.range(key, start, part.min(size - start), etag, &file).await
                }
            })
            .buffer_unordered(self.settings.tuning.at_once)
            .try_collect::<()>()
            .await?;
        let content = Content::File(downloaded.path().to_owned());
        let keep_alive = self.keep_file(key, &placed, downloaded);
        Ok(Object { info: placed.info, content, keep_alive })
    }

    /// The first bytes of the newest version, and all of a small one.
    async fn first_part(&self, key: &str, part: u64) -> Result<(Placed, Bytes), Refusal> {
        let mut tries = 0;
        loop {
            let _moving = self.permit().await.map_err(Refusal::Trouble)?;
            let ask = self.client.get_object().bucket(self.name()).key(key);
            let got = match ask.clone().range(format!("bytes=0-{}", part - 1)).send().await {
                // An empty object has no first byte.
                Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 416) => {
                    ask.send().await
                }
                got => got,
            };
            let mut got = got.map_err(|error| refusal(&error))?;
            let length = got.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
            // `bytes 0-9/1234`; without it the server sent everything.
            let whole = got.content_range.as_deref().and_then(|range| range.rsplit('/').next()?.parse().ok());
            let size: u64 = whole.unwrap_or(length);
            let starts = got.content_range.as_deref().is_none_or(|range| range.starts_with("bytes 0-"));
            if !starts || length != part.min(size) {
                return Err(Refusal::Trouble(Trouble::unavailable(OTHER_BYTES)));
            }
            let (etag, metadata, modified) = (got.e_tag.take(), got.metadata.take(), got.last_modified.take());
            match self.in_time(length, self.read_whole(got, length)).await {
                Ok(bytes) => {
                    let placed = self.placed(size, etag, metadata, modified).await.map_err(Refusal::Trouble)?;
                    return Ok((placed, bytes));
                }
                Err(trouble) => self.pause(&mut tries, trouble).await?,
            }
        }
    }

    /// Some bytes of one version, into their place in a file.
    async fn range(&self, key: &str, start: u64, length: u64, etag: &str, file: &Arc<File>) -> Result<(), Refusal> {
        let mut tries = 0;
        loop {
            let ask = self.client.get_object().bucket(self.name()).key(key).if_match(etag);
            let got = ask.range(format!("bytes={start}-{}", start + length - 1)).send().await;
            let got = got.map_err(|error| refusal(&error))?;
            if !got.content_range.as_deref().is_some_and(|range| range.starts_with(&format!("bytes {start}-"))) {
                self.pause(&mut tries, Trouble::unavailable(OTHER_BYTES)).await?;
                continue;
            }
            match self.in_time(length, self.read_into(got, length, file, start)).await {
                Ok(()) => return Ok(()),
                Err(trouble) if trouble.kind != StorageErrorKind::Unavailable => return Err(Refusal::Trouble(trouble)),
                Err(trouble) => self.pause(&mut tries, trouble).await?,
            }
        }
    }

    /// All bytes of an answer.
    async fn read_whole(&self, got: GetObjectOutput, length: u64) -> Result<Bytes, Trouble> {
        let mut buffer = Buffer::of(usize::try_from(length).map_err(Trouble::unavailable)?);
        let mut body = got.body;
        while let Some(more) = self.more(&mut body).await? {
            buffer.add(&more)?;
        }
        buffer.whole()
    }

    /// All bytes of an answer, into their place in a file as they come.
    async fn read_into(&self, got: GetObjectOutput, length: u64, file: &Arc<File>, start: u64) -> Result<(), Trouble> {
        let (mut written, mut gathered) = (0, BytesMut::with_capacity(2 * AT_ONCE));
        let mut body = got.body;
        while let Some(more) = self.more(&mut body).await? {
            gathered.extend_from_slice(&more);
            if written + gathered.len() as u64 > length {
                // The next place in the file is another's.
                return Err(Trouble::unavailable(format!("more than {length} bytes came")));
            }
            if gathered.len() >= AT_ONCE {
                written += write(file, gathered.split(), start + written).await?;
            }
        }
        written += write(file, gathered, start + written).await?;
        match written == length {
            true => Ok(()),
            false => Err(Trouble::unavailable(format!("{written} of {length} bytes came"))),
        }
    }

    /// The next bytes of an answer; none at its end.
    async fn more(&self, body: &mut ByteStream) -> Result<Option<Bytes>, Trouble> {
        match timeout(self.settings.tuning.patience, body.next()).await {
            Ok(more) => more.transpose().map_err(|error| cut_off(&error)),
            Err(_) => Err(Trouble::unavailable("the server stopped in the middle of an object")),
        }
    }

    /// Reads so many bytes, in the time that the slowest server may take.
    async fn in_time<T>(&self, length: u64, reading: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        let in_all = self.settings.tuning.patience + Duration::from_millis(length.saturating_mul(1000) / SLOWEST);
        timeout(in_all, reading).await.map_err(|_| Trouble::unavailable("the server is too slow"))?
    }

    /// Waits before what broke off is asked for again, longer each time, and gives up in the end.
    async fn pause(&self, tries: &mut u32, trouble: Trouble) -> Result<(), Refusal> {
        *tries += 1;
        if *tries >= self.settings.tuning.tries {
            return Err(Refusal::Trouble(trouble));
        }
        tokio::time::sleep(Duration::from_millis(100 << (*tries).min(5))).await;
        Ok(())
    }
}

fn cut_off(error: &dyn std::error::Error) -> Trouble {
    let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
    Trouble::unavailable(format!("the object broke off: {error}{cause}"))
}

/// Trouble with our own disk while downloading: full, or gone.
fn on_disk(error: io::Error) -> Refusal {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StorageErrorKind::Full,
        io::ErrorKind::PermissionDenied => StorageErrorKind::Denied,
        _ => StorageErrorKind::Unavailable,
    };
    Refusal::Trouble(Trouble::new(kind, format!("no room for a download: {error}")))
}

/// How many bytes go into the file: all that came.
async fn write(file: &Arc<File>, bytes: BytesMut, at: u64) -> Result<u64, Trouble> {
    let count = bytes.len() as u64;
    write_at(file.clone(), bytes.freeze(), at).await.map_err(Refusal::into_trouble)?;
    Ok(count)
}

async fn write_at(file: Arc<File>, bytes: Bytes, at: u64) -> Result<(), Refusal> {
    let written = tokio::task::spawn_blocking(move || file.write_all_at(&bytes, at)).await;
    written.map_err(|error| Refusal::Trouble(Trouble::unavailable(error)))?.map_err(on_disk)
}
