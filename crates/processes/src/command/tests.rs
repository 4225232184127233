//! The promises of `command`, with real programs.

use std::time::{Duration, Instant};

use bytes::Bytes;
use euterpe_actors::{
    outcome::{Fault, FaultKind},
    transform::{OutputShape, Product, Work},
};
use euterpe_testkit::work::work;
use serde_json::{Value, json};

use super::*;
use crate::supervised::TimeLimit;

fn factory(with: &Value, inputs: &[&str], outputs: usize, memory: Option<u64>) -> TransformFactory {
    let job = OpenContext {
        inputs: inputs.iter().map(ToString::to_string).collect(),
        outputs: vec![OutputShape { name: String::new(), suffix: "txt".into() }; outputs],
        memory,
        ..Default::default()
    };
    entry().open(with, &job).expect("good options")
}

async fn apply(with: Value, work: Work) -> Result<Product, Fault> {
    let names: Vec<String> = work.inputs.iter().map(|input| input.name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut transform = factory(&with, &names, work.suffixes.len(), None)().expect("built");
    transform.apply(work).await
}

/// Runs to the end and reads the primary output before the scratch folder goes.
async fn output(with: Value, work: Work) -> Result<Bytes, Fault> {
    let scratch = work.scratch.clone();
    let read = apply(with, work).await.map(|product| product.0[0].read().expect("an output"));
    drop(scratch);
    read
}

fn sh(script: &str) -> Value {
    json!({"argv": ["sh", "-c", script, "sh", "{output}"]})
}

fn no_input() -> Work {
    work("t-1", &[], "txt")
}

#[tokio::test]
async fn a_program_gets_its_inputs_as_files_and_its_output_is_kept() {
    let with = json!({"argv": ["sh", "-c", "cat \"$1\" \"$2\" > \"$3\"", "sh", "{input.a}", "{input.b}", "{output}"]});
    let work = work("t-1", &[("a", "x/a.txt", b"one "), ("b", "b.tar.gz", b"two")], "txt");
    assert_eq!(output(with, work).await.expect("made"), "one two");
}

#[tokio::test]
async fn standard_output_can_be_the_output_and_ids_are_one_argument() {
    let with = json!({"argv": ["printf", "%s|", "id={id}", "x"], "stdout": "output"});
    assert_eq!(output(with, work("a b $(x)", &[], "txt")).await.expect("made"), "id=a b $(x)|x|");
}

#[tokio::test]
async fn the_environment_is_scrubbed_but_for_what_is_asked_for() {
    let with = json!({"argv": ["env"], "env": {"COLOUR": "blue"}, "stdout": "output"});
    let printed = output(with, no_input()).await.expect("made");
    let text = String::from_utf8_lossy(&printed);
    let mut names: Vec<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
    names.retain(|name| !["HOME", "LANG"].contains(name)); // where the machine has them
    names.sort_unstable();
    assert_eq!(names, ["COLOUR", "EUTERPE_CHILD_OF", "PATH", "TMPDIR"]);
}

#[tokio::test]
async fn an_exit_code_is_a_failure_with_the_last_line_of_what_was_said() {
    let fault = output(sh("echo first >&2; echo 'no such codec' >&2; exit 3"), no_input()).await.expect_err("failed");
    assert_eq!(fault.kind, FaultKind::Failed);
    assert_eq!(fault.text, "`sh` ended with exit code 3: no such codec");
    assert_eq!(fault.stderr, "first\nno such codec\n");
}

#[tokio::test]
async fn an_exit_code_of_0_without_output_is_a_failure() {
    let fault = output(sh("true"), no_input()).await.expect_err("no output");
    assert_eq!(
        (fault.kind, fault.text.as_str()),
        (FaultKind::Failed, "`sh` ended with exit code 0 but did not write its output")
    );
    let fault = output(sh("mkdir \"$1\""), no_input()).await.expect_err("a folder");
    assert!(fault.text.contains("something else than a plain file"), "{fault}");
    let fault = output(sh("ln -s /etc/passwd \"$1\""), no_input()).await.expect_err("a link");
    assert!(fault.text.contains("something else than a plain file"), "{fault}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_and_not_tried_again() {
    let with = json!({"argv": ["no-such-program-anywhere", "{output}"]});
    let fault = output(with, no_input()).await.expect_err("not there");
    assert_eq!(fault.kind, FaultKind::Fatal);
    assert!(fault.text.starts_with("there is no program `no-such-program-anywhere`"), "{fault}");
}

#[tokio::test]
async fn a_program_that_a_signal_kills_counts_as_killed() {
    let fault = output(sh("kill -9 $$"), no_input()).await.expect_err("killed");
    assert_eq!((fault.kind, fault.text.as_str()), (FaultKind::Killed, "`sh` was killed by signal 9"));
}

#[tokio::test]
async fn what_is_printed_is_kept_to_a_bound() {
    let script = "yes complaint | head -c 20000000 >&2; echo end >&2; yes noise | head -c 20000000; exit 1";
    let fault = output(sh(script), no_input()).await.expect_err("failed");
    assert_eq!(fault.stderr.len(), 4096);
    assert!(fault.stderr.ends_with("complaint\nend\n"));
}

#[tokio::test]
async fn a_program_that_takes_more_memory_than_its_pool_is_ended_with_all_that_it_started() {
    // `tail` keeps in memory what it will print, and it is a child of the shell.
    let script = "echo too much >&2; (head -c 150000000 /dev/zero; sleep 300) | tail -c 150000000 > \"$1\"";
    let mut work = no_input();
    work.timeout = Duration::from_secs(100);
    let mut transform = factory(&sh(script), &[], 1, Some(64 << 20))().expect("built");
    let fault = transform.apply(work).await.expect_err("ended");
    assert_eq!(fault.kind, FaultKind::Killed);
    let text = fault.text;
    assert!(
        text.starts_with("`sh` took ") && text.contains(", more than the 64 MiB of its pool, and was ended"),
        "{text}"
    );
    assert_eq!(fault.stderr, "too much\n");
}

fn alive(pid: i32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie has ended; whoever is its parent reaps it.
    !state.is_empty() && !state.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z')
}

/// A script that notes itself and a child, both asleep.
const SLEEPERS: &str = "sleep 300 & echo $$ $! > pids.tmp; mv pids.tmp pids; wait";

async fn pids(folder: &std::path::Path) -> Vec<i32> {
    let file = folder.join("pids");
    loop {
        if let Ok(text) = std::fs::read_to_string(&file) {
            return text.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn all_end(pids: &[i32]) {
    while pids.iter().any(|&pid| alive(pid)) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn before_the_timeout_the_program_and_its_children_are_told_to_end() {
    let mut work = no_input();
    work.timeout = Duration::from_secs(4);
    let scratch = work.scratch.clone();
    let folder = scratch.path().expect("a folder").to_owned();
    let before = Instant::now();
    let fault = apply(sh(SLEEPERS), work).await.expect_err("overdue");
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert!(before.elapsed() < Duration::from_secs(4), "it ended before its timeout");
    all_end(&pids(&folder).await).await;
}

#[tokio::test]
async fn a_program_that_ignores_being_told_is_killed() {
    let mut work = no_input();
    work.timeout = Duration::from_secs(1);
    let limit = TimeLimit::within(work.timeout);
    let before = Instant::now();
    let fault = apply(sh("trap '' TERM; while :; do sleep 0.1; done"), work).await.expect_err("overdue");
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert!(before.elapsed() >= limit.term_after + limit.grace);
}

#[tokio::test]
async fn when_nobody_waits_any_more_the_whole_group_is_killed() {
    let work = no_input();
    let scratch = work.scratch.clone();
    let folder = scratch.path().expect("a folder").to_owned();
    let running = apply(sh(SLEEPERS), work);
    let started = tokio::select! {
        _ = running => panic!("the script waits"),
        started = pids(&folder) => started,
    };
    all_end(&started).await;
}

#[tokio::test]
async fn what_a_program_leaves_running_is_killed_when_it_ends() {
    let work = no_input();
    let scratch = work.scratch.clone();
    let folder = scratch.path().expect("a folder").to_owned();
    let script = "sleep 300 & echo $! > pids.tmp; mv pids.tmp pids; echo done > \"$1\"";
    apply(sh(script), work).await.expect("made");
    all_end(&pids(&folder).await).await;
}

/// Notes a child that has left the group, asleep, and is kept waiting by nothing.
const RUNAWAY: &str = "setsid sleep 300 > /dev/null 2>&1 & echo $! > pids.tmp; mv pids.tmp pids";

#[tokio::test]
async fn of_a_program_that_does_not_end_well_nothing_is_left_anywhere() {
    for (end, kind) in [("exit 1", FaultKind::Failed), ("wait", FaultKind::Timeout)] {
        let mut work = no_input();
        work.timeout = Duration::from_secs(2);
        let scratch = work.scratch.clone();
        let folder = scratch.path().expect("a folder").to_owned();
        let fault = apply(sh(&format!("{RUNAWAY}; {end}")), work).await.expect_err("not made");
        assert_eq!(fault.kind, kind);
        all_end(&pids(&folder).await).await;
    }
    let work = no_input();
    let scratch = work.scratch.clone();
    let folder = scratch.path().expect("a folder").to_owned();
    let started = tokio::select! {
        _ = apply(sh(&format!("{RUNAWAY}; wait")), work) => panic!("the script waits"),
        started = pids(&folder) => started,
    };
    all_end(&started).await;
}

#[tokio::test]
async fn a_program_that_says_in_passing_that_there_is_no_room_has_done_its_work_where_there_is_room() {
    let script = "echo sound > \"$1\"; echo 'sox: No space left on device' >&2";
    assert_eq!(output(sh(script), no_input()).await.expect("made"), "sound\n");
}

#[test]
fn a_command_that_writes_no_output_is_refused_when_it_is_opened() {
    let job = OpenContext { outputs: vec![OutputShape::default()], ..Default::default() };
    let said = |with: Value| entry().open(&with, &job).err().map(|problems| problems[0].to_string());
    assert!(said(json!({"argv": ["true"]})).expect("refused").starts_with("argv: nothing writes the output"));
    assert!(said(json!({"argv": ["true", "{output}"], "stdout": "output"})).expect("refused").starts_with("stdout: "));
    assert_eq!(said(json!({"argv": ["true"], "stdout": "output"})), None);
    assert!(said(json!({})).expect("refused").contains("missing option `argv`"));
}
