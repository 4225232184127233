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

use super::super::trouble::Trouble;
use super::age::{FolderClock, touch, written};

/// How often a place that changes while it is looked at is looked at again; then somebody has it.
const LOOKS: u32 = 16;

/// The most that is read of what stands in a claim.
const MOST_NOTE: u64 = 4096;

/// What became of asking for a claim.
pub(super) enum Answer {
    /// It is ours.
    Taken(ClaimFile),
    /// Somebody has it: what stands in it.
    Held(Vec<u8>),
}

/// A claim that was made here. Open, so that no other file can pass for it.
#[derive(Debug)]
pub(super) struct ClaimFile {
    path: PathBuf,
    file: File,
}

/// Makes the claim at `path`, if there is none, or one that nobody renewed for `ttl`.
pub(super) fn take(path: &Path, note: &[u8], ttl: Duration, clock: &FolderClock) -> Result<Answer, Trouble> {
    for _ in 0..LOOKS {
        if let Some(file) = make(path, note)? {
            return Ok(Answer::Taken(file));
        }
        let Some(theirs) = open(path)? else { continue }; // released in this moment
        if !gets_old(&theirs, ttl, clock)? {
            return Ok(Answer::Held(read(&theirs)));
        }
        if is_at(path, &theirs)? {
            remove(path)?;
        }
    }
    Ok(Answer::Held(Vec::new()))
}

/// Removes the claim at `path`, if nobody renewed it for `age`, or only tells of it: its bytes.
pub(super) fn remove_old(
    path: &Path,
    age: Duration,
    clock: &FolderClock,
    dry_run: bool,
) -> Result<Option<u64>, Trouble> {
    let Some(theirs) = open(path)? else { return Ok(None) };
    if !gets_old(&theirs, age, clock)? || !is_at(path, &theirs)? {
        return Ok(None);
    }
    if !dry_run {
        remove(path)?;
    }
    Ok(Some(rustix::fs::fstat(&theirs)?.st_size.unsigned_abs()))
}

/// Whether nobody renewed a claim for `age`. If so, it has its lock: only one has that of this very file, and only who has
/// it removes it.
fn gets_old(claim: &File, age: Duration, clock: &FolderClock) -> Result<bool, Trouble> {
    let since = written(claim)?;
    Ok(clock.now()?.saturating_sub(since) >= age && lock(claim)? && written(claim)? == since)
}

impl ClaimFile {
    /// Makes it young again; `false` where another lies in its place.
    ///
    /// Who takes it over may have found it old just before: then the next time tells.
    pub(super) fn renew(&self) -> Result<bool, Trouble> {
        if !is_at(&self.path, &self.file)? {
            return Ok(false);
        }
        touch(&self.file)?;
        is_at(&self.path, &self.file)
    }

    /// Removes it, unless another lies in its place or somebody is about to take it over.
    pub(super) fn release(&self) -> Result<(), Trouble> {
        if lock(&self.file)? && is_at(&self.path, &self.file)? {
            remove(&self.path)?;
        }
        Ok(())
    }
}

/// Makes a new claim; none where there is one.
fn make(path: &Path, note: &[u8]) -> Result<Option<ClaimFile>, Trouble> {
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
        claim.release()?; // a claim that cannot be written would hold up others, and nobody would renew it
        return Err(error.into());
    }
    Ok(Some(claim))
}

/// The folder of the job, and the one above it; the one above that is the state folder, and must be there.
fn make_folders(path: &Path) -> Result<(), Trouble> {
    let job = path.parent().unwrap_or(path);
    make_folder(job.parent().unwrap_or(job))?;
    make_folder(job)
}

/// Makes a folder; one that is there is good too.
pub(super) fn make_folder(path: &Path) -> Result<(), Trouble> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.parent().unwrap_or(path).display();
            Err(Trouble::Root(format!("the folder {above} is not there; is the disk mounted?")))
        }
        made => Ok(made?),
    }
}

fn open(path: &Path) -> Result<Option<File>, Trouble> {
    // For writing too: over a network the lock needs it.
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What stands in a claim, as far as it can be read: it is for people.
fn read(file: &File) -> Vec<u8> {
    let mut note = Vec::new();
    match file.take(MOST_NOTE).read_to_end(&mut note) {
        Ok(_) => note,
        Err(_) => Vec::new(),
    }
}

/// The lock of one file, until it is closed; `false` where somebody has it. On a file system without locks everybody gets
/// it, and two who take over in the same moment may both win.
fn lock(file: &File) -> Result<bool, Trouble> {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) | Err(Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS | Errno::INVAL) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether what lies at `path` is this very file.
fn is_at(path: &Path, file: &File) -> Result<bool, Trouble> {
    let open = rustix::fs::fstat(file)?;
    match rustix::fs::lstat(path) {
        Ok(there) => Ok((there.st_dev, there.st_ino) == (open.st_dev, open.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn remove(path: &Path) -> Result<(), Trouble> {
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
    fn old_claim() -> (tempfile::TempDir, ClaimFile, FolderClock) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t-1");
        let claim = make(&path, b"first").expect("made").expect("held by nobody");
        age(&claim.file);
        let clock = FolderClock::of(folder.path());
        (folder, claim, clock)
    }

    fn age(file: &File) {
        file.set_modified(SystemTime::now() - 2 * TTL).expect("set");
    }

    fn taken(path: &Path, clock: &FolderClock) -> Option<ClaimFile> {
        match take(path, b"second", TTL, clock).expect("asked") {
            Answer::Taken(claim) => Some(claim),
            Answer::Held(_) => None,
        }
    }

    #[test]
    fn while_somebody_is_about_to_take_over_neither_others_nor_the_owner_remove_what_may_be_new() {
        let (_folder, owner, clock) = old_claim();
        let taker = open(&owner.path).expect("opened").expect("there");
        assert!(lock(&taker).expect("locked"));
        assert!(taken(&owner.path, &clock).is_none(), "two took over at once");
        owner.release().expect("asked");
        assert!(
            is_at(&owner.path, &taker).expect("looked"),
            "the owner removed it under the hands of who takes it over"
        );
        drop(taker); // it died in the middle: its lock goes with it
        assert!(taken(&owner.path, &clock).is_some());
    }

    #[test]
    fn an_old_claim_is_taken_over_and_its_owner_renews_and_removes_nothing_from_then_on() {
        let (_folder, owner, clock) = old_claim();
        let successor = taken(&owner.path, &clock).expect("it was old");
        assert!(!owner.renew().expect("asked"));
        owner.release().expect("asked");
        assert!(successor.renew().expect("asked"));
        assert!(taken(&owner.path, &clock).is_none());
        successor.release().expect("released");
        assert!(!owner.path.exists() && taken(&owner.path, &clock).is_some());
    }

    #[test]
    fn an_old_claim_that_is_renewed_in_time_is_held_again() {
        let (_folder, owner, clock) = old_claim();
        assert!(owner.renew().expect("asked"));
        assert!(taken(&owner.path, &clock).is_none());
    }

    #[test]
    fn a_claim_that_is_being_written_is_held_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t-1");
        std::fs::write(&path, "").expect("written");
        let Answer::Held(note) = take(&path, b"mine", TTL, &FolderClock::of(folder.path())).expect("asked") else {
            panic!("taken from who writes it");
        };
        assert!(note.is_empty());
    }
}
