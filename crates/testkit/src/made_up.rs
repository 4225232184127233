//! A store that makes up its listing: catalogues of any size, without the objects. What is written to it is kept in memory.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use euterpe_actors::storage::{
    Content, Dates, KeepAlive, Object, ObjectInfo, Page, Stamp, Storage, StorageError, Stored, memory::MemoryStorage,
};

/// How many paths a page of a listing holds.
const PAGE: u64 = 1000;

/// Objects of one kind, numbered in seven digits.
#[derive(Clone, Copy, Debug)]
pub struct MadeUp {
    /// What stands before the number in their paths.
    pub before: &'static str,
    /// What stands behind it.
    pub behind: &'static str,
    /// How many there would be.
    pub many: u64,
    /// Those of these numbers are not there.
    pub lacks: fn(u64) -> bool,
    /// When they were written, in nanoseconds after the Unix epoch.
    pub written: u64,
}

/// Each of them holds this.
const CONTENT: &[u8] = b"{}";

impl MadeUp {
    fn has(&self, path: &str) -> bool {
        let digits = path.strip_prefix(self.before).and_then(|rest| rest.strip_suffix(self.behind));
        let number = digits.filter(|digits| digits.len() == 7).and_then(|digits| digits.parse::<u64>().ok());
        number.is_some_and(|number| number < self.many && !(self.lacks)(number))
    }

    fn info(&self) -> ObjectInfo {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_nanos(self.written);
        ObjectInfo { modified: Some(modified), arrived: Some(modified), ..ObjectInfo::of_size(CONTENT.len() as u64) }
    }
}

/// A store that makes up its listing.
#[derive(Debug, Default)]
pub struct MadeUpStorage {
    kinds: Vec<MadeUp>,
    written: MemoryStorage,
    looks: AtomicU64,
}

impl MadeUpStorage {
    /// With objects of these kinds.
    pub fn of(kinds: Vec<MadeUp>) -> Self {
        Self { kinds, ..Self::default() }
    }

    /// How often it was looked whether an object is there.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    fn kind_of(&self, path: &str) -> Option<&MadeUp> {
        self.kinds.iter().find(|kind| kind.has(path))
    }
}

#[async_trait]
impl Storage for MadeUpStorage {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        match self.written.look(path).await? {
            Some(found) => Ok(Some(found)),
            None => Ok(self.kind_of(path).map(MadeUp::info)),
        }
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        match self.kind_of(path) {
            Some(kind) => {
                let content = Content::Bytes(bytes::Bytes::from_static(CONTENT));
                Ok(Object { info: kind.info(), content, keep_alive: KeepAlive::default() })
            }
            None => self.written.open(path).await,
        }
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        self.written.store(path, content, stamp).await
    }

    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.written.remove(path).await
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        let mut name = String::new();
        for kind in self.kinds.iter().filter(|kind| kind.before.starts_with(prefix)) {
            let dates = Dates { written: kind.written, arrived: kind.written };
            for first in (0..kind.many).step_by(PAGE as usize) {
                let mut part = Page::with_room_for(PAGE as usize);
                for number in (first..kind.many.min(first + PAGE)).filter(|number| !(kind.lacks)(*number)) {
                    name.clear();
                    write!(name, "{number:07}{}", kind.behind).expect("writing to a string");
                    part.push_dated(kind.before, &name, None, dates);
                }
                if !page(&part) {
                    return Ok(());
                }
            }
        }
        self.written.list(prefix, page).await
    }

    fn place(&self) -> String {
        "made up".to_owned()
    }
}
