//! Whether what is found under a path has just this name: the names of folders, remembered as long as the folders stay as
//! they are.
//!
//! Where `T` and `t` are one name, or the composed and the decomposed form of one, that something is found says nothing of
//! its name. Only the names of the folder do, and reading them for each of its files would take the square of their number.

use std::{
    collections::{HashMap, HashSet},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use euterpe_actors::ids::normal_form;
use euterpe_actors::memory::Fingerprint;
use rustix::fs::{OFlags, RawDir};
use rustix::io::Errno;

use super::error::LocalError;
use super::root::Root;

/// Of how many folders names are remembered.
const FOLDERS: usize = 16;
/// For how long a name that was read counts as there although the folder has changed. Outputs are written while it is asked
/// after others, and only somebody who renames `T` to `t` in this time could make the answer wrong.
const FRESH: Duration = Duration::from_secs(60);
/// How long before it was read a folder must have changed last for its time to tell of later changes: FAT counts in steps of
/// two seconds.
const SETTLED: Duration = Duration::from_secs(3);

/// What counts as the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// The same bytes.
    Exact,
    /// The same normal form: a file system that composes names or decomposes them does not rename.
    Form,
}

/// The names of folders that were asked for.
#[derive(Debug, Default)]
pub(super) struct FolderNames {
    known: Mutex<HashMap<String, Names>>,
    /// How many folders were read.
    #[cfg(test)]
    reads: std::sync::atomic::AtomicUsize,
}

/// The names of a folder as they were read.
#[derive(Debug)]
struct Names {
    version: Version,
    /// Whether a folder of this version still has just these names.
    is_settled: bool,
    read: Instant,
    names: HashSet<Fingerprint>,
}

/// Device, number and times of a folder: another one, or one with other names, has others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version([i128; 4]);

/// A second in nanoseconds.
const SECOND: i128 = 1_000_000_000;

impl FolderNames {
    /// Whether what is found at `path` has this name, in every segment.
    pub(super) fn has(&self, root: &Root, path: &str, spelling: Spelling) -> Result<bool, LocalError> {
        let mut folder = String::from(".");
        for name in path.split('/') {
            if !self.has_name(root, &folder, name, spelling)? {
                return Ok(false);
            }
            folder = format!("{folder}/{name}");
        }
        Ok(true)
    }

    /// Forgets a name that was removed.
    pub(super) fn removed(&self, path: &str) {
        let (folder, name) = path.rsplit_once('/').map_or((".".to_owned(), path), |(f, n)| (format!("./{f}"), n));
        if let Some(names) = self.locked().get_mut(&folder) {
            names.names.remove(&written(name));
            names.names.remove(&formed(&normal_form(name)));
        }
    }

    fn has_name(&self, root: &Root, folder: &str, name: &str, spelling: Spelling) -> Result<bool, LocalError> {
        let Some(opened) = open(root, folder)? else { return Ok(false) };
        let version = Version::of(&opened)?;
        let mut known = self.locked();
        if let Some(names) = known.get(folder) {
            let has = names.has(name, spelling);
            let is_now = names.is_settled && names.version == version;
            if is_now || (has && names.read.elapsed() < FRESH) {
                return Ok(has);
            }
        }
        let names = Names::read(&opened, version)?;
        #[cfg(test)]
        self.reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let has = names.has(name, spelling);
        if known.len() >= FOLDERS {
            known.clear();
        }
        known.insert(folder.to_owned(), names);
        Ok(has)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, Names>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Names {
    fn read(folder: &OwnedFd, version: Version) -> Result<Self, LocalError> {
        let (read, now) = (Instant::now(), SystemTime::now());
        let since = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i128);
        let mut names = HashSet::new();
        each(folder, |name| {
            // What is not UTF-8 is no path that anybody could ask after.
            if let Ok(name) = std::str::from_utf8(name) {
                names.insert(written(name));
                if !name.is_ascii() {
                    names.insert(formed(&normal_form(name)));
                }
            }
            true
        })?;
        Ok(Self { version, is_settled: version.modified() + (SETTLED.as_nanos() as i128) < since, read, names })
    }

    fn has(&self, name: &str, spelling: Spelling) -> bool {
        if self.names.contains(&written(name)) {
            return true;
        }
        let normal = normal_form(name);
        let is_alike = || self.names.contains(&written(&normal)) || self.names.contains(&formed(&normal));
        spelling == Spelling::Form && !name.is_ascii() && is_alike()
    }
}

impl Version {
    fn of(folder: &OwnedFd) -> Result<Self, LocalError> {
        let stat = rustix::fs::fstat(folder)?;
        let modified = i128::from(stat.st_mtime) * SECOND + i128::from(stat.st_mtime_nsec);
        let changed = i128::from(stat.st_ctime) * SECOND + i128::from(stat.st_ctime_nsec);
        Ok(Self([stat.st_dev.into(), stat.st_ino.into(), modified, changed]))
    }

    /// When its names changed last, in nanoseconds after the Unix epoch by the file system's clock.
    fn modified(&self) -> i128 {
        self.0[2]
    }
}

fn written(name: &str) -> Fingerprint {
    Fingerprint::of("written", name)
}

fn formed(normal: &str) -> Fingerprint {
    Fingerprint::of("normal form", normal)
}

fn open(root: &Root, folder: &str) -> Result<Option<OwnedFd>, LocalError> {
    match root.open_below(folder, OFlags::RDONLY | OFlags::DIRECTORY) {
        Err(LocalError::Io(error)) if matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::NOTDIR)) => {
            Ok(None)
        }
        folder => folder.map(Some),
    }
}

/// Calls `each` with the names in the folder at `path` until it returns false.
pub(super) fn each_name(root: &Root, path: &str, each_one: impl FnMut(&[u8]) -> bool) -> Result<(), LocalError> {
    match open(root, path)? {
        Some(folder) => each(&folder, each_one),
        None => Ok(()),
    }
}

fn each(folder: &OwnedFd, mut each: impl FnMut(&[u8]) -> bool) -> Result<(), LocalError> {
    let mut room = vec![MaybeUninit::uninit(); 32 << 10];
    let mut entries = RawDir::new(folder.as_fd(), &mut room);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") && !each(name) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, sync::atomic::Ordering};

    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

    use super::*;

    /// As if the folder had changed last at this time, in seconds after the Unix epoch.
    fn date(folder: &Path, tv_sec: i64) {
        let time = Timespec { tv_sec, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::utimensat(CWD, folder, &times, AtFlags::empty()).expect("dated");
    }

    #[test]
    fn a_path_is_named_as_each_of_its_segments_is() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("A")).expect("made");
        for name in ["x", "e\u{301}"] {
            fs::write(folder.path().join("A").join(name), "").expect("written");
        }
        let root = Root::open(folder.path(), false).expect("opened");
        let names = FolderNames::default();
        for (path, form, exact) in [
            ("A/x", true, true),
            ("A", true, true),
            ("a/x", false, false),
            ("A/X", false, false),
            ("A/x/y", false, false),
            ("A/e\u{301}", true, true),
            ("A/\u{e9}", true, false),
        ] {
            assert_eq!(names.has(&root, path, Spelling::Form).expect("read"), form, "{path}");
            assert_eq!(names.has(&root, path, Spelling::Exact).expect("read"), exact, "{path}");
        }
    }

    #[test]
    fn a_folder_is_read_once_for_all_of_its_names_and_again_when_it_has_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        for at in 0..200 {
            fs::write(folder.path().join(format!("t-{at}")), "").expect("written");
        }
        let root = Root::open(folder.path(), false).expect("opened");
        let names = FolderNames::default();
        let has = |name: &str| names.has(&root, name, Spelling::Form).expect("read");
        let reads = || names.reads.load(Ordering::Relaxed);
        date(folder.path(), 1_000_000_000);
        assert!((0..200).all(|at| has(&format!("t-{at}")) && !has(&format!("T-{at}"))));
        assert_eq!(reads(), 1);
        // Outputs that are written meanwhile do not make it read again for those that were there.
        fs::write(folder.path().join("T-1"), "").expect("written");
        assert!(has("t-1") && reads() == 1);
        assert!(has("T-1") && reads() == 2);
        // What has just changed may change again within the same tick of the clock, so that it is not there is read anew.
        assert!(!has("T-2") && !has("T-2") && reads() == 4);
        names.removed("t-1");
        assert!(has("t-1") && reads() == 5, "it is there again, or still");
    }
}
