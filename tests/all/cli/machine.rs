//! A machine in trouble: no threads, no scratch folder, a full disk, files that may not grow, a program that is away. It is
//! told, and no entity pays for it.

use std::io::{BufRead, BufReader};
use std::os::unix::{fs::PermissionsExt, process::ExitStatusExt};
use std::process::{Command, Stdio};

use super::{Bench, chain, ended};
use crate::disk::Disk;

/// One job whose first try says so by the file `tried`.
fn tries(script: &str) -> Bench {
    let graph = r#"
version: 1
graph: tries
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [sh, -c, 'SCRIPT', "{input}", "{output}"]}, in: {text: "in:{id}.txt"}, out: "out:{id}.txt"}
"#;
    let script = format!("if ! [ -e $HERE/tried ]; then touch $HERE/tried; {script}; exit 1; fi; cp \"$0\" \"$1\"");
    let bench = Bench::new(&graph.replace("SCRIPT", &script));
    bench.write("in/t.txt", "sound");
    bench
}

#[test]
fn a_process_that_can_start_no_thread_says_so_and_takes_no_source_for_empty() {
    let bench = chain();
    bench.call("run g.yaml").ends(4);
    // No address space holds such a stack, so no thread starts that does not say how large its stack is.
    let no_threads = [("RUST_MIN_STACK", "1152921504606846976")];
    for words in ["run g.yaml", "plan g.yaml", "runs ls g.yaml", "dead ls g.yaml", "runs check g.yaml last"] {
        let called = bench.call_with(words, &no_threads).ends(1);
        assert!(called.err.contains("no further thread can be started; raise the limit"), "{called:?}");
        assert!(!called.err.contains("panicked"), "{called:?}");
    }
}

#[test]
fn a_scratch_folder_that_cannot_be_used_is_named_before_work_begins_and_by_verify() {
    let bench = chain();
    bench.write(".euterpe/chain/scratch", "no folder");
    for words in ["run g.yaml", "verify g.yaml"] {
        let called = bench.call(words).ends(1);
        let said = called.out.clone() + &called.err;
        assert!(said.contains("chain/scratch cannot be used") && said.contains("move it away"), "{called:?}");
    }
    assert!(bench.files("out").is_empty());
    std::fs::remove_file(bench.path(".euterpe/chain/scratch")).expect("removed");
    bench.call("verify g.yaml").ends(0);
    bench.call("run g.yaml").ends(4);
}

#[test]
fn a_program_whose_scratch_folder_is_taken_away_spends_no_try() {
    let bench = tries("rm -rf $HERE/.euterpe/tries/scratch");
    let called = bench.call("run g.yaml").ends(0);
    assert!(called.err.contains("the scratch folder") && called.err.contains("somebody removed it"), "{called:?}");
    assert_eq!(bench.read("out/t.txt"), "sound");
}

#[test]
fn a_program_whose_source_folder_is_gone_for_a_while_spends_no_try() {
    let bench = tries("mv $HERE/in $HERE/away");
    let mut run = bench.start("run g.yaml");
    let mut said = BufReader::new(run.stderr.take().expect("piped")).lines().map(|line| line.expect("text"));
    assert!(said.any(|line| line.contains("is the disk mounted?")), "ended without a word about it");
    std::fs::rename(bench.path("away"), bench.path("in")).expect("mounted again");
    let rest: Vec<String> = said.collect();
    assert!(run.wait().expect("waited for").success(), "{rest:?}");
    assert_eq!(bench.read("out/t.txt"), "sound");
}

#[test]
fn a_source_folder_that_an_empty_one_replaces_makes_no_dead_letters() {
    let bench = tries("mv $HERE/in $HERE/away; mkdir $HERE/in");
    bench.write("in/u.txt", "sound");
    let mut run = bench.start("run g.yaml -j 1");
    let mut said = BufReader::new(run.stderr.take().expect("piped")).lines().map(|line| line.expect("text"));
    assert!(
        said.any(|line| line.contains("is not the one that was opened, and empty")),
        "ended without a word about it"
    );
    std::fs::rename(bench.path("away"), bench.path("in")).expect("moved back");
    let rest: Vec<String> = said.collect();
    assert!(run.wait().expect("waited for").success(), "{rest:?}");
    assert_eq!((bench.read("out/t.txt"), bench.read("out/u.txt")), ("sound".into(), "sound".into()));
}

#[test]
fn a_run_goes_on_when_the_disk_of_its_sources_is_mounted_again() {
    let bench = tries("umount -l $HERE/in");
    let [source, again] = ["in", "again"].map(|place| Disk::at(&bench.path(place), 1));
    let (Some(_source), Some(again)) = (source, again) else { return };
    for place in ["in", "again"] {
        bench.write(&format!("{place}/t.txt"), "sound");
    }
    let mut run = bench.start("run g.yaml");
    let mut said = BufReader::new(run.stderr.take().expect("piped")).lines().map(|line| line.expect("text"));
    assert!(said.any(|line| line.contains("is the disk mounted?")), "ended without a word about it");
    again.show_at(&bench.path("in")); // with all that is in it, and the number of another device
    let rest: Vec<String> = said.collect();
    assert!(run.wait().expect("waited for").success(), "{rest:?}");
    assert_eq!(bench.read("out/t.txt"), "sound");
}

#[test]
fn a_plan_goes_on_where_one_source_may_not_be_read_and_so_does_its_story() {
    let bench = tries("true");
    bench.write("in/u.txt", "sound");
    let rights = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(bench.path("in/u.txt"), rights).expect("set");
    let without_rights = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_euterpe")]).args(words);
        ended(command.current_dir(bench.path("")).output().expect("setpriv")).ends(0)
    };
    let plan = without_rights(&["plan", "g.yaml", "--json"]).last();
    assert_eq!((&plan["jobs"]["a"]["make"], &plan["jobs"]["a"]["blocked"]), (&1.into(), &1.into()), "{plan}");
    assert_eq!(plan["blocked"][0]["reason"], "input_unreadable", "{plan}");
    let story = without_rights(&["explain", "g.yaml", "u"]).out;
    assert!(
        story.contains("a(u)  is blocked (input_unreadable)") && story.contains("give this user the right"),
        "{story}"
    );
}

#[test]
fn a_run_that_is_stopped_while_a_source_may_not_be_read_names_it_and_the_remedy() {
    let bench = tries("true");
    bench.write("tried", "");
    bench.call("run g.yaml").ends(0);
    bench.write("in/u.txt", "sound");
    let may_be_read = |mode| {
        let rights = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(bench.path("in/u.txt"), rights).expect("set");
    };
    may_be_read(0o000);
    // Not even root may read it without its capabilities.
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_euterpe"), "run", "g.yaml"]);
    command.current_dir(bench.path("")).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = command.spawn().expect("setpriv");
    let says = "could not look for `u.txt`: not allowed; give this user the right to it";
    let mut said = BufReader::new(run.stderr.take().expect("piped")).lines().map(|line| line.expect("text"));
    assert!(said.any(|line| line.contains(says)), "ended without a word about it");
    let pid = rustix::process::Pid::from_child(&run);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("told");
    said.for_each(drop);
    let called = ended(run.wait_with_output().expect("waited for")).ends(130);
    assert!(called.out.contains(&format!("waits:   a: {says}")), "{called:?}");
    may_be_read(0o644);
    bench.call("run g.yaml").ends(0);
    assert_eq!(bench.read("out/u.txt"), "sound");
}

#[test]
fn a_file_beyond_the_limit_of_file_sizes_is_an_error_and_no_silent_end() {
    let bench = chain();
    let script = "ulimit -f 0; exec \"$0\" run g.yaml";
    let mut command = Command::new("sh");
    command.current_dir(bench.path("")).args(["-c", script, env!("CARGO_BIN_EXE_euterpe")]);
    let ended = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!((ended.status.code(), ended.status.signal()), (Some(1), None), "{said}");
    assert!(said.contains("ulimit -f"), "{said}");
}

#[test]
fn a_run_whose_folder_of_outputs_is_exchanged_does_not_call_done_what_lies_in_the_former_one() {
    let graph = r#"
version: 1
graph: exchanged
stores: {in: ./in, out: ./out}
jobs:
  a: {use: command, with: {argv: [sh, -c, 'SCRIPT; cp "$0" "$1"', "{input}", "{output}"]}, in: {text: "in:{id}.txt"}, out: "out:{id}.txt"}
"#;
    let script = "if ls $HERE/out/*.txt && ! [ -e $HERE/away ]; then mv $HERE/out $HERE/away; mkdir $HERE/out; fi";
    let bench = Bench::new(&graph.replace("SCRIPT", script));
    ["t", "u", "v"].into_iter().for_each(|id| bench.write(&format!("in/{id}.txt"), id));
    let called = bench.call("--json run g.yaml -j 1").ends(1);
    assert!(called.err.contains("neither an output nor a record is in the stores: a("), "{called:?}");
    assert_eq!((bench.files("away").len(), bench.files("out").len()), (1, 2));
    bench.call("runs check g.yaml last").ends(1);
    bench.call("runs resume g.yaml last").ends(0);
    assert_eq!(bench.files("out"), ["t.txt", "u.txt", "v.txt"]);
    bench.call("runs check g.yaml last").ends(0);
}

#[test]
fn a_program_that_ends_well_although_the_disk_is_full_has_not_done_its_work() {
    let full = "head -c 9000000 /dev/zero > \"$1\" 2> $HERE/said; echo \"sox: No space left on device\" >&2; exit 0";
    let bench = tries(full);
    let Some(called) = bench.call_on_small_disk("run g.yaml") else { return };
    let called = called.ends(0);
    assert!(bench.read("said").contains("No space left"), "the disk is large");
    assert!(called.err.contains("ended as if all were well, but said: sox: No space left"), "{called:?}");
    assert!(called.err.contains("is full, or was; free some room"), "{called:?}");
    assert_eq!(bench.read("out/t.txt"), "sound");
}

#[test]
fn a_program_that_found_no_room_for_a_moment_has_not_done_its_work() {
    let moment = "head -c 9000000 /dev/zero > fill 2> $HERE/said; rm fill; echo \"sox: No space left on device\" >&2; : > \"$1\"; exit 0";
    let bench = tries(moment);
    let Some(called) = bench.call_on_small_disk("run g.yaml") else { return };
    let called = called.ends(0);
    assert!(called.err.contains("is full, or was; free some room"), "{called:?}");
    assert_eq!(bench.read("out/t.txt"), "sound");
}

#[test]
fn a_program_that_is_away_in_mid_run_spends_no_try_and_goes_on_when_it_is_back() {
    let graph = r#"
version: 1
graph: away
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {ARGV, "{input}", "{output}"], env: {PATH: "$HERE/bin:/usr/bin:/bin"}}, in: {text: "in:{id}.txt"}, out: "out:{id}.txt", pool: {workers: 1}}
"#;
    // Below the folder of the graph it is code of the job, by its name a program of the machine.
    for argv in ["argv: [./bin/tool", "argv: [tool"] {
        let bench = Bench::new(&graph.replace("ARGV", argv));
        let here = bench.path("").display().to_string();
        bench.write("bin/tool", &format!("#!/bin/sh\ncp \"$1\" \"$2\"; mv {here}/bin/tool {here}/bin/away\n"));
        std::fs::set_permissions(bench.path("bin/tool"), std::fs::Permissions::from_mode(0o755)).expect("set");
        for id in ["t", "u"] {
            bench.write(&format!("in/{id}.txt"), "sound");
        }
        let mut run = bench.start("run g.yaml");
        let mut said = BufReader::new(run.stderr.take().expect("piped")).lines().map(|line| line.expect("text"));
        assert!(said.any(|line| line.contains("put it back")), "{argv} ended without a word about it");
        std::fs::rename(bench.path("bin/away"), bench.path("bin/tool")).expect("it is back");
        let rest: Vec<String> = said.collect();
        assert!(run.wait().expect("waited for").success(), "{argv}: {rest:?}");
        assert_eq!(bench.read("out/t.txt") + &bench.read("out/u.txt"), "soundsound");
    }
}
