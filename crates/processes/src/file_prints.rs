//! What tells at the cost of a look whether files are still those that were read: inode, size and times.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// A file system may give two changes the same time that are so many seconds apart.
const COARSE: i64 = 2;

/// The prints of some files, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePrints(Vec<FilePrint>);

/// What is other of a file after a change of its content, or when another lies in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FilePrint {
    device: u64,
    inode: u64,
    size: u64,
    /// In seconds and nanoseconds, as the next.
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file that cannot be looked at or read.
#[derive(Debug)]
pub(crate) struct Lost {
    pub(crate) file: PathBuf,
    pub(crate) error: io::Error,
}

impl Lost {
    pub(crate) fn of(file: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self { file: file.to_owned(), error }
    }
}

impl FilePrints {
    /// As the files are now.
    ///
    /// # Errors
    /// The first of them that is not there.
    pub(crate) fn of(files: &[PathBuf]) -> Result<Self, Lost> {
        let print = |file: &PathBuf| -> Result<FilePrint, Lost> {
            let found = fs::metadata(file).map_err(Lost::of(file))?;
            Ok(FilePrint {
                device: found.dev(),
                inode: found.ino(),
                size: found.size(),
                modified: (found.mtime(), found.mtime_nsec()),
                changed: (found.ctime(), found.ctime_nsec()),
            })
        };
        files.iter().map(print).collect::<Result<_, _>>().map(Self)
    }

    /// Whether they, taken at `taken`, would be others after any later change. A change in the moment before may have the
    /// same time as the next one.
    pub(crate) fn would_tell(&self, taken: SystemTime) -> bool {
        let taken = taken.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
        self.0.iter().all(|print| print.changed.0 < taken - COARSE)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_change_of_a_file_and_another_one_in_its_place_are_seen_and_a_file_that_is_gone_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tool");
        let now = || FilePrints::of(std::slice::from_ref(&file)).expect("it is there");
        fs::write(&file, "one").expect("written");
        let first = now();
        assert_eq!(now(), first);
        fs::write(&file, "other").expect("written");
        let second = now();
        assert_ne!(second, first);
        fs::write(folder.path().join("new"), "other").expect("written");
        fs::rename(folder.path().join("new"), &file).expect("renamed");
        assert_ne!(now(), second);
        fs::remove_file(&file).expect("removed");
        let lost = FilePrints::of(std::slice::from_ref(&file)).expect_err("gone");
        assert_eq!((lost.file, lost.error.kind()), (file, io::ErrorKind::NotFound));
    }

    #[test]
    fn prints_tell_only_once_the_last_change_is_older_than_the_times_of_a_file_system_are_coarse() {
        let print = FilePrint { device: 1, inode: 1, size: 1, modified: (0, 0), changed: (100, 0) };
        let prints = FilePrints(vec![print]);
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(!prints.would_tell(at(100)) && !prints.would_tell(at(102)) && prints.would_tell(at(103)));
        assert!(!prints.would_tell(at(50)), "the clock of the disk is ahead");
    }
}
