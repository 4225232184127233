//! Remembers which objects lie here as files, up to a bound of bytes; what was not read for the longest goes first.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::OwnedMutexGuard;

use super::downloaded::{Downloaded, Print};

/// At most so many files are kept, so that what is remembered of them stays within some MiB.
const MOST_FILES: usize = 16_384;

/// Objects that were made or downloaded by this process, kept for who reads them next. Its copies are one cache.
///
/// A file in use stays until its reader is done, also where the cache has let go of it. All files go with the process.
#[derive(Clone, Debug)]
pub struct Cache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: u64,
    kept: Mutex<Kept>,
    turns: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    spared: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    copies: HashMap<String, (u64, Arc<Copy>)>,
    /// When each was last read, the longest ago first.
    order: BTreeMap<u64, String>,
    bytes: u64,
    readings: u64,
}

/// One version of an object, as a file.
#[derive(Debug)]
pub(super) struct Copy {
    pub etag: String,
    /// BLAKE3 of the content, where it is known.
    pub hash: Option<String>,
    pub size: u64,
    pub file: Downloaded,
    pub print: Print,
}

/// Keeps others from fetching the same object meanwhile.
pub(super) type Turn = OwnedMutexGuard<()>;

impl Cache {
    /// A cache of at most so many bytes.
    pub fn of(most: u64) -> Self {
        let (kept, turns, spared) = (Mutex::default(), Mutex::default(), AtomicU64::new(0));
        Self(Arc::new(Shared { most, kept, turns, spared }))
    }

    /// How many bytes were read here instead of being downloaded.
    pub fn spared(&self) -> u64 {
        self.0.spared.load(Ordering::Relaxed)
    }

    /// An object was read here.
    pub(super) fn count(&self, size: u64) {
        self.0.spared.fetch_add(size, Ordering::Relaxed);
    }

    /// Whether an object of this size is kept at all.
    pub(super) fn takes(&self, size: u64) -> bool {
        (1..=self.0.most).contains(&size)
    }

    /// Waits until nobody else fetches the object of this name.
    pub(super) async fn turn(&self, name: &str) -> Turn {
        let turn = {
            let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() > 1024 {
                turns.retain(|_, turn| turn.strong_count() > 0);
            }
            let known = turns.get(name).and_then(Weak::upgrade);
            let turn = known.unwrap_or_default();
            turns.insert(name.to_owned(), Arc::downgrade(&turn));
            turn
        };
        turn.lock_owned().await
    }

    /// The copy of a name, which is hereby read.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Copy>> {
        let mut kept = self.kept();
        kept.readings += 1;
        let now = kept.readings;
        let (read, copy) = kept.copies.get_mut(name)?;
        let (before, copy) = (std::mem::replace(read, now), copy.clone());
        let name = kept.order.remove(&before)?;
        kept.order.insert(now, name);
        Some(copy)
    }

    /// Keeps a copy under a name instead of what was there, and lets go of what was not read for the longest.
    pub(super) fn keep(&self, name: &str, copy: Arc<Copy>) {
        if !self.takes(copy.size) {
            return;
        }
        let mut gone = Vec::new(); // files are removed after the lock is free
        let mut kept = self.kept();
        gone.extend(kept.remove(name));
        while kept.bytes + copy.size > self.0.most || kept.copies.len() >= MOST_FILES {
            let Some((_, oldest)) = kept.order.first_key_value() else { break };
            let oldest = oldest.clone();
            gone.extend(kept.remove(&oldest));
        }
        kept.readings += 1;
        let now = kept.readings;
        kept.bytes += copy.size;
        kept.order.insert(now, name.to_owned());
        kept.copies.insert(name.to_owned(), (now, copy));
        drop(kept);
    }

    /// Lets go of a copy, unless another one has taken its place.
    pub(super) fn forget(&self, name: &str, copy: &Arc<Copy>) {
        let mut kept = self.kept();
        if kept.copies.get(name).is_some_and(|(_, kept)| Arc::ptr_eq(kept, copy)) {
            kept.remove(name);
        }
    }

    /// Lets go of whatever lies under a name.
    pub(super) fn forget_all(&self, name: &str) {
        self.kept().remove(name);
    }

    /// Lets go of everything; how many bytes that were.
    pub(super) fn clear(&self) -> u64 {
        std::mem::take(&mut *self.kept()).bytes
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remove(&mut self, name: &str) -> Option<Arc<Copy>> {
        let (read, copy) = self.copies.remove(name)?;
        self.order.remove(&read);
        self.bytes -= copy.size;
        Some(copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(folder: &tempfile::TempDir, size: usize) -> Arc<Copy> {
        let file = Downloaded::of_bytes(folder.path(), "k", &vec![7; size]).expect("written");
        let print = Print::of(file.path()).expect("there");
        Arc::new(Copy { etag: "e".into(), hash: None, size: size as u64, file, print })
    }

    fn files(folder: &tempfile::TempDir) -> usize {
        std::fs::read_dir(folder.path()).expect("a folder").count()
    }

    #[test]
    fn what_was_not_read_for_the_longest_goes_first_and_the_bound_holds() {
        let (folder, cache) = (tempfile::tempdir().expect("a folder"), Cache::of(100));
        ["a", "b", "c"].iter().for_each(|name| cache.keep(name, copy(&folder, 30)));
        assert!(cache.find("a").is_some());
        cache.keep("d", copy(&folder, 40)); // of a and b and c, b is the one that was not read for the longest
        assert!(cache.find("b").is_none() && ["a", "c", "d"].iter().all(|name| cache.find(name).is_some()));
        assert_eq!((cache.kept().bytes, files(&folder)), (100, 3));
        cache.keep("d", copy(&folder, 10)); // instead of the former
        assert_eq!((cache.kept().bytes, files(&folder)), (70, 3));
        cache.keep("e", copy(&folder, 101));
        assert!(cache.find("e").is_none() && cache.find("a").is_some(), "too large to be kept");
        assert_eq!(cache.clear(), 70);
        assert_eq!(files(&folder), 0, "files of nobody stayed");
    }

    #[test]
    fn a_file_in_use_stays_until_its_reader_is_done() {
        let (folder, cache) = (tempfile::tempdir().expect("a folder"), Cache::of(100));
        cache.keep("a", copy(&folder, 60));
        let read = cache.find("a").expect("kept");
        cache.keep("b", copy(&folder, 60));
        assert!(cache.find("a").is_none() && read.file.path().exists());
        drop(read);
        assert_eq!(files(&folder), 1);
    }

    #[test]
    fn a_newer_copy_is_not_forgotten_with_the_older_one() {
        let (folder, cache) = (tempfile::tempdir().expect("a folder"), Cache::of(100));
        cache.keep("a", copy(&folder, 1));
        let older = cache.find("a").expect("kept");
        cache.keep("a", copy(&folder, 2));
        cache.forget("a", &older);
        assert_eq!(cache.find("a").expect("kept").size, 2);
    }
}
