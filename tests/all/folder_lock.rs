//! The lock of a folder between processes, of which one is killed.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use euterpe_processes::{FolderLock, LockError};

#[test]
fn a_folder_held_by_another_process_names_it_and_is_free_once_that_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let lock = folder.path().join("lock");
    // Another program with the same kind of lock, which writes its number as we do.
    let script = r#"exec 9<>"$0"; flock -n 9 || exit 1; echo $$ > "$0"; echo held; exec sleep 600"#;
    let mut other =
        Command::new("sh").args(["-c", script]).arg(&lock).stdout(Stdio::piped()).spawn().expect("a shell with flock");
    let mut said = String::new();
    BufReader::new(other.stdout.take().expect("piped")).read_line(&mut said).expect("a line");
    assert_eq!(said, "held\n");
    let refused = FolderLock::take(folder.path());
    other.kill().expect("killed");
    other.wait().expect("ended");
    match refused {
        Err(LockError::Held { pid, .. }) => assert_eq!(pid, Some(other.id())),
        taken => panic!("{taken:?}"),
    }
    assert!(lock.exists(), "the file of the dead process is still there");
    FolderLock::take(folder.path()).expect("free");
}

#[test]
fn a_lock_that_outlives_its_dead_process_for_a_moment_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let lock = folder.path().join("lock");
    // The shell ends at once; what it started still has its open file, and with it the lock, for a while.
    let script = r#"exec 9<>"$0"; flock -n 9 || exit 1; echo $$ > "$0"; sleep 0.3 >/dev/null & exit 0"#;
    let held = Command::new("sh").args(["-c", script]).arg(&lock).status().expect("a shell with flock");
    assert!(held.success());
    FolderLock::take(folder.path()).expect("free after a moment");
}
