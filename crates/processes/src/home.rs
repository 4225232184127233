//! A folder for what one process keeps to itself, with a lock that tells whether the process lives.
//!
//! ```text
//! scratch/home-MACHINE-PROCESS-NUMBER/…   its private folders, downloads and cache; made when something is put there
//! alive/home-MACHINE-PROCESS-NUMBER       locked for as long as it lives, however it ends
//! ```

use std::{
    collections::BTreeSet,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

/// The folder of private folders, in a state folder.
pub const SCRATCH: &str = "scratch";
/// The folder of locks, in a state folder.
const ALIVE: &str = "alive";
/// How the names of homes start.
const PREFIX: &str = "home-";

/// A folder of this process. Dropped, it goes with all that is in it.
#[derive(Debug)]
pub struct Home {
    path: PathBuf,
    lock: PathBuf,
    _locked: File,
}

impl Home {
    /// Takes a home in a state folder. `number` tells apart those of one process.
    ///
    /// # Errors
    /// Where the lock cannot be had. The folder itself is made by who puts something there.
    pub fn take(state: &Path, number: u64) -> io::Result<Self> {
        let name = format!("{}{}-{number:x}", own_prefix(), std::process::id());
        let lock = state.join(ALIVE).join(&name);
        loop {
            fs::create_dir_all(state.join(ALIVE))?;
            let file = File::options().write(true).create(true).truncate(false).open(&lock)?;
            rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
            // Who sweeps may have come between the two, and removed it.
            let same = |there: Metadata| file.metadata().is_ok_and(|ours| ours.ino() == there.ino());
            if fs::metadata(&lock).is_ok_and(same) {
                return Ok(Self { path: state.join(SCRATCH).join(name), lock, _locked: file });
            }
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be removed now is swept by another process.
        for removed in [remove(&self.path), fs::remove_file(&self.lock)] {
            if let Err(error) = removed.or_else(unless_gone) {
                tracing::debug!(%error, "could not remove what this process kept to itself");
            }
        }
    }
}

/// What a process left behind that died, or that may have.
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

    /// How many bytes it has, and when something was last written there.
    pub fn size(&self) -> (u64, SystemTime) {
        measure(&self.path)
    }

    /// Removes it.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        remove(&self.path).or_else(unless_gone)?;
        match self.lock {
            Some((lock, _locked)) => fs::remove_file(lock).or_else(unless_gone),
            None => Ok(()),
        }
    }
}

/// What dead processes left in a state folder, and the folders beside theirs that are nobody's, of which only the age tells.
///
/// # Errors
/// Where the folders cannot be read.
pub fn leftovers(state: &Path) -> io::Result<Vec<Leftover>> {
    let mut names = BTreeSet::new();
    for folder in [SCRATCH, ALIVE] {
        names.extend(names_in(&state.join(folder))?);
    }
    let mut left = Vec::new();
    for name in names {
        let path = state.join(SCRATCH).join(&name);
        if !name.starts_with(PREFIX) {
            left.push(Leftover { path, lock: None, of_this_machine: false });
            continue;
        }
        let lock = state.join(ALIVE).join(&name);
        let lock = match File::options().write(true).open(&lock) {
            Ok(file) => match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Some((lock, file)),
                Err(Errno::WOULDBLOCK) => continue, // it lives
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
pub fn sweep(state: &Path) {
    let swept = leftovers(state)
        .and_then(|left| left.into_iter().filter(|left| left.of_this_machine).try_for_each(Leftover::remove));
    if let Err(error) = swept {
        tracing::debug!(%error, "could not sweep what dead processes left");
    }
}

/// Files below a path: their bytes, and when the newest was written.
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

/// How long ago a time was; nothing where it is to come.
pub fn age(time: SystemTime) -> Duration {
    SystemTime::now().duration_since(time).unwrap_or_default()
}

fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn unless_gone(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// How the names of homes of this machine start.
fn own_prefix() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
    format!("{PREFIX}{}-", name.chars().take(64).map(plain).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_goes_with_its_process_and_only_the_dead_are_swept() {
        let state = tempfile::tempdir().expect("a folder");
        let home = Home::take(state.path(), 7).expect("taken");
        fs::create_dir_all(home.path().join("work")).expect("made");
        fs::write(home.path().join("work/file"), "12345").expect("written");
        let dead = state.path().join(SCRATCH).join(format!("{}999999999-1", own_prefix()));
        let elsewhere = state.path().join(SCRATCH).join("home-elsewhere-1-1");
        let others = state.path().join(SCRATCH).join("worker-job-1-1");
        for folder in [&dead, &elsewhere, &others] {
            fs::create_dir_all(folder).expect("made");
        }
        fs::write(dead.join("file"), "123").expect("written");
        let lock = state.path().join(ALIVE).join(dead.file_name().expect("a name"));
        fs::write(&lock, "").expect("written");
        let left = leftovers(state.path()).expect("read");
        let bytes: Vec<(u64, bool)> = left.iter().map(|left| (left.size().0, left.of_this_machine)).collect();
        assert!(bytes.len() == 3 && bytes.contains(&(3, true)) && bytes.contains(&(0, false)), "{left:?}");
        drop(left);
        sweep(state.path());
        assert!(!dead.exists() && !lock.exists(), "the dead one's was not swept");
        assert!(elsewhere.exists() && others.exists() && home.path().join("work/file").exists());
        let path = home.path().to_owned();
        drop(home);
        assert!(!path.exists() && leftovers(state.path()).expect("read").len() == 2);
    }
}
