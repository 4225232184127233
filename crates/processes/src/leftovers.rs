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

    /// How many bytes it has, and how long ago something was last written there.
    pub fn size_and_age(&self) -> (u64, Duration) {
        let (bytes, written) = measure(&self.path);
        (bytes, SystemTime::now().duration_since(written).unwrap_or_default())
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

/// Removes what dead processes of this machine left in a state folder. Nothing depends on it, so trouble is only logged.
pub fn remove_leftovers(state: &Path) {
    let removed = leftovers(state)
        .and_then(|left| left.into_iter().filter(|left| left.of_this_machine).try_for_each(Leftover::remove));
    if let Err(error) = removed {
        tracing::debug!(%error, "could not remove what dead processes left");
    }
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
        let bytes: Vec<(u64, bool)> = left.iter().map(|left| (left.size_and_age().0, left.of_this_machine)).collect();
        assert!(bytes.len() == 3 && bytes.contains(&(3, true)) && bytes.contains(&(0, false)), "{left:?}");
        drop(left);
        remove_leftovers(state.path());
        assert!(!dead.exists() && !lock.exists(), "the dead one's was not removed");
        assert!(elsewhere.exists() && others.exists() && own.path().join("work/file").exists());
        let path = own.path().to_owned();
        drop(own);
        assert!(!path.exists() && leftovers(state.path()).expect("read").len() == 2);
    }
}
