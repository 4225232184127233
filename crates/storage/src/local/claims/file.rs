//! One claim as a file: made, looked at, renewed, removed.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use euterpe_actors::points::refused;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::clock::{FolderClock, touch, written};
use super::spares::{Reused, Spares};
use super::system::{is_at, lock, lock_unrenewed, make_folder, open, read, remove};
use crate::local::error::LocalError;
use crate::local::file_age::age;
use crate::unrenewed::Unrenewed;

/// The folder of the claims within the state folder.
pub(super) const FOLDER: &str = "claims";

/// How often a claim that changes while it is looked at is looked at again; then it counts as held.
const LOOKS: u32 = 16;

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
pub(super) fn take(path: &Path, note: &[u8], ages: &Ages, spares: &Spares) -> Result<TakeResult, LocalError> {
    for _ in 0..LOOKS {
        if let Some(file) = make(path, note, spares)? {
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
    pub(super) fn release(&self, spares: &Spares) -> Result<(), LocalError> {
        if lock(&self.file)? && is_at(&self.path, &self.file)? && !spares.keep(&self.path, &self.file)? {
            remove(&self.path)?;
        }
        Ok(())
    }
}

/// Makes a claim; `None` where there is one.
pub(super) fn make(path: &Path, note: &[u8], spares: &Spares) -> Result<Option<ClaimFile>, LocalError> {
    match make_in_folder(path, note, spares) {
        Err(LocalError::Io(error)) if Errno::from_io_error(&error) == Some(Errno::NOENT) => {
            make_folders(path)?;
            make_in_folder(path, note, spares)
        }
        made => made,
    }
}

/// The same where the folder of the job is there.
fn make_in_folder(path: &Path, note: &[u8], spares: &Spares) -> Result<Option<ClaimFile>, LocalError> {
    if refused("create") {
        return Err(Errno::NOSPC.into());
    }
    match spares.reuse(path, note)? {
        Reused::Taken(file) => return Ok(Some(ClaimFile { path: path.to_owned(), file })),
        Reused::Exists => return Ok(None),
        Reused::No => {}
    }
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file: File = match rustix::fs::open(path, flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => file.into(),
        Err(Errno::EXIST) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let claim = ClaimFile { path: path.to_owned(), file };
    if let Err(error) = (&claim.file).write_all(note) {
        claim.release(spares)?; // a half-written claim would hold up others until it is old
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

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::system::remove_old;
    use super::*;

    const TTL: Duration = Duration::from_secs(3600);

    /// A claim in a folder, last renewed longer ago than its ttl, and what is needed to ask for it. It is the second one of its
    /// node: made of the file of the first.
    fn old_claim() -> (tempfile::TempDir, ClaimFile, (Ages, Spares)) {
        let folder = tempfile::tempdir().expect("a folder");
        let spares = Spares::of(folder.path()).expect("looked");
        let before = make(&folder.path().join("t-0"), b"before", &spares).expect("made").expect("held by nobody");
        before.release(&spares).expect("released");
        let claim = make(&folder.path().join("t-1"), b"first", &spares).expect("made").expect("held by nobody");
        assert!(is_at(&claim.path, &before.file).expect("looked"), "a new file was made");
        make_old(&claim.file);
        let ages = Ages::of(folder.path(), TTL);
        (folder, claim, (ages, spares))
    }

    fn make_old(file: &File) {
        file.set_modified(SystemTime::now() - 2 * TTL).expect("set");
    }

    fn taken(path: &Path, (ages, spares): &(Ages, Spares)) -> Option<ClaimFile> {
        match take(path, b"second", ages, spares).expect("asked") {
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
        owner.release(&ages.1).expect("asked");
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
        owner.release(&ages.1).expect("asked");
        assert!(successor.renew().expect("asked"));
        assert!(taken(&owner.path, &ages).is_none());
        successor.release(&ages.1).expect("released");
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
        let sweep = |dry_run| remove_old(&owner.path, TTL, &ages.0.clock, dry_run).expect("looked");
        let is_ahead = || written(&owner.file).expect("there") > ages.0.clock.now().expect("told") + TTL;
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
        let (ages, spares) = (Ages::of(folder.path(), TTL), Spares::of(folder.path()).expect("looked"));
        let TakeResult::Held(note) = take(&path, b"mine", &ages, &spares).expect("asked") else {
            panic!("taken from who writes it");
        };
        assert!(note.is_empty());
    }
}
