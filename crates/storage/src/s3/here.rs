//! What this process made or read before is read from its own disk or memory, where the server says that it is still in place.
//!
//! The question is a HEAD, and no GET with `If-None-Match`: an answer of 304 says nothing of the stamp, and an object that
//! another node made anew, with the same bytes, has a newer one. It also asks nothing of servers that ignore conditions.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use euterpe_actors::storage::{KeepAlive, Object};

use super::bucket::{Bucket, Placed};
use super::cache::{Cache, Turn};
use super::cached::{Cached, Place};
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
                Ok(Some(Object { info: placed.info, content: copy.content(), keep_alive: KeepAlive::of(copy) }))
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

    /// Whether an object of this size is kept here when it is downloaded.
    pub(super) fn keeps(&self, size: u64) -> bool {
        let cache = self.settings.cache.as_ref().filter(|cache| cache.takes(size));
        cache.is_some_and(|cache| cache.is_small(size) || self.has_room())
    }

    /// Keeps what was downloaded into memory. A disk that cannot take it is no trouble: it is downloaded again.
    pub(super) async fn keep_bytes(&self, key: &str, placed: &Placed, bytes: &Bytes) {
        if self.keeps(placed.info.size) {
            let (etag, hash) = (placed.etag.clone(), placed.hash());
            self.keep_new(key, etag, hash, Source::Bytes(bytes.clone())).await;
        }
    }

    /// Keeps what was downloaded into a file, from now on shared with its reader.
    pub(super) fn keep_file(&self, key: &str, placed: &Placed, file: Downloaded) -> KeepAlive {
        let Ok(print) = Print::of(file.path()) else { return KeepAlive::of(file) };
        let size = placed.info.size;
        let place = Place::File(file, print);
        let copy = Arc::new(Cached { etag: placed.etag.clone(), hash: placed.hash(), size, place });
        if let Some(cache) = self.settings.cache.as_ref().filter(|_| self.keeps(size)) {
            cache.keep(&self.name_of(key), copy.clone());
        }
        KeepAlive::of(copy)
    }

    /// Keeps what was made here and is now in place, under the ETag that the server told.
    pub(super) async fn keep_made(&self, key: &str, etag: Option<String>, content: &Measured) {
        let Some(etag) = etag.filter(|_| self.keeps(content.size)) else { return };
        let source = match (&content.body, content.print) {
            (Body::Bytes(bytes), _) => Source::Bytes(bytes.clone()),
            // Only what is the work's own and goes with it: files elsewhere belong to others, who may write to them.
            (Body::File(path), Some(print)) if is_below(path, &self.settings.scratch) && self.has_room() => {
                Source::File(path.clone(), print)
            }
            _ => return self.forget(key),
        };
        self.keep_new(key, etag, Some(content.hash.clone()), source).await;
    }

    async fn keep_new(&self, key: &str, etag: String, hash: Option<String>, source: Source) {
        let Some(cache) = &self.settings.cache else { return };
        let copied = match source {
            // Copied, for they may be a small piece of something large.
            Source::Bytes(bytes) if cache.is_small(bytes.len() as u64) => {
                Ok((bytes.len() as u64, Place::Memory(Bytes::copy_from_slice(&bytes))))
            }
            source => self.on_disk(key, source).await,
        };
        let unread = match copied {
            Ok((size, place)) => cache.keep(&self.name_of(key), Arc::new(Cached { etag, hash, size, place })),
            Err(error) => {
                not_kept(key, &error);
                return self.forget(key);
            }
        };
        for (name, copy) in unread {
            self.move_to_disk(cache, &name, &copy).await;
        }
    }

    /// Gives a copy a file for its memory.
    async fn move_to_disk(&self, cache: &Cache, name: &str, copy: &Cached) {
        let Place::Memory(bytes) = &copy.place else { return };
        if !self.has_room() {
            return;
        }
        match self.on_disk(name, Source::Bytes(bytes.clone())).await {
            Ok((size, place)) if !cache.has(name) => {
                let (etag, hash) = (copy.etag.clone(), copy.hash.clone());
                cache.keep(name, Arc::new(Cached { etag, hash, size, place })); // files push out files only
            }
            Ok(_) => {} // a newer one came
            Err(error) => not_kept(name, &error),
        }
    }

    /// A file of its own, and how large it is.
    async fn on_disk(&self, key: &str, source: Source) -> io::Result<(u64, Place)> {
        let (folder, named) = (self.settings.scratch.clone(), key.to_owned());
        let copied = tokio::task::spawn_blocking(move || match source {
            Source::Bytes(bytes) => {
                let file = Downloaded::of_bytes(&folder, &named, &bytes)?;
                Print::of(file.path()).map(|print| (bytes.len() as u64, Place::File(file, print)))
            }
            Source::File(path, print) => {
                Downloaded::linked(&folder, &named, &path).map(|file| (print.size(), Place::File(file, print)))
            }
        });
        copied.await.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
    }

    pub(super) fn forget(&self, key: &str) {
        if let Some(cache) = &self.settings.cache {
            cache.forget_all(&self.name_of(key));
        }
    }

    /// Lets go of all that is kept on the disk; whether that was anything.
    pub(super) fn make_room(&self) -> bool {
        self.settings.cache.as_ref().is_some_and(|cache| cache.clear_disk() > 0)
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

fn not_kept(what: &str, error: &io::Error) {
    tracing::debug!(%error, what, "an object is not kept here and will be downloaded again");
}

/// Where a new copy comes from.
enum Source {
    Bytes(Bytes),
    File(PathBuf, Print),
}

fn is_below(path: &Path, folder: &Path) -> bool {
    match (std::path::absolute(path), std::path::absolute(folder)) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}
