//! A disk that refuses: at whichever call it fails, nothing half-written is seen, nothing is left lying about, and the
//! error is of the right kind.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::storage::{Content, Stamp, Storage, StorageErrorKind, Stored, Wholeness, check_whole};
use rustix::io::Errno;

use super::reserved::TEMP_PREFIX;
use super::{LocalSettings, LocalStorage, StampsIn};

fn job(name: &str) -> JobName {
    JobName::new(name).expect("a plain name")
}

fn stamp(run: u64, ancestors: usize) -> Stamp {
    let runs = (0..ancestors).map(|at| (job(&format!("an-ancestor-with-a-long-name-{at}")), RunId::new(1, 0)));
    let runs = runs.chain([(job("mel"), RunId::new(run, 0))]).collect();
    Stamp { job: job("mel"), runs: Arc::new(runs), entity: None, hash: String::new(), making: None }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// What is written, and how.
struct Case {
    stamps: StampsIn,
    ancestors: usize,
    path: &'static str,
    content: Content,
    old: bool,
}

const OLD: &[u8] = b"the old version";

async fn fresh(case: &Case) -> (tempfile::TempDir, LocalStorage) {
    let root = tempfile::tempdir().expect("a folder");
    let settings = LocalSettings { stamps: case.stamps, ..LocalSettings::default() };
    let store = LocalStorage::open(root.path(), settings).expect("opened");
    if case.old {
        store.store(case.path, Content::Bytes(OLD.into()), Some(stamp(1, 0))).await.expect("stored");
    }
    store.folder.disk.faults.plan(None);
    (root, store)
}

/// Fails the call number `nth`; the names of the calls made, or none when the write came to its end before.
async fn fail_at(case: &Case, nth: usize, error: Errno, stays: bool) -> Option<Vec<&'static str>> {
    let new = case.content.read().expect("readable");
    let (root, store) = fresh(case).await;
    store.folder.disk.faults.plan(Some((nth, error, stays)));
    let stored = store.store(case.path, case.content.clone(), Some(stamp(2, case.ancestors))).await;
    let calls = store.folder.disk.faults.plan(None);
    let told = format!("{error:?} at call {nth} of {calls:?}, stays: {stays}");

    let left: Vec<_> = files(root.path()).into_iter().filter(|f| f.to_string_lossy().contains(TEMP_PREFIX)).collect();
    assert!(left.is_empty(), "{told}: left lying about: {left:?}");
    let info = store.look(case.path).await.expect("looked");
    let whole = check_whole(&store, case.path).await.expect("checked");
    let run = info.as_ref().and_then(|info| info.stamp.as_ref()).and_then(Stamp::run).map(RunId::millis);
    let content = match run {
        Some(_) => Some(store.open(case.path).await.expect("opened").content.read().expect("read")),
        None => None,
    };
    match run {
        Some(2) => assert!(content.as_ref() == Some(&new), "{told}: the new stamp on another content"),
        Some(_) => assert!(case.old && content.as_deref() == Some(OLD), "{told}: the old stamp on another content"),
        None => assert!(!case.old && whole == Wholeness::Missing, "{told}: something else is in place"),
    }
    assert!(run.is_none() || whole == Wholeness::Whole, "{told}: {whole:?}");
    match stored {
        Ok(stored) => assert!(stored == Stored::Kept && run == Some(2), "{told}: kept, and not there"),
        Err(refused) => {
            let kind = match error {
                Errno::NOSPC | Errno::DQUOT => StorageErrorKind::Full,
                Errno::ACCESS | Errno::ROFS => StorageErrorKind::Denied,
                Errno::NAMETOOLONG => StorageErrorKind::BadKey,
                _ => StorageErrorKind::Unavailable,
            };
            assert_eq!(refused.kind, kind, "{told}: {refused}");
        }
    }
    let again = store.store(case.path, case.content.clone(), Some(stamp(2, case.ancestors))).await;
    assert_eq!(again.expect("a disk that works again"), Stored::Kept, "{told}");
    assert_eq!(check_whole(&store, case.path).await.expect("checked"), Wholeness::Whole, "{told}");
    (calls.len() > nth).then_some(calls)
}

async fn fail_everywhere(case: Case, must_meet: &[&str]) {
    let mut met = Vec::new();
    let errors = [
        (Errno::NOSPC, false),
        (Errno::NOSPC, true),
        (Errno::IO, false),
        (Errno::DQUOT, true),
        (Errno::STALE, false),
        (Errno::NOTCONN, true),
        (Errno::ACCESS, false),
        (Errno::ROFS, true),
    ];
    for (error, stays) in errors {
        let mut nth = 0;
        while let Some(calls) = fail_at(&case, nth, error, stays).await {
            met.push(calls[nth]);
            nth += 1;
        }
        assert!(nth >= must_meet.len(), "only {nth} calls");
    }
    for call in must_meet {
        assert!(met.contains(call), "`{call}` was never made to fail: {met:?}");
    }
}

#[tokio::test]
async fn whichever_call_of_a_first_write_fails_nothing_half_written_is_seen_or_left() {
    let content = Content::Bytes(vec![7; 10_000].into());
    let case = Case { stamps: StampsIn::Attributes, ancestors: 2, path: "a/b/c/new.npy", content, old: false };
    fail_everywhere(case, &["mkdir", "fsync folder", "create", "write", "setxattr", "fsync", "rename"]).await;
}

#[tokio::test]
async fn whichever_call_of_a_write_over_an_old_version_fails_one_of_the_two_is_in_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("made.npy");
    std::fs::write(&file, vec![9; 600_000]).expect("written");
    let case =
        Case { stamps: StampsIn::Attributes, ancestors: 2, path: "a/old.npy", content: Content::File(file), old: true };
    fail_everywhere(case, &["create", "write", "setxattr", "fsync", "rename", "fsync folder"]).await;
}

#[tokio::test]
async fn whichever_call_fails_where_stamps_lie_beside_each_version_keeps_its_own_stamp() {
    // As long as the old version and written in the same moment: only the order of the steps tells them apart.
    let content = Content::Bytes(vec![7; OLD.len()].into());
    for old in [false, true] {
        let case = Case { stamps: StampsIn::Files, ancestors: 2, path: "a/x.npy", content: content.clone(), old };
        fail_everywhere(case, &["create", "write", "fsync", "rename", "fsync folder"]).await;
    }
}

#[tokio::test]
async fn whichever_call_fails_with_a_stamp_too_long_for_an_attribute_the_stamp_is_kept_with_its_version() {
    let content = Content::Bytes(vec![7; 100].into());
    let case = Case { stamps: StampsIn::Attributes, ancestors: 1200, path: "a/x.npy", content, old: true };
    fail_everywhere(case, &["setxattr", "create", "write", "fsync", "rename", "fsync folder"]).await;
}

#[tokio::test]
async fn without_fsync_nothing_waits_for_the_disk() {
    let root = tempfile::tempdir().expect("a folder");
    let settings = LocalSettings { fsync: false, ..LocalSettings::default() };
    let store = LocalStorage::open(root.path(), settings).expect("opened");
    store.store("a/b", Content::Bytes("x".into()), Some(stamp(1, 0))).await.expect("stored");
    assert_eq!(store.folder.disk.faults.plan(None), ["mkdir", "create", "write", "setxattr", "rename"]);
}
