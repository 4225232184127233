//! What this process made or read before is read from its own disk, where the server says that it is still in place.
//!
//! The question is a HEAD, and no GET with `If-None-Match`: an answer of 304 says nothing of the stamp, and an object that
//! another node made anew, with the same bytes, has a newer one. It also asks nothing of servers that ignore conditions.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use euterpe_actors::storage::{Content, Hold, Object};

use super::bucket::{Bucket, Placed};
use super::cache::{Copy, Turn};
use super::downloaded::{Downloaded, Print};
use super::measure::{Body, Measured};
use super::trouble::Trouble;

/// Nothing is kept where less than a twentieth of the disk is free, or than so many bytes of a large one.
const SPARE: u64 = 1 << 30;

impl Bucket {
    /// The object, where its newest version lies here.
    pub(super) async fn kept_here(&self, key: &str) -> Result<Option<Object>, Trouble> {
        let Some(cache) = &self.settings.cache else { return Ok(None) };
        let name = self.name_of(key);
        let Some(copy) = cache.find(&name) else { return Ok(None) };
        match self.look(key).await? {
            Some(placed) if copy.is(&placed) => {
                cache.count(copy.size);
                let content = Content::File(copy.file.path().to_owned());
                Ok(Some(Object { info: placed.info, content, hold: Hold::of(copy) }))
            }
            _ => {
                cache.forget(&name, &copy);
                Ok(None)
            }
        }
    }

    /// Waits until nobody else of this process fetches the object.
    pub(super) async fn turn(&self, key: &str) -> Option<Turn> {
        match &self.settings.cache {
            Some(cache) => Some(cache.turn(&self.name_of(key)).await),
            None => None,
        }
    }

    /// Whether an object of this size is kept here.
    pub(super) fn keeps(&self, size: u64) -> bool {
        self.settings.cache.as_ref().is_some_and(|cache| cache.takes(size)) && self.has_room()
    }

    /// Keeps what was downloaded into memory. A disk that cannot take it is no trouble: it is downloaded again.
    pub(super) async fn keep_bytes(&self, key: &str, placed: &Placed, bytes: &Bytes) {
        if self.keeps(bytes.len() as u64) {
            let (etag, hash) = (placed.etag.clone(), placed.hash());
            self.keep_new(key, etag, hash, Source::Bytes(bytes.clone())).await;
        }
    }

    /// Keeps what was downloaded into a file, from now on shared with its reader.
    pub(super) fn keep_file(&self, key: &str, placed: &Placed, file: Downloaded) -> Hold {
        let Ok(print) = Print::of(file.path()) else { return Hold::of(file) };
        let size = placed.info.size;
        let copy = Arc::new(Copy { etag: placed.etag.clone(), hash: placed.hash(), size, file, print });
        if let Some(cache) = self.settings.cache.as_ref().filter(|_| self.keeps(size)) {
            cache.keep(&self.name_of(key), copy.clone());
        }
        Hold::of(copy)
    }

    /// Keeps what was made here and is now in place, under the ETag that the server told.
    pub(super) async fn keep_made(&self, key: &str, etag: Option<String>, content: &Measured) {
        let Some(etag) = etag.filter(|_| self.keeps(content.size)) else { return };
        let source = match (&content.body, content.print) {
            (Body::Bytes(bytes), _) => Source::Bytes(bytes.clone()),
            // Only what is the work's own and goes with it: files elsewhere belong to others, who may write to them.
            (Body::File(path), Some(print)) if is_below(path, &self.settings.scratch) => {
                Source::File(path.clone(), print)
            }
            _ => return self.forget(key),
        };
        self.keep_new(key, etag, Some(content.hash.clone()), source).await;
    }

    async fn keep_new(&self, key: &str, etag: String, hash: Option<String>, source: Source) {
        let (folder, named) = (self.settings.scratch.clone(), key.to_owned());
        let copied = tokio::task::spawn_blocking(move || match source {
            Source::Bytes(bytes) => {
                let file = Downloaded::of_bytes(&folder, &named, &bytes)?;
                Print::of(file.path()).map(|print| (file, print, bytes.len() as u64))
            }
            Source::File(path, print) => {
                Downloaded::linked(&folder, &named, &path).map(|file| (file, print, print.size()))
            }
        });
        match copied.await {
            Ok(Ok((file, print, size))) => {
                if let Some(cache) = &self.settings.cache {
                    cache.keep(&self.name_of(key), Arc::new(Copy { etag, hash, size, file, print }));
                }
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, key, "an object is not kept here and will be downloaded again");
                self.forget(key);
            }
            Err(stopped) => tracing::debug!(%stopped, "an object is not kept here"),
        }
    }

    pub(super) fn forget(&self, key: &str) {
        if let Some(cache) = &self.settings.cache {
            cache.forget_all(&self.name_of(key));
        }
    }

    /// Lets go of all that is kept here; whether that was anything.
    pub(super) fn make_room(&self) -> bool {
        self.settings.cache.as_ref().is_some_and(|cache| cache.clear() > 0)
    }

    /// Whether the disk has room for more than the work itself. Where it has not, what is kept goes.
    fn has_room(&self) -> bool {
        let has = match rustix::fs::statvfs(&self.settings.scratch) {
            Ok(disk) => disk.f_bavail * disk.f_frsize >= (disk.f_blocks * disk.f_frsize / 20).min(SPARE),
            Err(_) => true, // not made yet, or it will say itself what is wrong
        };
        if !has {
            self.make_room();
        }
        has
    }

    /// What an object is called among those of all stores.
    fn name_of(&self, key: &str) -> String {
        let endpoint = self.settings.endpoint.as_deref().unwrap_or_default();
        format!("{endpoint} {} {key}", self.settings.bucket)
    }
}

/// Where a new copy comes from.
enum Source {
    Bytes(Bytes),
    File(PathBuf, Print),
}

impl Copy {
    /// Whether this is what lies in place, and as it was written.
    fn is(&self, placed: &Placed) -> bool {
        let plain = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_owned();
        let same_hash = match (&self.hash, placed.hash()) {
            (Some(here), Some(there)) => *here == there,
            _ => true,
        };
        plain(&self.etag) == plain(&placed.etag)
            && self.size == placed.info.size
            && same_hash
            && Print::of(self.file.path()).is_ok_and(|print| print == self.print)
    }
}

impl Placed {
    /// The hash of the content, where a stamp tells it.
    fn hash(&self) -> Option<String> {
        self.info.stamp.as_ref().map(|stamp| stamp.hash.clone()).filter(|hash| !hash.is_empty())
    }
}

fn is_below(path: &Path, folder: &Path) -> bool {
    match (std::path::absolute(path), std::path::absolute(folder)) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}
