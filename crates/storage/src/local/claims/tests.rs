//! One file that serves several claims, one after the other.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::clock::written;
use super::file::{Ages, TakeResult, make, take};
use super::spares::Spares;
use super::system::{lock_unrenewed, open};

const TTL: Duration = Duration::from_secs(3600);

fn make_old(path: &Path) {
    let file = File::options().write(true).open(path).expect("opened");
    file.set_modified(SystemTime::now() - 30 * TTL).expect("set");
}

/// The names below a folder, but for the folders themselves.
fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path()) {
        match entry.is_dir() {
            true => names.extend(self::names(&entry)),
            false => names.push(entry.file_name().expect("a name").to_string_lossy().into_owned()),
        }
    }
    names
}

#[test]
fn one_file_serves_one_claim_after_the_other_with_the_note_of_each_and_goes_in_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let spares = Spares::of(folder.path()).expect("looked");
    let mut numbers = Vec::new();
    for (name, note) in [("job/t-1", "a long note"), ("job/t-2", "short"), ("other/t-1", "another note")] {
        let path = folder.path().join(name);
        let claim = make(&path, note.as_bytes(), &spares).expect("made").expect("held by nobody");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), note);
        assert!(make(&path, b"mine", &spares).expect("asked").is_none(), "made twice");
        numbers.push(std::fs::metadata(&path).expect("there").ino());
        claim.release(&spares).expect("released");
        assert!(!path.exists());
    }
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
    assert_eq!(names(folder.path()).len(), 1, "the file that is kept");
    drop(spares);
    assert!(names(folder.path()).is_empty() && !folder.path().join(".spare").exists());
}

#[test]
fn who_opened_a_claim_before_it_became_another_one_removes_neither() {
    let folder = tempfile::tempdir().expect("a folder");
    let (ages, spares) = (Ages::of(folder.path(), TTL), Spares::of(folder.path()).expect("looked"));
    let (first, second) = (folder.path().join("t-1"), folder.path().join("t-2"));
    let claim = make(&first, b"first", &spares).expect("made").expect("held by nobody");
    make_old(&first);
    // A taker looked at it, and found it old; then its owner released it after all, and made another claim.
    let theirs = open(&first).expect("opened").expect("there");
    let since = written(&theirs).expect("told");
    claim.release(&spares).expect("released");
    let claim = make(&second, b"second", &spares).expect("made").expect("held by nobody");
    assert!(!lock_unrenewed(&theirs, since).expect("asked"), "it would be removed");
    drop(theirs);
    assert!(claim.renew().expect("asked"));
    // And where it became the same claim again.
    claim.release(&spares).expect("released");
    let again = make(&first, b"third", &spares).expect("made").expect("held by nobody");
    assert!(
        matches!(take(&first, b"mine", &ages, &spares).expect("asked"), TakeResult::Held(note) if note == b"third")
    );
    again.release(&spares).expect("released");
}

#[test]
fn a_spare_file_that_somebody_removed_is_made_anew_and_what_is_left_behind_goes_after_a_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let spares = Spares::of(folder.path()).expect("looked");
    let path = folder.path().join("t-1");
    let claim = |spares: &Spares| make(&path, b"note", spares).expect("made").expect("held by nobody");
    claim(&spares).release(&spares).expect("released");
    std::fs::remove_dir_all(folder.path().join(".spare")).expect("removed");
    claim(&spares).release(&spares).expect("released");
    std::mem::forget(spares); // its process was killed
    let left =
        std::fs::read_dir(folder.path().join(".spare")).expect("a folder").next().expect("one").expect("an entry");
    drop(Spares::of(folder.path()).expect("looked"));
    assert!(left.path().exists(), "it may be in use");
    make_old(&left.path());
    File::options()
        .write(true)
        .open(left.path())
        .expect("opened")
        .set_modified(SystemTime::now() - 30 * TTL)
        .expect("set");
    drop(Spares::of(folder.path()).expect("looked"));
    assert!(!left.path().exists());
}
