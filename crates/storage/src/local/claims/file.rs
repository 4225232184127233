//! One claim as a file: made, looked at, renewed, removed.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use euterpe_actors::points::refused;
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::clock::{FolderClock, touch, written};
use crate::local::error::LocalError;
use crate::local::file_age::age;
use crate::unrenewed::Unrenewed;

/// The folder of the claims within the state folder.
pub(super) const FOLDER: &str = "claims";

/// How often a claim that changes while it is looked at is looked at again; then it counts as held.
const LOOKS: u32 = 16;

/// The most bytes that are read of a claim.
const MOST_NOTE: u64 = 4096;

/// The result of [`take`].
pub(super) enum TakeResult {
    /// The claim is ours.
    Taken(ClaimFile),
    /// Another node has the claim; holds its content.
    Held(Vec<u8>),
}

/// A claim of this process. It is kept open, so that no other file can pass for it.
#[derive(Debug)]
pub(super) struct ClaimFile {
    path: PathBuf,
    file: File,
}

/// What tells one renewal of a claim from the next, and one claim from its successor: its time and its number.
type Version = (Duration, u64);

/// How the age of claims is known.
#[derive(Debug)]
pub(super) struct Ages {
    pub ttl: Duration,
    pub clock: FolderClock,
    /// Claims that are of the future by the clock.
    unrenewed: Unrenewed<PathBuf, Version>,
}

impl Ages {
    /// Those of the claims in a folder.
    pub(super) fn of(folder: &Path, ttl: Duration) -> Self {
        Self { ttl, clock: FolderClock::of(folder), unrenewed: Unrenewed::default() }
    }

    /// Whether a claim was not renewed for its ttl. A time of the future is no proof that its owner lives: such a claim is old
    /// when this process saw it unchanged for so long.
    fn is_old(&self, path: &Path, since: Duration, claim: &File) -> Result<bool, LocalError> {
        let age = match age(since, self.clock.now()?) {
            Some(age) => age,
            None => self.unrenewed.seen_for(path.to_owned(), (since, rustix::fs::fstat(claim)?.st_ino)),
        };
        Ok(age >= self.ttl)
    }
}

/// Makes the claim at `path`, if there is none, or only one that was not renewed for the ttl.
pub(super) fn take(path: &Path, note: &[u8], ages: &Ages) -> Result<TakeResult, LocalError> {
    for _ in 0..LOOKS {
        if let Some(file) = make(path, note)? {
            return Ok(TakeResult::Taken(file));
        }
        let Some(theirs) = open(path)? else { continue }; // released in this moment
        let since = written(&theirs)?;
        if !(ages.is_old(path, since, &theirs)? && lock_unrenewed(&theirs, since)?) {
            return Ok(TakeResult::Held(read(&theirs)));
        }
        if is_at(path, &theirs)? {
            remove(path)?;
        }
    }
    Ok(TakeResult::Held(Vec::new()))
}

/// Removes the claim at `path` if it was not renewed for `at_least`; with `dry_run` it stays. Returns its bytes; `None` where it
/// is not old. One of the future gets the time of now, as if it were renewed, so that its age is known the next time.
pub(super) fn remove_old(
    path: &Path,
    at_least: Duration,
    clock: &FolderClock,
    dry_run: bool,
) -> Result<Option<u64>, LocalError> {
    let Some(theirs) = open(path)? else { return Ok(None) };
    let since = written(&theirs)?;
    let Some(age) = age(since, clock.now()?) else {
        if !dry_run {
            touch(&theirs)?;
        }
        return Ok(None);
    };
    if age < at_least || !lock_unrenewed(&theirs, since)? || !is_at(path, &theirs)? {
        return Ok(None);
    }
    if !dry_run {
        remove(path)?;
    }
    Ok(Some(rustix::fs::fstat(&theirs)?.st_size.unsigned_abs()))
}

/// Locks a claim that was last renewed at this time, if it was not renewed meanwhile. Only one process can have the lock of
/// this very file, and only that one may remove it.
fn lock_unrenewed(claim: &File, since: Duration) -> Result<bool, LocalError> {
    Ok(lock(claim)? && written(claim)? == since)
}

impl ClaimFile {
    /// Renews the claim; `false` where another file lies under its name.
    ///
    /// A node that takes it over may have found it old just before; then the next renewal returns `false`.
    pub(super) fn renew(&self) -> Result<bool, LocalError> {
        if !is_at(&self.path, &self.file)? {
            return Ok(false);
        }
        touch(&self.file)?;
        is_at(&self.path, &self.file)
    }

    /// Removes the claim, unless another file lies under its name or a node is about to take it over.
    pub(super) fn release(&self) -> Result<(), LocalError> {
        if lock(&self.file)? && is_at(&self.path, &self.file)? {
            remove(&self.path)?;
        }
        Ok(())
    }
}

/// Makes a new claim; `None` where there is one.
fn make(path: &Path, note: &[u8]) -> Result<Option<ClaimFile>, LocalError> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let create = || {
        if refused("create") {
            return Err(Errno::NOSPC);
        }
        rustix::fs::open(path, flags, Mode::from_raw_mode(0o666))
    };
    let file: File = match create() {
        Ok(file) => file.into(),
        Err(Errno::EXIST) => return Ok(None),
        Err(Errno::NOENT) => {
            make_folders(path)?;
            match create() {
                Ok(file) => file.into(),
                Err(Errno::EXIST) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Err(error) => return Err(error.into()),
    };
    let claim = ClaimFile { path: path.to_owned(), file };
    if let Err(error) = (&claim.file).write_all(note) {
        claim.release()?; // a half-written claim would hold up others until it is old
        return Err(error.into());
    }
    Ok(Some(claim))
}

/// Makes the folder of the job and the folder of the claims. The state folder above must be there.
fn make_folders(path: &Path) -> Result<(), LocalError> {
    let job = path.parent().unwrap_or(path);
    make_folder(job.parent().unwrap_or(job))?;
    make_folder(job)
}

/// Makes a folder, unless it is there.
pub(super) fn make_folder(path: &Path) -> Result<(), LocalError> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.parent().unwrap_or(path).display();
            Err(LocalError::Root(format!("the folder {above} is not there; is the disk mounted?")))
        }
        made => Ok(made?),
    }
}

fn open(path: &Path) -> Result<Option<File>, LocalError> {
    // For writing too: over a network the lock needs it.
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The content of a claim, as far as it can be read; it is only shown.
fn read(file: &File) -> Vec<u8> {
    let mut note = Vec::new();
    match file.take(MOST_NOTE).read_to_end(&mut note) {
        Ok(_) => note,
        Err(_) => Vec::new(),
    }
}

/// Locks one file until it is closed; `false` where another process has the lock. On a file system without locks every
/// process gets it, and two that take over in the same moment may both succeed.
fn lock(file: &File) -> Result<bool, LocalError> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) | Err(Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS | Errno::INVAL) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether this very file lies at `path`.
fn is_at(path: &Path, file: &File) -> Result<bool, LocalError> {
    let open = rustix::fs::fstat(file)?;
    match rustix::fs::lstat(path) {
        Ok(there) => Ok((there.st_dev, there.st_ino) == (open.st_dev, open.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn remove(path: &Path) -> Result<(), LocalError> {
    match rustix::fs::unlinkat(CWD, path, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const TTL: Duration = Duration::from_secs(3600);

    /// A claim in a folder, last renewed longer ago than its ttl, and what is needed to ask for it.
    fn old_claim() -> (tempfile::TempDir, ClaimFile, Ages) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t-1");
        let claim = make(&path, b"first").expect("made").expect("held by nobody");
        make_old(&claim.file);
        let ages = Ages::of(folder.path(), TTL);
        (folder, claim, ages)
    }

    fn make_old(file: &File) {
        file.set_modified(SystemTime::now() - 2 * TTL).expect("set");
    }

    fn taken(path: &Path, ages: &Ages) -> Option<ClaimFile> {
        match take(path, b"second", ages).expect("asked") {
            TakeResult::Taken(claim) => Some(claim),
            TakeResult::Held(_) => None,
        }
    }

    #[test]
    fn while_somebody_is_about_to_take_over_neither_others_nor_the_owner_remove_what_may_be_new() {
        let (_folder, owner, ages) = old_claim();
        let taker = open(&owner.path).expect("opened").expect("there");
        assert!(lock(&taker).expect("locked"));
        assert!(taken(&owner.path, &ages).is_none(), "two took over at once");
        owner.release().expect("asked");
        assert!(
            is_at(&owner.path, &taker).expect("looked"),
            "the owner removed it under the hands of who takes it over"
        );
        drop(taker); // it died in the middle: its lock goes with it
        assert!(taken(&owner.path, &ages).is_some());
    }

    #[test]
    fn an_old_claim_is_taken_over_and_its_owner_renews_and_removes_nothing_from_then_on() {
        let (_folder, owner, ages) = old_claim();
        let successor = taken(&owner.path, &ages).expect("it was old");
        assert!(!owner.renew().expect("asked"));
        owner.release().expect("asked");
        assert!(successor.renew().expect("asked"));
        assert!(taken(&owner.path, &ages).is_none());
        successor.release().expect("released");
        assert!(!owner.path.exists() && taken(&owner.path, &ages).is_some());
    }

    #[test]
    fn an_old_claim_that_is_renewed_in_time_is_held_again() {
        let (_folder, owner, ages) = old_claim();
        assert!(owner.renew().expect("asked"));
        assert!(taken(&owner.path, &ages).is_none());
    }

    /// Gives a claim a time of the future, as an owner does whose clock is ahead.
    fn set_ahead(file: &File, by: Duration) {
        file.set_modified(SystemTime::now() + by).expect("set");
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_of_the_future_is_taken_over_when_it_was_not_renewed_for_its_ttl_and_not_before() {
        let (_folder, owner, ages) = old_claim();
        set_ahead(&owner.file, 100 * TTL);
        assert!(taken(&owner.path, &ages).is_none(), "nobody watched it");
        tokio::time::advance(TTL - Duration::from_secs(1)).await;
        assert!(taken(&owner.path, &ages).is_none(), "its owner had not its time to renew it");
        set_ahead(&owner.file, 101 * TTL);
        assert!(taken(&owner.path, &ages).is_none(), "it was renewed");
        tokio::time::advance(TTL - Duration::from_secs(1)).await;
        assert!(taken(&owner.path, &ages).is_none(), "it was renewed");
        tokio::time::advance(Duration::from_secs(1)).await;
        let successor = taken(&owner.path, &ages).expect("its owner is dead");
        assert!(!owner.renew().expect("asked") && successor.renew().expect("asked"));
        assert!(taken(&owner.path, &ages).is_none());
    }

    #[test]
    fn a_claim_of_the_future_is_removed_a_while_after_it_was_seen_first() {
        let (_folder, owner, ages) = old_claim();
        set_ahead(&owner.file, 100 * TTL);
        let sweep = |dry_run| remove_old(&owner.path, TTL, &ages.clock, dry_run).expect("looked");
        let is_ahead = || written(&owner.file).expect("there") > ages.clock.now().expect("told") + TTL;
        assert!(sweep(true).is_none() && is_ahead(), "changed by a dry run");
        assert!(sweep(false).is_none() && !is_ahead() && owner.path.exists());
        make_old(&owner.file);
        assert_eq!(sweep(false), Some(5));
    }

    #[test]
    fn a_claim_that_is_being_written_is_held_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t-1");
        std::fs::write(&path, "").expect("written");
        let TakeResult::Held(note) = take(&path, b"mine", &Ages::of(folder.path(), TTL)).expect("asked") else {
            panic!("taken from who writes it");
        };
        assert!(note.is_empty());
    }
}
