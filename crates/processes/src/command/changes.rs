//! What `command` does when its program changes or goes away while this process works, with real programs.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use euterpe_actors::outcome::{Fault, FaultKind};
use euterpe_testkit::work::work;
use serde_json::json;
use tempfile::TempDir;

use super::*;

/// A script `tool` of a folder, as the program of a job, and its code.
fn of_a_script(text: &str) -> (TempDir, TransformFactory, Arc<JobCode>) {
    let folder = tempfile::tempdir().expect("a folder");
    put(&folder.path().join("tool"), text);
    let job = OpenContext { outputs: vec![Default::default()], folder: folder.path().into(), ..Default::default() };
    let (factory, code) = command_transform(&json!({"argv": ["./tool", "{output}"]}), &job).expect("good options");
    (folder, factory, code)
}

/// Puts a script in place at once, as an installation does.
fn put(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, format!("#!/bin/sh\n{text}\n")).expect("written");
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).expect("set");
    fs::rename(new, path).expect("renamed");
}

async fn apply(factory: &TransformFactory) -> Result<(), Fault> {
    factory().expect("built").apply(work("t-1", &[], "txt")).await.map(drop)
}

/// Applies it, which never ends, and returns why no work can begin.
async fn stops(factory: &TransformFactory, code: &JobCode) -> String {
    tokio::select! {
        biased;
        ended = apply(factory) => panic!("a try ends: {ended:?}"),
        why = code.broken() => why.text,
    }
}

#[tokio::test]
async fn no_work_is_done_by_a_script_that_changed_since_others_were_told_of_it() {
    let (folder, factory, code) = of_a_script("echo v1 > \"$1\"");
    let tool = folder.path().join("tool");
    put(&tool, "echo v2 > \"$1\"");
    apply(&factory).await.expect("nobody was told yet");
    code.pin();
    apply(&factory).await.expect("it is what others were told");
    put(&tool, "echo v2 > \"$1\"");
    apply(&factory).await.expect("it is the same once more");
    put(&tool, "echo v3 > \"$1\"");
    let why = stops(&factory, &code).await;
    assert_eq!(why, "the code of `./tool {output}` changed since this process began; start it anew");
}

#[tokio::test]
async fn work_during_which_the_script_changed_does_not_count() {
    let change = "echo v1 > \"$1\"; cp \"$0\" new; echo '# v2' >> new; chmod +x new; mv new \"$0\"";
    let (_folder, factory, code) = of_a_script(change);
    code.pin();
    assert!(stops(&factory, &code).await.contains("changed since this process began"));
}

#[tokio::test]
async fn a_program_that_is_away_or_may_not_be_run_spends_no_try_and_goes_on_when_it_is_back() {
    for pinned in [false, true] {
        let (folder, factory, code) = of_a_script("echo sound > \"$1\"");
        if pinned {
            code.pin();
        }
        let (tool, away): (PathBuf, PathBuf) = (folder.path().join("tool"), folder.path().join("away"));
        let allow = |mode| fs::set_permissions(&tool, fs::Permissions::from_mode(mode)).expect("set");
        let trouble = async || {
            let fault = apply(&factory).await.expect_err("it cannot be started");
            assert_eq!(fault.kind, FaultKind::NodeTrouble, "{fault}");
            assert!(fault.text.contains("tool` ") && fault.text.contains("put it back"), "{fault}");
        };
        fs::rename(&tool, &away).expect("renamed");
        trouble().await;
        fs::rename(&away, &tool).expect("renamed");
        allow(0o644);
        trouble().await;
        allow(0o755);
        apply(&factory).await.expect("it is back");
    }
}

#[tokio::test]
async fn what_a_program_made_before_it_went_away_is_kept() {
    let (_folder, factory, code) = of_a_script("echo sound > \"$1\"; rm \"$0\"");
    code.pin();
    apply(&factory).await.expect("made");
    assert_eq!(apply(&factory).await.expect_err("it is gone").kind, FaultKind::NodeTrouble);
}

#[test]
fn a_command_that_holds_a_script_is_named_by_its_beginning() {
    assert_eq!(short("sox in out"), "sox in out");
    assert_eq!(short(&"ä".repeat(61)), format!("{}…", "ä".repeat(60)));
}
