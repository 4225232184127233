//! The read-through cache of a bucket: an object that this process wrote or read before is read from its own memory or disk,
//! if the server says that the same version is still in place.
//!
//! The server is asked by a HEAD and not by a GET with `If-None-Match`: an answer of 304 does not hold the stamp, and an object
//! that another node made anew, with the same bytes, has a newer stamp. A HEAD also works on servers that ignore conditions.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::node_trouble::remedy;
use euterpe_actors::storage::{KeepAlive, Object, StorageErrorKind};

use super::bucket::Bucket;
use super::cache::{Cache, FetchLock};
use super::cached_copy::{CachedCopy, CopyBytes};
use super::error::S3Error;
use super::in_place::InPlace;
use super::measure::{Body, Measured};
use super::scratch_file::{Fingerprint, ScratchFile};

/// Files are cached only while a twentieth of the disk is free, or this many bytes of a large disk.
const SPARE: u64 = 1 << 30;

impl Bucket {
    /// The object from the cache, if the newest version is there.
    pub(super) async fn cached_object(&self, key: &str) -> Result<Option<Object>, S3Error> {
        let Some(cache) = &self.settings.cache else { return Ok(None) };
        let name = self.cache_name(key);
        let Some(copy) = cache.find(&name) else { return Ok(None) };
        let found = match self.look(key).await? {
            Some(in_place) => copy.is_copy_of(&in_place).map_err(|error| out_of(&error))?.then_some(in_place),
            None => None,
        };
        let Some(in_place) = found else {
            cache.remove_copy(&name, &copy);
            return Ok(None);
        };
        cache.count_hit(copy.size);
        Ok(Some(Object { info: in_place.info, content: copy.content(), keep_alive: KeepAlive::of(copy) }))
    }

    /// Waits until no other task of this process fetches the object.
    pub(super) async fn lock_fetch(&self, key: &str) -> Option<FetchLock> {
        match &self.settings.cache {
            Some(cache) => Some(cache.lock_fetch(&self.cache_name(key)).await),
            None => None,
        }
    }

    /// Whether a downloaded object of this size is cached.
    pub(super) fn caches(&self, size: u64) -> bool {
        let cache = self.settings.cache.as_ref().filter(|cache| cache.takes(size));
        cache.is_some_and(|cache| cache.is_small(size) || self.has_room())
    }

    /// Caches an object that was downloaded into memory. A full disk is no error: the object is downloaded again next time.
    pub(super) async fn cache_bytes(&self, key: &str, in_place: &InPlace, bytes: &Bytes) {
        if self.caches(in_place.info.size) {
            let (etag, hash) = (in_place.etag.clone(), in_place.hash());
            self.cache_new(key, etag, hash, Source::Bytes(bytes.clone())).await;
        }
    }

    /// Caches an object that was downloaded into a file, which the cache and the reader share from now on.
    pub(super) fn cache_file(&self, key: &str, in_place: &InPlace, file: ScratchFile) -> KeepAlive {
        let Ok(fingerprint) = Fingerprint::of(file.path()) else { return KeepAlive::of(file) };
        let size = in_place.info.size;
        let bytes = CopyBytes::File(file, fingerprint);
        let copy = Arc::new(CachedCopy { etag: in_place.etag.clone(), hash: in_place.hash(), size, bytes });
        if let Some(cache) = self.settings.cache.as_ref().filter(|_| self.caches(size)) {
            cache.insert(&self.cache_name(key), copy.clone());
        }
        KeepAlive::of(copy)
    }

    /// Caches an object that was just written, under the ETag that the server stated.
    pub(super) async fn cache_written(&self, key: &str, etag: Option<String>, content: &Measured) {
        let Some(etag) = etag.filter(|_| self.caches(content.size)) else { return };
        let source = match (&content.body, content.fingerprint) {
            (Body::Bytes(bytes), _) => Source::Bytes(bytes.clone()),
            // Only files of the work's own folder, which are removed with it. Other files belong to others, who may write to them.
            (Body::File(path), Some(fingerprint)) if is_below(path, &self.settings.scratch) && self.has_room() => {
                Source::File(path.clone(), fingerprint)
            }
            _ => return self.uncache(key),
        };
        self.cache_new(key, etag, Some(content.hash.clone()), source).await;
    }

    async fn cache_new(&self, key: &str, etag: String, hash: Option<String>, source: Source) {
        let Some(cache) = &self.settings.cache else { return };
        let copied = match source {
            // Copied, because they may be a small part of a large allocation.
            Source::Bytes(bytes) if cache.is_small(bytes.len() as u64) => {
                Ok((bytes.len() as u64, CopyBytes::Memory(Bytes::copy_from_slice(&bytes))))
            }
            source => self.to_file(key, source).await,
        };
        let unread = match copied {
            Ok((size, bytes)) => cache.insert(&self.cache_name(key), Arc::new(CachedCopy { etag, hash, size, bytes })),
            Err(error) => {
                not_kept(key, &error);
                return self.uncache(key);
            }
        };
        for (name, copy) in unread {
            self.move_to_disk(cache, &name, &copy).await;
        }
    }

    /// Moves a copy from memory to a file.
    async fn move_to_disk(&self, cache: &Cache, name: &str, copy: &CachedCopy) {
        let CopyBytes::Memory(bytes) = &copy.bytes else { return };
        if !self.has_room() {
            return;
        }
        match self.to_file(name, Source::Bytes(bytes.clone())).await {
            Ok((size, bytes)) if !cache.has(name) => {
                let (etag, hash) = (copy.etag.clone(), copy.hash.clone());
                cache.insert(name, Arc::new(CachedCopy { etag, hash, size, bytes })); // files replace only files
            }
            Ok(_) => {} // a newer copy came
            Err(error) => not_kept(name, &error),
        }
    }

    /// Makes a file for a copy; returns its size with it.
    async fn to_file(&self, key: &str, source: Source) -> io::Result<(u64, CopyBytes)> {
        let (folder, named) = (self.settings.scratch.clone(), key.to_owned());
        let copied = on_blocking_thread(move || match source {
            Source::Bytes(bytes) => {
                let file = ScratchFile::of_bytes(&folder, &named, &bytes)?;
                Fingerprint::of(file.path()).map(|fingerprint| (bytes.len() as u64, CopyBytes::File(file, fingerprint)))
            }
            Source::File(path, fingerprint) => ScratchFile::linked(&folder, &named, &path)
                .map(|file| (fingerprint.size(), CopyBytes::File(file, fingerprint))),
        });
        copied.await.and_then(|copied| copied)
    }

    pub(super) fn uncache(&self, key: &str) {
        if let Some(cache) = &self.settings.cache {
            cache.remove(&self.cache_name(key));
        }
    }

    /// Removes all files of the cache; whether there were any.
    pub(super) fn evict_files(&self) -> bool {
        self.settings.cache.as_ref().is_some_and(|cache| cache.clear_files() > 0)
    }

    /// Whether the disk has more room than the work itself needs. Where it has not, the files of the cache are removed.
    fn has_room(&self) -> bool {
        let has = match rustix::fs::statvfs(&self.settings.scratch) {
            Ok(disk) => disk.f_bavail * disk.f_frsize >= (disk.f_blocks * disk.f_frsize / 20).min(SPARE),
            Err(_) => true, // not made yet, or it will say itself what is wrong
        };
        if !has {
            self.evict_files();
        }
        has
    }

    /// The name of an object in the cache, which all stores of the process share.
    fn cache_name(&self, key: &str) -> String {
        let endpoint = self.settings.endpoint.as_deref().unwrap_or_default();
        format!("{endpoint} {} {key}", self.settings.bucket)
    }
}

/// The error of a machine that is out of something, while the copy may be as good as ever.
fn out_of(error: &io::Error) -> S3Error {
    let remedy = remedy(error).map_or_else(String::new, |remedy| format!("; {remedy}"));
    S3Error::new(StorageErrorKind::Machine, format!("the copy on this machine cannot be looked at: {error}{remedy}"))
}

fn not_kept(what: &str, error: &io::Error) {
    tracing::debug!(%error, what, "an object is not kept here and will be downloaded again");
}

/// Where a new copy comes from.
enum Source {
    Bytes(Bytes),
    File(PathBuf, Fingerprint),
}

fn is_below(path: &Path, folder: &Path) -> bool {
    match (std::path::absolute(path), std::path::absolute(folder)) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}
