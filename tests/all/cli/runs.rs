//! Runs: listed, checked, resumed, interrupted.

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Bench, Called, chain, ended};

/// One job that waits until the file `gate` is there.
const GATED: &str = r#"
version: 1
graph: gated
stores: {in: ./in, out: ./out}
jobs:
  wait:
    use: command
    with: {argv: [tail, "--retry", "-s", "0.02", "-n", "+1", "--pid", "$PID", "-f", "{input}"], stdout: output}
    in: {text: "in:{id}.txt"}
    out: "out:{id}.txt"
    pool: {workers: 1}
"#;

/// A process whose end opens the gate, and a run that waits for it.
fn gated() -> (Bench, std::process::Child) {
    let gate = std::process::Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a gate");
    let bench = Bench::new(&GATED.replace("$PID", &gate.id().to_string()));
    for id in ["x", "y", "z"] {
        bench.write(&format!("in/{id}.txt"), id);
    }
    (bench, gate)
}

fn open(mut gate: std::process::Child) {
    drop(gate.stdin.take());
    gate.wait().expect("ended");
}

/// Waits until something holds; a condition that never comes fails the test.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what} did not come");
        std::thread::yield_now();
    }
}

/// Waits until a run has noted its ids and a work has begun: its folder lies in that of the process.
fn until_first_work(bench: &Bench) {
    let below = |folder: &std::path::Path| {
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let state = bench.path(".euterpe/gated");
    until("the first work", || {
        below(&state.join("runs")).iter().any(|run| run.join("read.json").exists())
            && below(&state.join("scratch")).iter().any(|home| !below(home).is_empty())
    });
}

fn interrupt(process: u32) {
    send(process, Signal::INT);
}

fn send(process: u32, signal: Signal) {
    let pid = Pid::from_raw(process as i32).expect("a process");
    kill_process(pid, signal).expect("a signal");
}

#[test]
fn runs_are_listed_shown_and_found_by_the_start_of_their_id() {
    let bench = chain();
    assert!(bench.call("runs ls g.yaml").ends(0).out.contains("no runs yet"));
    assert!(!bench.has(".euterpe"), "looking made a folder");
    assert!(bench.call("runs check g.yaml last").ends(2).err.contains("no run yet"));
    bench.call("run g.yaml --only a,b").ends(4);
    bench.call("run g.yaml --job a --force x").ends(0);
    let runs = bench.call("runs ls g.yaml --json").ends(0).facts();
    assert_eq!((&runs[0]["asked"], &runs[0]["dead_letters"]), (&"whole graph, only a,b".into(), &1.into()));
    assert_eq!((&runs[1]["asked"], &runs[1]["ended"]), (&"from a down, redoing a,b,c".into(), &"complete".into()));
    let id = runs[1]["run"].as_str().expect("an id");
    let shown = bench.call(&format!("runs show g.yaml {id} --json")).ends(0).last();
    assert_eq!(shown["manifest"]["run"], id);
    assert!(bench.call("runs show g.yaml last").ends(0).out.contains(id));
    assert!(bench.call("runs show g.yaml 2").ends(2).err.contains("write more of the id"));
    assert!(bench.call("runs show g.yaml nonsense").ends(2).err.contains("no run `nonsense`"));
}

#[test]
fn a_check_accounts_for_every_entity_and_reads_the_hashes_where_asked() {
    let bench = chain();
    bench.call("run g.yaml").ends(4);
    let check = bench.call("runs check g.yaml last --json --hashes").ends(4).last();
    assert_eq!(
        (&check["entities"], &check["done"], &check["dead"], &check["open"]),
        (&3.into(), &2.into(), &1.into(), &0.into())
    );
    assert_eq!((&check["hashes"]["whole"], &check["hashes"]["broken"]), (&7.into(), &0.into()));
    assert_eq!(check["reasons"]["failed"], 1);
    // Changed in place: the stamp stays with the file and no longer fits its content.
    let mut file = std::fs::OpenOptions::new().append(true).open(bench.path("out/c/x.txt")).expect("there");
    file.write_all(b"half").expect("written");
    drop(file);
    let check = bench.call("runs check g.yaml last --json --hashes").ends(1).last();
    assert_eq!(check["hashes"]["broken_examples"][0], "out:c/x.txt");
}

#[test]
fn an_output_that_was_made_for_another_entity_is_named_by_a_check_of_hashes() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml").ends(0);
    // A copy with its stamp.
    let files = ["x", "z"].map(|id| bench.path(&format!("out/c/{id}.txt")));
    assert!(std::process::Command::new("cp").arg("-a").args(files).status().expect("cp").success());
    let check = bench.call("runs check g.yaml last --json --hashes").ends(1).last();
    assert_eq!(check["hashes"]["broken_examples"][0], "out:c/z.txt, which was made for `x`", "{check}");
}

#[test]
fn what_was_removed_after_a_run_is_open_and_resume_makes_just_that_again() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml").ends(0);
    std::fs::remove_file(bench.path("out/c/y.txt")).expect("removed");
    std::fs::remove_file(bench.path("out/b/y.txt")).expect("removed");
    let check = bench.call("runs check g.yaml last").ends(1);
    assert!(check.out.contains("1 open") && check.out.contains("b(y), c(y)"), "{check:?}");
    bench.call("runs resume g.yaml last -n").ends(1);
    let resumed = bench.call("runs resume g.yaml last --json").ends(0).facts();
    let summary = resumed.iter().find(|fact| fact["event"] == "summary").expect("a summary");
    assert_eq!((&summary["jobs"]["a"]["done"], &summary["jobs"]["b"]["done"]), (&0.into(), &1.into()));
    assert_eq!((&summary["jobs"]["c"]["done"], &summary["open"]), (&1.into(), &0.into()));
    assert!(bench.has("out/c/y.txt"));
    let run = bench.call("runs ls g.yaml --json").last();
    assert_eq!((&run["entities"], &run["ended"], &run["done"]), (&3.into(), &"complete".into(), &9.into()));
}

/// A run of these words, interrupted while it does its first work, which it finishes; and what it said at its end.
fn interrupted(words: &str) -> (Bench, Called) {
    let (bench, gate) = gated();
    let mut run = bench.start(words);
    until_first_work(&bench);
    let second = bench.call("run g.yaml").ends(1);
    assert!(second.err.contains(&format!("process {}", run.id())), "{second:?}");
    interrupt(run.id());
    let mut heard = vec![0; 9];
    run.stderr.as_mut().expect("a pipe").read_exact(&mut heard).expect("a word");
    assert_eq!(heard, b"stopping:");
    open(gate);
    let called = ended(run.wait_with_output().expect("it ends"));
    assert_eq!(called.code, 130, "{called:?}");
    assert_eq!(bench.files("out").len(), 1, "one was in hand");
    assert_eq!(bench.call("runs ls g.yaml --json").last()["ended"], "stopped");
    (bench, called)
}

#[test]
fn an_interrupt_finishes_what_is_in_hand_and_the_next_run_does_the_rest() {
    let (bench, stopped) = interrupted("run g.yaml");
    assert!(stopped.out.contains("`euterpe run g.yaml` goes on where this stopped"), "{stopped:?}");
    bench.call("run g.yaml").ends(0);
    assert_eq!(bench.files("out").len(), 3);
    bench.call("runs check g.yaml last").ends(0);
}

#[test]
fn a_forced_run_that_was_stopped_goes_on_and_does_not_begin_anew() {
    let (bench, stopped) = interrupted("run g.yaml --force");
    let resume = stopped.out.lines().find_map(|line| line.strip_prefix("stopped: `euterpe ")?.split('`').next());
    let resume = resume.unwrap_or_else(|| panic!("{stopped:?}"));
    assert!(resume.starts_with("runs resume g.yaml "), "{resume}");
    let first = bench.path("out").join(&bench.files("out")[0]);
    let file = || std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&first).expect("it is there"));
    let made = file();
    bench.call(resume).ends(0);
    assert_eq!(file(), made, "the first one was made again");
    assert_eq!(bench.files("out").len(), 3);
}

#[test]
fn a_run_whose_words_nobody_reads_any_more_stops_as_others_do() {
    let (bench, gate) = gated();
    let mut run = bench.start("run g.yaml");
    drop(run.stderr.take());
    until_first_work(&bench);
    let started = Instant::now();
    while run.try_wait().expect("asked").is_none() {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not stop");
        interrupt(run.id()); // the first is to finish what is in hand, any further one to end now
    }
    assert_eq!(run.wait().expect("ended").code(), Some(130));
    open(gate);
    assert_eq!(bench.call("runs ls g.yaml --json").last()["ended"], "stopped");
    bench.call("run g.yaml").ends(0);
    assert_eq!(bench.files("out").len(), 3);
}

#[test]
fn a_run_whose_terminal_is_closed_finishes_what_is_in_hand_and_records_its_end() {
    let (bench, gate) = gated();
    let mut run = bench.start("run g.yaml");
    until_first_work(&bench);
    send(run.id(), Signal::HUP);
    let mut heard = vec![0; 9];
    run.stderr.as_mut().expect("a pipe").read_exact(&mut heard).expect("a word");
    assert_eq!(heard, b"stopping:");
    send(run.id(), Signal::HUP); // the shell tells of it as well
    open(gate);
    let called = ended(run.wait_with_output().expect("it ends")).ends(130);
    assert_eq!(bench.files("out").len(), 1, "what was in hand was dropped: {called:?}");
    assert_eq!(bench.call("runs ls g.yaml --json").last()["ended"], "stopped");
}

#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    let (bench, gate) = gated();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" run g.yaml", env!("CARGO_BIN_EXE_euterpe")]);
    shell.current_dir(bench.path("")).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = shell.spawn().expect("it starts");
    until_first_work(&bench);
    send(run.id(), Signal::HUP);
    open(gate);
    ended(run.wait_with_output().expect("it ends")).ends(0);
    assert_eq!(bench.files("out").len(), 3);
}

#[test]
fn a_killed_run_is_open_and_resume_finishes_it() {
    let (bench, gate) = gated();
    let mut run = bench.start("run g.yaml");
    until_first_work(&bench);
    run.kill().expect("killed");
    run.wait().expect("ended");
    open(gate);
    let check = bench.call("runs check g.yaml last --json").ends(1).last();
    assert_eq!((&check["open"], &check["complete"]), (&3.into(), &false.into()));
    bench.call("runs resume g.yaml last").ends(0);
    assert_eq!(bench.files("out").len(), 3);
    bench.call("runs check g.yaml last --hashes").ends(0);
}

#[test]
fn what_failed_is_tried_once_by_a_resumption_and_once_by_a_retry_however_many_jobs_wait_for_it() {
    let bench = Bench::new(
        r#"
version: 1
graph: fails
stores: {out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [sh, -c, "echo {id} >> $HERE/tries; : {output}; exit 3"]}, out: "out:a/{id}.txt", pool: {workers: 2}}
  b: {use: json.merge, in: {a: a}, out: "out:b/{id}.json"}
  c: {use: json.merge, in: {b: b, a: a}, out: "out:c/{id}.json"}
"#,
    );
    let ids: Vec<String> = (0..200).map(|n| format!("t-{n:03}")).collect();
    bench.write("ids", &ids.join("\n"));
    let tries = || -> Vec<String> {
        let mut tries: Vec<String> = bench.read("tries").lines().map(str::to_owned).collect();
        tries.sort();
        tries
    };
    bench.call("run g.yaml --ids ids --max-dead 2").ends(130);
    assert!(tries().len() < 200, "it was to be stopped before its end");
    bench.call("runs resume g.yaml last").ends(4);
    assert_eq!(tries(), ids);
    let listed = bench.call("runs ls g.yaml --json").ends(0).last();
    assert_eq!(listed["dead_letters"].as_u64(), Some(200), "{listed}");
    bench.call("dead retry g.yaml").ends(4);
    assert_eq!(tries(), ids.iter().flat_map(|id| [id.clone(), id.clone()]).collect::<Vec<_>>());
}

#[test]
fn a_run_that_was_stopped_before_it_had_read_all_of_its_ids_is_never_complete() {
    let bench = chain();
    let mut run = bench.command("run g.yaml --force --ids -").stdin(Stdio::piped()).spawn().expect("it starts");
    let mut ids = run.stdin.take().expect("a pipe");
    ids.write_all(b"x\n").and_then(|()| ids.flush()).expect("written");
    until("its output", || bench.has("out/c/x.txt"));
    interrupt(run.id());
    let stopped = ended(run.wait_with_output().expect("it ends")).ends(130);
    assert!(stopped.out.contains("unread:  the ids were not read to their end"), "{stopped:?}");
    drop(ids);
    for _ in 0..2 {
        let resumed = bench.call("runs resume g.yaml last").ends(1);
        assert!(
            resumed.out.contains("1 done") && resumed.out.contains("had not read are in no account"),
            "{resumed:?}"
        );
    }
    let checked = bench.call("--json runs check g.yaml last").ends(1).last();
    assert_eq!(
        (&checked["open"], &checked["all_read"], &checked["complete"]),
        (&0.into(), &false.into(), &false.into())
    );
    let listed = bench.call("--json runs ls g.yaml").last();
    assert_eq!((&listed["ended"], &listed["all_read"]), (&"stopped".into(), &false.into()));
    assert!(bench.call("runs ls g.yaml").out.contains("stopped, ids unread"));
    let shown = bench.call("--json runs show g.yaml last").last();
    assert_eq!((&shown["end"]["complete"], &shown["all_read"]), (&false.into(), &false.into()));
    assert!(bench.call("runs show g.yaml last").out.contains("it has not said that it read all of them"));
    bench.call("run g.yaml x").ends(0);
    let listed = bench.call("--json runs ls g.yaml").last();
    assert_eq!((&listed["ended"], &listed["all_read"]), (&"complete".into(), &true.into()));
}

#[test]
fn a_killed_run_that_was_to_make_something_anew_has_not_ended_until_another_one_has_made_it() {
    let (bench, gate) = gated();
    open(gate);
    bench.call("run g.yaml").ends(0);
    let gate = std::process::Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a gate");
    bench.write("g.yaml", &GATED.replace("$PID", &gate.id().to_string()));
    bench.write("in/x.txt", "another");
    let mut run = bench.start("run g.yaml");
    until("the remake", || {
        let read = bench.files(".euterpe/gated/runs").iter().filter(|file| file.ends_with("read.json")).count();
        let homes = std::fs::read_dir(bench.path(".euterpe/gated/scratch")).into_iter().flatten().flatten();
        read == 2 && homes.flat_map(|home| std::fs::read_dir(home.path())).flatten().count() > 0
    });
    run.kill().expect("killed");
    run.wait().expect("ended");
    open(gate);
    let ended = |bench: &Bench| {
        let facts = bench.call("--json runs ls g.yaml").ends(0).facts();
        facts.iter().map(|run| run["ended"].as_str().expect("a word").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ended(&bench), ["complete", "unknown"]);
    bench.call("runs check g.yaml last").ends(1);
    bench.call("run g.yaml").ends(0);
    assert_eq!(ended(&bench), ["complete", "over", "complete"]);
    // What is replaced after that is the next run's.
    bench.write("in/z.txt", "another");
    assert_eq!(ended(&bench), ["complete", "over", "complete"]);
}
