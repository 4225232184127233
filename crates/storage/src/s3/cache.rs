//! Keeps objects on this machine, small ones in memory and others as files, up to a bound of bytes each; what was not read
//! for the longest goes first.
//!
//! To make a file costs some file systems more than to send and fetch a small object does (`cargo bench --bench s3 -- kept`).

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::OwnedMutexGuard;

use super::cached::{Cached, Place};

/// At most so many of a kind are kept, so that what is remembered of them stays within some MiB.
const MOST_COPIES: usize = 16_384;

/// Up to how many bytes an object is kept in memory.
const SMALL: u64 = 1 << 20;

/// From how many bytes on an object that nobody has read gets a file when its memory is needed; a smaller one is fetched in the
/// time in which it is asked for whether the copy is still good.
const WORTH_A_FILE: u64 = 64 << 10;

/// How much memory keeps small objects at the most. It is a quarter of a cache that is not four times as large.
const MEMORY: u64 = 64 << 20;

/// Objects that were made or downloaded by this process, kept for who reads them next. Its copies are one cache.
///
/// A file in use stays until its reader is done, also where the cache has let go of it. All files go with the process.
#[derive(Clone, Debug)]
pub struct Cache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    small: Shelf,
    files: Shelf,
    turns: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    spared: AtomicU64,
}

/// Copies of one kind.
#[derive(Debug)]
struct Shelf {
    most: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    copies: HashMap<String, Lying>,
    /// When each was last read, the longest ago first.
    order: BTreeMap<u64, String>,
    bytes: u64,
    readings: u64,
}

#[derive(Debug)]
struct Lying {
    /// The number of the last reading, or of when it was laid there.
    at: u64,
    was_read: bool,
    copy: Arc<Cached>,
}

/// Keeps others from fetching the same object meanwhile.
pub(super) type Turn = OwnedMutexGuard<()>;

impl Cache {
    /// A cache of at most so many bytes.
    pub fn of(most: u64) -> Self {
        let memory = MEMORY.min(most / 4);
        let [small, files] = [memory, most - memory].map(|most| Shelf { most, kept: Mutex::default() });
        Self(Arc::new(Shared { small, files, turns: Mutex::default(), spared: AtomicU64::new(0) }))
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
        (1..=self.0.files.most).contains(&size)
    }

    /// Whether an object of this size is kept in memory, if its bytes are there.
    pub(super) fn is_small(&self, size: u64) -> bool {
        size <= SMALL.min(self.0.small.most)
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
    pub(super) fn find(&self, name: &str) -> Option<Arc<Cached>> {
        self.0.small.find(name).or_else(|| self.0.files.find(name))
    }

    /// Whether there is a copy of a name, which is not read hereby.
    pub(super) fn has(&self, name: &str) -> bool {
        [&self.0.small, &self.0.files].iter().any(|shelf| shelf.kept().copies.contains_key(name))
    }

    /// Keeps a copy under a name instead of what was there, and lets go of what was not read for the longest.
    ///
    /// Returns what had to leave the memory unread and is worth a file, with its name.
    pub(super) fn keep(&self, name: &str, copy: Arc<Cached>) -> Vec<(String, Arc<Cached>)> {
        if !self.takes(copy.size) {
            return Vec::new();
        }
        let (shelf, other) = match copy.place {
            Place::Memory(_) => (&self.0.small, &self.0.files),
            Place::File(..) => (&self.0.files, &self.0.small),
        };
        other.remove(name, |_| true);
        let mut gone = shelf.keep(name, copy);
        gone.retain(|(_, gone)| !gone.was_read && gone.copy.size >= WORTH_A_FILE);
        gone.retain(|(_, gone)| matches!(gone.copy.place, Place::Memory(_)));
        gone.into_iter().map(|(name, gone)| (name, gone.copy)).collect()
    }

    /// Lets go of a copy, unless another one has taken its place.
    pub(super) fn forget(&self, name: &str, copy: &Arc<Cached>) {
        for shelf in [&self.0.small, &self.0.files] {
            shelf.remove(name, |kept| Arc::ptr_eq(kept, copy));
        }
    }

    /// Lets go of whatever lies under a name.
    pub(super) fn forget_all(&self, name: &str) {
        for shelf in [&self.0.small, &self.0.files] {
            shelf.remove(name, |_| true);
        }
    }

    /// Lets go of all files; how many bytes that were.
    pub(super) fn clear_disk(&self) -> u64 {
        std::mem::take(&mut *self.0.files.kept()).bytes
    }
}

impl Shelf {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, name: &str) -> Option<Arc<Cached>> {
        let mut kept = self.kept();
        kept.readings += 1;
        let now = kept.readings;
        let lying = kept.copies.get_mut(name)?;
        lying.was_read = true;
        let (before, copy) = (std::mem::replace(&mut lying.at, now), lying.copy.clone());
        let name = kept.order.remove(&before)?;
        kept.order.insert(now, name);
        Some(copy)
    }

    /// Keeps a copy; what had to go for it.
    fn keep(&self, name: &str, copy: Arc<Cached>) -> Vec<(String, Lying)> {
        let mut kept = self.kept();
        let _former = kept.remove(name); // a file of it is removed after the lock is free
        let mut gone = Vec::new();
        while kept.bytes + copy.size > self.most || kept.copies.len() >= MOST_COPIES {
            let Some((_, oldest)) = kept.order.first_key_value() else { break };
            let oldest = oldest.clone();
            gone.extend(kept.remove(&oldest).map(|lying| (oldest, lying)));
        }
        kept.readings += 1;
        let at = kept.readings;
        kept.bytes += copy.size;
        kept.order.insert(at, name.to_owned());
        kept.copies.insert(name.to_owned(), Lying { at, was_read: false, copy });
        drop(kept);
        gone
    }

    /// Removes what lies under a name, if it is what is meant. A file of it goes after the lock is free.
    fn remove(&self, name: &str, is_meant: impl Fn(&Arc<Cached>) -> bool) -> Option<Lying> {
        let mut kept = self.kept();
        match kept.copies.get(name).is_some_and(|lying| is_meant(&lying.copy)) {
            true => kept.remove(name),
            false => None,
        }
    }
}

impl Kept {
    fn remove(&mut self, name: &str) -> Option<Lying> {
        let lying = self.copies.remove(name)?;
        self.order.remove(&lying.at);
        self.bytes -= lying.copy.size;
        Some(lying)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use euterpe_actors::storage::Content;

    use super::super::downloaded::{Downloaded, Print};
    use super::*;

    fn copy(folder: &tempfile::TempDir, size: usize) -> Arc<Cached> {
        let file = Downloaded::of_bytes(folder.path(), "k", &vec![7; size]).expect("written");
        let print = Print::of(file.path()).expect("there");
        of(size, Place::File(file, print))
    }

    fn in_memory(size: usize) -> Arc<Cached> {
        of(size, Place::Memory(Bytes::from(vec![7; size])))
    }

    fn of(size: usize, place: Place) -> Arc<Cached> {
        Arc::new(Cached { etag: "e".into(), hash: None, size: size as u64, place })
    }

    fn files(folder: &tempfile::TempDir) -> usize {
        std::fs::read_dir(folder.path()).expect("a folder").count()
    }

    /// Of 100 bytes for files and 33 for memory.
    fn cache() -> (tempfile::TempDir, Cache) {
        (tempfile::tempdir().expect("a folder"), Cache::of(133))
    }

    #[test]
    fn what_was_not_read_for_the_longest_goes_first_and_the_bound_holds() {
        let (folder, cache) = cache();
        for name in ["a", "b", "c"] {
            assert!(cache.keep(name, copy(&folder, 30)).is_empty());
        }
        assert!(cache.find("a").is_some());
        assert!(cache.has("b") && !cache.has("d"), "to ask whether it is there is no reading");
        cache.keep("d", copy(&folder, 40)); // of a and b and c, b is the one that was not read for the longest
        assert!(cache.find("b").is_none() && ["a", "c", "d"].iter().all(|name| cache.find(name).is_some()));
        assert_eq!((cache.0.files.kept().bytes, files(&folder)), (100, 3));
        cache.keep("d", copy(&folder, 10)); // instead of the former
        assert_eq!((cache.0.files.kept().bytes, files(&folder)), (70, 3));
        cache.keep("e", copy(&folder, 101));
        assert!(cache.find("e").is_none() && cache.find("a").is_some(), "too large to be kept");
        cache.keep("f", in_memory(20));
        assert_eq!(cache.clear_disk(), 70);
        assert_eq!(files(&folder), 0, "files of nobody stayed");
        assert!(cache.find("f").is_some(), "memory makes no room on a disk");
    }

    #[test]
    fn memory_has_a_bound_of_its_own_and_a_name_has_one_copy() {
        let (folder, cache) = cache();
        assert!(cache.is_small(33) && !cache.is_small(34) && cache.takes(34));
        for name in ["a", "b", "c", "d"] {
            assert!(cache.keep(name, in_memory(11)).is_empty());
        }
        assert!(cache.find("a").is_none() && ["b", "c", "d"].iter().all(|name| cache.find(name).is_some()));
        cache.keep("b", copy(&folder, 50));
        assert_eq!((cache.0.small.kept().bytes, cache.0.files.kept().bytes), (22, 50));
        cache.keep("b", in_memory(5));
        assert_eq!((cache.0.small.kept().bytes, cache.0.files.kept().bytes, files(&folder)), (27, 0, 0));
        cache.forget_all("b");
        assert!(cache.find("b").is_none());
    }

    #[test]
    fn what_leaves_the_memory_unread_is_worth_a_file_unless_it_is_tiny() {
        let cache = Cache::of(400 << 10); // of which a quarter is memory
        assert!(cache.keep("read", in_memory(70_000)).is_empty());
        assert!(cache.find("read").is_some());
        assert!(cache.keep("unread", in_memory(70_000)).is_empty(), "what was read went");
        let gone = cache.keep("tiny", in_memory(60_000));
        assert_eq!(
            gone.iter().map(|(name, copy)| (name.as_str(), copy.size)).collect::<Vec<_>>(),
            [("unread", 70_000)]
        );
        assert!(cache.keep("other", in_memory(70_000)).is_empty(), "it is fetched as quickly");
    }

    #[test]
    fn a_file_in_use_stays_until_its_reader_is_done() {
        let (folder, cache) = cache();
        cache.keep("a", copy(&folder, 60));
        let read = cache.find("a").expect("kept");
        cache.keep("b", copy(&folder, 60));
        let Content::File(path) = read.content() else { panic!("not a file") };
        assert!(cache.find("a").is_none() && path.exists());
        drop(read);
        assert_eq!(files(&folder), 1);
    }

    #[test]
    fn a_newer_copy_is_not_forgotten_with_the_older_one() {
        let (folder, cache) = cache();
        cache.keep("a", copy(&folder, 1));
        let older = cache.find("a").expect("kept");
        cache.keep("a", copy(&folder, 2));
        cache.forget("a", &older);
        assert_eq!(cache.find("a").expect("kept").size, 2);
    }
}
