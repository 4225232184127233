//! A cache of objects on this machine, in two tiers: small ones in memory, others as files. Each tier has a bound of bytes;
//! the least recently read copy leaves first.
//!
//! Small objects are in memory because some file systems take longer to make a file than a server takes to send a small
//! object (`cargo bench --bench s3 -- kept`).

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::OwnedMutexGuard;

use super::cache_usage::CacheUsage;
use super::cached_copy::{CachedCopy, CopyBytes};

/// The most copies of a tier, so that the entries themselves stay within some MiB.
const MOST_COPIES: usize = 16_384;

/// Up to how many bytes an object is kept in memory.
const SMALL: u64 = 1 << 20;

/// From how many bytes on an unread object gets a file when its memory is needed. To fetch a smaller one takes no longer than
/// to ask whether its copy is still good.
const WORTH_A_FILE: u64 = 64 << 10;

/// The most bytes of the memory tier; in a small cache it is a quarter of all bytes.
const MEMORY: u64 = 64 << 20;

/// A cache of objects that this process wrote or downloaded. A clone is the same cache.
///
/// A file in use stays until its reader is done, even if it has left the cache. All files are removed with the process.
#[derive(Clone, Debug)]
pub struct Cache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    small: Tier,
    files: Tier,
    fetches: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    spared: AtomicU64,
    hits: AtomicU64,
}

/// The copies in memory, or the copies in files.
#[derive(Debug)]
struct Tier {
    most: u64,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    copies: HashMap<String, Entry>,
    /// The names in the order of their last readings.
    order: BTreeMap<u64, String>,
    bytes: u64,
    readings: u64,
}

#[derive(Debug)]
struct Entry {
    /// The number of the last reading, or of the insertion.
    at: u64,
    was_read: bool,
    copy: Arc<CachedCopy>,
}

/// Keeps other tasks from fetching the same object meanwhile.
pub(super) type FetchLock = OwnedMutexGuard<()>;

impl Cache {
    /// A cache of at most `most` bytes.
    pub fn of(most: u64) -> Self {
        let memory = MEMORY.min(most / 4);
        let [small, files] = [memory, most - memory].map(|most| Tier { most, entries: Mutex::default() });
        Self(Arc::new(Shared {
            small,
            files,
            fetches: Mutex::default(),
            spared: AtomicU64::new(0),
            hits: AtomicU64::new(0),
        }))
    }

    /// How many bytes were read from the cache instead of being downloaded.
    pub fn spared(&self) -> u64 {
        self.0.spared.load(Ordering::Relaxed)
    }

    /// How it is used.
    pub fn usage(&self) -> CacheUsage {
        let (spared, hits) = (self.spared(), self.0.hits.load(Ordering::Relaxed));
        let mut usage = CacheUsage { spared, hits, ..CacheUsage::default() };
        for tier in [&self.0.small, &self.0.files] {
            let entries = tier.entries();
            usage.entries += entries.copies.len() as u64;
            usage.bytes += entries.bytes;
        }
        usage
    }

    /// Counts an object that was read from the cache.
    pub(super) fn count_hit(&self, size: u64) {
        self.0.spared.fetch_add(size, Ordering::Relaxed);
        self.0.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether an object of this size is cached at all.
    pub(super) fn takes(&self, size: u64) -> bool {
        (1..=self.0.files.most).contains(&size)
    }

    /// Whether an object of this size belongs into memory.
    pub(super) fn is_small(&self, size: u64) -> bool {
        size <= SMALL.min(self.0.small.most)
    }

    /// Waits until no other task fetches the object of this name.
    pub(super) async fn lock_fetch(&self, name: &str) -> FetchLock {
        let lock = {
            let mut fetches = self.0.fetches.lock().unwrap_or_else(PoisonError::into_inner);
            if fetches.len() > 1024 {
                fetches.retain(|_, lock| lock.strong_count() > 0);
            }
            let known = fetches.get(name).and_then(Weak::upgrade);
            let lock = known.unwrap_or_default();
            fetches.insert(name.to_owned(), Arc::downgrade(&lock));
            lock
        };
        lock.lock_owned().await
    }

    /// The copy of a name; counts as a reading.
    pub(super) fn find(&self, name: &str) -> Option<Arc<CachedCopy>> {
        self.0.small.find(name).or_else(|| self.0.files.find(name))
    }

    /// Whether there is a copy of a name; does not count as a reading.
    pub(super) fn has(&self, name: &str) -> bool {
        [&self.0.small, &self.0.files].iter().any(|tier| tier.entries().copies.contains_key(name))
    }

    /// Puts a copy under a name in place of an earlier one; the least recently read copies leave.
    ///
    /// Returns those that leave the memory unread and are worth a file, with their names.
    pub(super) fn insert(&self, name: &str, copy: Arc<CachedCopy>) -> Vec<(String, Arc<CachedCopy>)> {
        if !self.takes(copy.size) {
            return Vec::new();
        }
        let (tier, other) = match copy.bytes {
            CopyBytes::Memory(_) => (&self.0.small, &self.0.files),
            CopyBytes::File(..) => (&self.0.files, &self.0.small),
        };
        other.remove(name, |_| true);
        let mut gone = tier.insert(name, copy);
        gone.retain(|(_, gone)| !gone.was_read && gone.copy.size >= WORTH_A_FILE);
        gone.retain(|(_, gone)| matches!(gone.copy.bytes, CopyBytes::Memory(_)));
        gone.into_iter().map(|(name, gone)| (name, gone.copy)).collect()
    }

    /// Removes a copy, unless another one has taken its place.
    pub(super) fn remove_copy(&self, name: &str, copy: &Arc<CachedCopy>) {
        for tier in [&self.0.small, &self.0.files] {
            tier.remove(name, |kept| Arc::ptr_eq(kept, copy));
        }
    }

    /// Removes the copy of a name.
    pub(super) fn remove(&self, name: &str) {
        for tier in [&self.0.small, &self.0.files] {
            tier.remove(name, |_| true);
        }
    }

    /// Removes all copies in files; returns their bytes.
    pub(super) fn clear_files(&self) -> u64 {
        std::mem::take(&mut *self.0.files.entries()).bytes
    }
}

impl Tier {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, name: &str) -> Option<Arc<CachedCopy>> {
        let mut entries = self.entries();
        entries.readings += 1;
        let now = entries.readings;
        let entry = entries.copies.get_mut(name)?;
        entry.was_read = true;
        let (before, copy) = (std::mem::replace(&mut entry.at, now), entry.copy.clone());
        let name = entries.order.remove(&before)?;
        entries.order.insert(now, name);
        Some(copy)
    }

    /// Adds a copy; returns the entries that left for it.
    fn insert(&self, name: &str, copy: Arc<CachedCopy>) -> Vec<(String, Entry)> {
        let mut entries = self.entries();
        let _former = entries.remove(name); // dropped, and so its file removed, after the lock is free
        let mut gone = Vec::new();
        while entries.bytes + copy.size > self.most || entries.copies.len() >= MOST_COPIES {
            let Some((_, oldest)) = entries.order.first_key_value() else { break };
            let oldest = oldest.clone();
            gone.extend(entries.remove(&oldest).map(|entry| (oldest, entry)));
        }
        entries.readings += 1;
        let at = entries.readings;
        entries.bytes += copy.size;
        entries.order.insert(at, name.to_owned());
        entries.copies.insert(name.to_owned(), Entry { at, was_read: false, copy });
        drop(entries);
        gone
    }

    /// Removes the entry of a name, if its copy is the one that is meant. The caller drops it after the lock is free.
    fn remove(&self, name: &str, is_meant: impl Fn(&Arc<CachedCopy>) -> bool) -> Option<Entry> {
        let mut entries = self.entries();
        match entries.copies.get(name).is_some_and(|entry| is_meant(&entry.copy)) {
            true => entries.remove(name),
            false => None,
        }
    }
}

impl Entries {
    fn remove(&mut self, name: &str) -> Option<Entry> {
        let entry = self.copies.remove(name)?;
        self.order.remove(&entry.at);
        self.bytes -= entry.copy.size;
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use euterpe_actors::storage::Content;

    use super::super::scratch_file::{Fingerprint, ScratchFile};
    use super::*;

    fn copy(folder: &tempfile::TempDir, size: usize) -> Arc<CachedCopy> {
        let file = ScratchFile::of_bytes(folder.path(), "k", &vec![7; size]).expect("written");
        let fingerprint = Fingerprint::of(file.path()).expect("there");
        of(size, CopyBytes::File(file, fingerprint))
    }

    fn in_memory(size: usize) -> Arc<CachedCopy> {
        of(size, CopyBytes::Memory(Bytes::from(vec![7; size])))
    }

    fn of(size: usize, bytes: CopyBytes) -> Arc<CachedCopy> {
        Arc::new(CachedCopy { etag: "e".into(), hash: None, size: size as u64, bytes })
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
            assert!(cache.insert(name, copy(&folder, 30)).is_empty());
        }
        assert!(cache.find("a").is_some());
        assert!(cache.has("b") && !cache.has("d"), "to ask whether it is there is no reading");
        cache.insert("d", copy(&folder, 40)); // of a and b and c, b is the one that was not read for the longest
        assert!(cache.find("b").is_none() && ["a", "c", "d"].iter().all(|name| cache.find(name).is_some()));
        assert_eq!((cache.0.files.entries().bytes, files(&folder)), (100, 3));
        cache.insert("d", copy(&folder, 10)); // instead of the former
        assert_eq!((cache.0.files.entries().bytes, files(&folder)), (70, 3));
        cache.insert("e", copy(&folder, 101));
        assert!(cache.find("e").is_none() && cache.find("a").is_some(), "too large to be kept");
        cache.insert("f", in_memory(20));
        assert_eq!(cache.clear_files(), 70);
        assert_eq!(files(&folder), 0, "files of nobody stayed");
        assert!(cache.find("f").is_some(), "memory makes no room on a disk");
    }

    #[test]
    fn memory_has_a_bound_of_its_own_and_a_name_has_one_copy() {
        let (folder, cache) = cache();
        assert!(cache.is_small(33) && !cache.is_small(34) && cache.takes(34));
        for name in ["a", "b", "c", "d"] {
            assert!(cache.insert(name, in_memory(11)).is_empty());
        }
        assert!(cache.find("a").is_none() && ["b", "c", "d"].iter().all(|name| cache.find(name).is_some()));
        cache.insert("b", copy(&folder, 50));
        assert_eq!((cache.0.small.entries().bytes, cache.0.files.entries().bytes), (22, 50));
        cache.insert("b", in_memory(5));
        assert_eq!((cache.0.small.entries().bytes, cache.0.files.entries().bytes, files(&folder)), (27, 0, 0));
        cache.remove("b");
        assert!(cache.find("b").is_none());
    }

    #[test]
    fn what_leaves_the_memory_unread_is_worth_a_file_unless_it_is_tiny() {
        let cache = Cache::of(400 << 10); // of which a quarter is memory
        assert!(cache.insert("read", in_memory(70_000)).is_empty());
        assert!(cache.find("read").is_some());
        assert!(cache.insert("unread", in_memory(70_000)).is_empty(), "what was read went");
        let gone = cache.insert("tiny", in_memory(60_000));
        assert_eq!(
            gone.iter().map(|(name, copy)| (name.as_str(), copy.size)).collect::<Vec<_>>(),
            [("unread", 70_000)]
        );
        assert!(cache.insert("other", in_memory(70_000)).is_empty(), "it is fetched as quickly");
    }

    #[test]
    fn a_file_in_use_stays_until_its_reader_is_done() {
        let (folder, cache) = cache();
        cache.insert("a", copy(&folder, 60));
        let read = cache.find("a").expect("kept");
        cache.insert("b", copy(&folder, 60));
        let Content::File(path) = read.content() else { panic!("not a file") };
        assert!(cache.find("a").is_none() && path.exists());
        drop(read);
        assert_eq!(files(&folder), 1);
    }

    #[test]
    fn a_newer_copy_is_not_forgotten_with_the_older_one() {
        let (folder, cache) = cache();
        cache.insert("a", copy(&folder, 1));
        let older = cache.find("a").expect("kept");
        cache.insert("a", copy(&folder, 2));
        cache.remove_copy("a", &older);
        assert_eq!(cache.find("a").expect("kept").size, 2);
    }
}
