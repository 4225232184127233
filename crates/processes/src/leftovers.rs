//! The leftovers of dead processes in a state folder: found by locks that no process holds, weighed, removed.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::process_folder::{ALIVE, PREFIX, SCRATCH_FOLDER, own_prefix, remove, unless_gone};

/// The private folder of a process that died, or that may have died.
#[derive(Debug)]
pub struct Leftover {
    path: PathBuf,
    lock: Option<(PathBuf, File)>,
    /// Whether it was a process of this machine, whose locks can be relied on.
    pub of_this_machine: bool,
}

impl Leftover {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        measure(&self.path).0
    }

    /// How long ago something was last written there or into the file that its process had locked, by the clock of their file
    /// system: that may be another machine's, which is ahead of this one's or behind it.
    ///
    /// # Errors
    /// That clock cannot be read: no file can be written beside them.
    pub fn age(&self) -> io::Result<Duration> {
        // A process that only writes to stores makes no folder here, and notes in the locked file what it writes.
        let both = [Some(self.path.as_path()), self.lock()];
        let there: Vec<&Path> = both.into_iter().flatten().filter(|path| path.exists()).collect();
        let Some(beside) = there.first().and_then(|path| path.parent()) else { return Ok(Duration::MAX) };
        let written = there.iter().map(|path| measure(path).1).max().unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(file_system_time(beside)?.duration_since(written).unwrap_or_default())
    }

    /// The file that its process had locked, where there is one.
    pub fn lock(&self) -> Option<&Path> {
        self.lock.as_ref().map(|(path, _)| path.as_path())
    }

    /// Removes it.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        remove(&self.path).or_else(unless_gone)?;
        match self.lock {
            Some((lock, _locked)) => fs::remove_file(lock).or_else(unless_gone),
            None => Ok(()),
        }
    }
}

/// The leftovers of dead processes in a state folder. Folders beside theirs that belong to no process are listed as well; only their
/// age tells whether they are still in use.
///
/// # Errors
/// The folders cannot be read.
pub fn leftovers(state: &Path) -> io::Result<Vec<Leftover>> {
    let mut names = BTreeSet::new();
    for folder in [SCRATCH_FOLDER, ALIVE] {
        names.extend(names_in(&state.join(folder))?);
    }
    let mut left = Vec::new();
    for name in names {
        let path = state.join(SCRATCH_FOLDER).join(&name);
        if !name.starts_with(PREFIX) {
            left.push(Leftover { path, lock: None, of_this_machine: false });
            continue;
        }
        let lock = state.join(ALIVE).join(&name);
        let lock = match File::options().write(true).open(&lock) {
            Ok(file) => match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Some((lock, file)),
                Err(Errno::WOULDBLOCK) => continue, // its process lives
                Err(error) => return Err(error.into()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let of_this_machine = name.starts_with(&own_prefix());
        left.push(Leftover { path, lock, of_this_machine });
    }
    Ok(left)
}

/// Removes what dead processes of this machine left in a state folder; `before` sees each first, and keeps it where it fails.
/// Nothing depends on it, so trouble is only logged.
pub fn remove_leftovers(state: &Path, before: impl Fn(&Leftover) -> io::Result<()>) {
    let left = match leftovers(state) {
        Ok(left) => left,
        Err(error) => return tracing::debug!(%error, "could not read what dead processes left"),
    };
    for left in left.into_iter().filter(|left| left.of_this_machine) {
        if let Err(error) = before(&left).and_then(|()| left.remove()) {
            tracing::debug!(%error, "could not remove what a dead process left");
        }
    }
}

/// The time by the clock of a folder's file system: that of a file which is made now, and removed again.
fn file_system_time(folder: &Path) -> io::Result<SystemTime> {
    let path = folder.join(format!(".time-{}-{:x}", std::process::id(), rustix::thread::gettid().as_raw_nonzero()));
    let file = File::options().write(true).create_new(true).open(&path)?;
    fs::remove_file(&path).or_else(unless_gone)?;
    file.metadata()?.modified()
}

/// The bytes of all files below a path, and when the newest of them was written.
fn measure(path: &Path) -> (u64, SystemTime) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return (0, SystemTime::UNIX_EPOCH) };
    let own = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    if !metadata.is_dir() {
        return (metadata.len(), own);
    }
    let entries = names_in(path).unwrap_or_default();
    entries
        .iter()
        .map(|name| measure(&path.join(name)))
        .fold((0, own), |(bytes, newest), (more, written)| (bytes + more, newest.max(written)))
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process_folder::ProcessFolder;

    #[test]
    fn what_a_process_of_another_machine_left_is_as_old_as_what_was_written_last_its_lock_included() {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let state = tempfile::tempdir().expect("a folder");
        let name = "home-elsewhere-1-1";
        let (folder, lock) = (state.path().join(SCRATCH_FOLDER).join(name), state.path().join(ALIVE).join(name));
        fs::create_dir_all(state.path().join(ALIVE)).expect("made");
        fs::write(&lock, "").expect("written");
        let touch = |path: &Path, age: Duration| {
            File::open(path).and_then(|file| file.set_modified(SystemTime::now() - age)).expect("set");
        };
        let age = || leftovers(state.path()).expect("read")[0].age().expect("a clock");
        touch(&lock, 3 * DAY);
        assert!(age() > 2 * DAY, "an old lock alone");
        touch(&lock, Duration::ZERO);
        assert!(age() < DAY, "its process was noting a moment ago what it writes");
        fs::create_dir_all(&folder).expect("made");
        touch(&folder, 3 * DAY);
        assert!(age() < DAY, "the folder is old and the lock is not");
        touch(&lock, 3 * DAY);
        assert!(age() > 2 * DAY, "both are old");
    }

    #[test]
    fn a_private_folder_goes_with_its_process_and_only_those_of_dead_processes_are_removed() {
        let state = tempfile::tempdir().expect("a folder");
        let own = ProcessFolder::take(state.path(), 7).expect("taken");
        fs::create_dir_all(own.path().join("work")).expect("made");
        fs::write(own.path().join("work/file"), "12345").expect("written");
        let dead = state.path().join(SCRATCH_FOLDER).join(format!("{}999999999-1", own_prefix()));
        let elsewhere = state.path().join(SCRATCH_FOLDER).join("home-elsewhere-1-1");
        let others = state.path().join(SCRATCH_FOLDER).join("worker-job-1-1");
        for folder in [&dead, &elsewhere, &others] {
            fs::create_dir_all(folder).expect("made");
        }
        fs::write(dead.join("file"), "123").expect("written");
        let lock = state.path().join(ALIVE).join(dead.file_name().expect("a name"));
        fs::write(&lock, "").expect("written");
        let left = leftovers(state.path()).expect("read");
        let bytes: Vec<(u64, bool)> = left.iter().map(|left| (left.bytes(), left.of_this_machine)).collect();
        assert!(bytes.len() == 3 && bytes.contains(&(3, true)) && bytes.contains(&(0, false)), "{left:?}");
        let age = left[0].age().expect("a clock");
        assert!(age < Duration::from_secs(60), "just made, and {age:?} old");
        drop(left);
        remove_leftovers(state.path(), |_| Ok(()));
        assert!(!dead.exists() && !lock.exists(), "the dead one's was not removed");
        assert!(elsewhere.exists() && others.exists() && own.path().join("work/file").exists());
        let path = own.path().to_owned();
        drop(own);
        assert!(!path.exists() && leftovers(state.path()).expect("read").len() == 2);
    }
}
