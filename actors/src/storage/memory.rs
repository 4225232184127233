//! Objects in memory: for tests, simulations and graphs whose outputs are not kept.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::error::{StorageError, StorageErrorKind};
use super::key::is_key;
use super::object::{Content, KeepAlive, Object, ObjectInfo};
use super::page::{Dates, Page};
use super::port::{Storage, Stored};
use super::stamp::Stamp;
use crate::blocking_threads::on_blocking_thread;

/// How many paths a page of a listing holds.
const PAGE: usize = 1000;

/// A store that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    objects: Mutex<Objects>,
}

#[derive(Debug, Default)]
struct Objects {
    by_path: BTreeMap<String, Kept>,
    /// How often something was written, here or in a store that shares the count: it stands for the time, in nanoseconds.
    writes: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Kept {
    bytes: Bytes,
    stamp: Option<Stamp>,
    written: u64,
}

impl Kept {
    fn info(&self) -> ObjectInfo {
        let written = Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(self.written));
        ObjectInfo {
            stamp: self.stamp.clone(),
            modified: written,
            arrived: written,
            ..ObjectInfo::of_size(self.bytes.len() as u64)
        }
    }
}

impl MemoryStorage {
    /// An empty store whose times go on from those of this one, so that both can be compared.
    #[must_use]
    pub fn of_the_same_time(&self) -> Self {
        let objects = Objects { writes: self.locked().writes.clone(), ..Objects::default() };
        Self { objects: Mutex::new(objects) }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn check(action: &'static str, path: &str) -> Result<(), StorageError> {
    let why = "a key has segments with `/` between them, none empty, `.` or `..`";
    if is_key(path) { Ok(()) } else { Err(StorageError::new(StorageErrorKind::BadKey, action, path, why)) }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        check("look for", path)?;
        Ok(self.locked().by_path.get(path).map(Kept::info))
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        check("open", path)?;
        match self.locked().by_path.get(path) {
            Some(kept) => Ok(Object {
                info: kept.info(),
                content: Content::Bytes(kept.bytes.clone()),
                keep_alive: KeepAlive::default(),
            }),
            None => Err(StorageError::new(StorageErrorKind::NotFound, "open", path, "no such object")),
        }
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        check("store", path)?;
        let read = match content.clone() {
            Content::Bytes(bytes) => Ok(bytes),
            file @ Content::File(_) => on_blocking_thread(move || file.read()).await.and_then(|read| read),
        };
        let bytes = read.map_err(|error| StorageError::unreadable(path, &content, &error))?;
        let mut objects = self.locked();
        let placed = objects.by_path.get(path).and_then(|kept| kept.stamp.as_ref());
        if let (Some(mine), Some(placed)) = (&stamp, placed)
            && mine.is_older_than(placed)
        {
            return Ok(Stored::NewerInPlace);
        }
        let stamp = stamp.map(|s| Stamp { hash: blake3::hash(&bytes).to_hex().to_string(), ..s });
        let written = objects.writes.fetch_add(1, Ordering::Relaxed) + 1;
        let kept = Kept { bytes, stamp, written };
        objects.by_path.insert(path.to_owned(), kept);
        Ok(Stored::Kept)
    }

    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        check("remove", path)?;
        self.locked().by_path.remove(path);
        Ok(())
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        let mut from = Bound::Included(prefix.to_owned());
        loop {
            let mut part = Page::default();
            let mut last = None;
            for (path, kept) in self.locked().by_path.range((from, Bound::Unbounded)).take(PAGE) {
                if !path.starts_with(prefix) {
                    break;
                }
                part.push_dated("", path, None, Dates { written: kept.written, arrived: kept.written });
                last = Some(path.clone());
            }
            let Some(last) = last else { return Ok(()) };
            if !page(&part) {
                return Ok(());
            }
            from = Bound::Excluded(last);
        }
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }
}
