//! `logs` without a broker: the lines of a run, filtered, followed, hostile, damaged, not there.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Bench, CHAIN, ended};

/// The chain, whose `a` and `c` say what they do and whose `b` fails twice for `y`, run once.
fn failed() -> Bench {
    let bench = Bench::new(&CHAIN.replace("retries: 0", "retries: 1, backoff: 1ms").replace("[cp, ", "[cp, -v, "));
    ["x", "y"].into_iter().for_each(|id| bench.write(&format!("in/{id}.txt"), id));
    bench.write("fix/x", "fixed");
    bench.call("run g.yaml").ends(4);
    bench
}

/// A graph of one command of the shell, which may use `{input}` and `{output}`.
fn shell(script: &str) -> Bench {
    let graph = "version: 1\ngraph: g\nstores: {in: ./in, out: ./out}\ndefaults: {retries: 0}\njobs:\n  a: {use: command, \
         with: {argv: [sh, $HERE/a.sh, \"{input}\", \"{output}\"]}, in: {text: \"in:{id}.txt\"}, out: \"out:{id}.txt\"}\n";
    let bench = Bench::new(graph);
    bench.write("a.sh", script);
    bench.write("in/x.txt", "x");
    bench
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["message"].as_str().unwrap_or_else(|| panic!("no message: {line}"))).collect()
}

#[test]
fn the_lines_of_a_run_are_shown_for_people_and_as_json() {
    let bench = failed();
    let shown = bench.call("logs g.yaml").ends(0);
    let dead = shown.out.lines().find(|line| line.contains("dead: ")).unwrap_or_else(|| panic!("{shown:?}"));
    assert!(dead[10..].starts_with('T') && dead[23..].starts_with("Z WARN  b(y) try 2: "), "{dead}");
    let lines = bench.call("logs g.yaml --json").ends(0).facts();
    let run = bench.call("runs show g.yaml last --json").ends(0).last()["manifest"]["run"].clone();
    let dead = lines.iter().find(|line| line["message"].as_str().is_some_and(|text| text.starts_with("dead: ")));
    let dead = dead.unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!((&dead["job"], &dead["entity"], &dead["attempt"]), (&"b".into(), &"y".into(), &1.into()));
    assert_eq!((&dead["run"], &dead["level"], &dead["reason"]), (&run, &"WARN".into(), &"failed".into()));
    assert!(dead["timestamp"].is_string() && dead.get("node").is_none(), "{dead}");
}

#[test]
fn lines_are_chosen_by_job_id_run_time_level_and_number() {
    let bench = failed();
    let all = bench.call("logs g.yaml --json").ends(0).facts();
    let chosen = |words: &str| bench.call(&format!("logs g.yaml --json {words}")).ends(0).facts();
    let of_b: Vec<Value> = all.iter().filter(|line| line["job"] == "b").cloned().collect();
    assert_eq!((of_b.len(), all.len()), (2, 5), "{all:#?}");
    assert_eq!(chosen("b"), of_b);
    assert_eq!(chosen("b --id y --id x"), of_b);
    assert_eq!((chosen("--id x").len(), chosen("a --id x").len()), (2, 1));
    assert_eq!(chosen("b -n 1"), of_b[of_b.len() - 1..]);
    assert_eq!(chosen("--run last --since 1h --level info"), all);
    for none in ["a --id y --level error", "--id nosuch", "--since 2100-01-01T00:00:00Z", "--tail 0"] {
        let called = bench.call(&format!("logs g.yaml {none}")).ends(0);
        assert!(called.out.is_empty() && called.err.contains("no line fits what was asked for"), "{none}: {called:?}");
    }
    assert!(bench.call("logs g.yaml bb").ends(2).err.contains("did you mean"));
    assert!(bench.call("logs g.yaml --since yesterday").ends(2).err.contains("`yesterday` is no time"));
    assert!(bench.call("logs g.yaml --run nosuch").ends(2).err.contains("no run `nosuch`"));
}

#[test]
fn hostile_output_steers_no_terminal_and_forges_no_line() {
    let forged = "2026-11-29T10:00:00.000Z ERROR a(forged): boo";
    let bench = shell(&format!(
        "head -c 65536 /dev/zero | tr '\\0' y\necho\n\
         printf '\\033[2Jone\\r\\n{forged}\\n\\377\\376 two\\n\\302\\2333m\\n'\nprintf '{{\"level\":\"ERROR\"}}\\n'; cp \"$1\" \"$2\"\n"
    ));
    bench.call("run g.yaml").ends(0);
    let shown = bench.call("logs g.yaml").ends(0).out;
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    assert!(
        shown.contains("\\u{1b}[2Jone") && shown.contains("\u{fffd}\u{fffd} two") && shown.contains("\\u{9b}3m"),
        "{shown}"
    );
    assert!(shown.lines().all(|line| line.contains("Z INFO  a(x): ") || line.starts_with("    ")), "{shown}");
    let lines = bench.call("logs g.yaml --json").ends(0).facts();
    assert!(lines.iter().all(|line| line["level"] == "INFO" && line["entity"] == "x"), "{lines:#?}");
    let texts = messages(&lines);
    assert!(texts.contains(&forged) && texts.contains(&"\u{1b}[2Jone"), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("yyyy")), "what is long is there up to its bound: {texts:?}");
}

/// Starts `logs -f`, and reads its first line.
fn follow(bench: &Bench) -> (Child, BufReader<ChildStdout>, String) {
    let mut follower = bench.start("logs g.yaml -f");
    let (mut out, mut line) = (BufReader::new(follower.stdout.take().expect("a pipe")), String::new());
    out.read_line(&mut line).expect("read");
    (follower, out, line)
}

#[test]
fn a_follower_sees_what_comes_and_ends_with_the_run_with_its_reader_and_with_ctrl_c() {
    // The work for the first entity ends at once, that for the others when it is told to.
    let bench = shell("case $1 in *x.txt) ;; *) read go < $HERE/go ;; esac; echo \"done with $1\"; cp \"$1\" \"$2\"\n");
    bench.write("a.sh", &bench.read("a.sh").replace("$HERE", bench.path("").to_str().expect("text")));
    ["y", "z"].into_iter().for_each(|id| bench.write(&format!("in/{id}.txt"), id));
    assert!(std::process::Command::new("mkfifo").arg(bench.path("go")).status().expect("mkfifo").success());
    // Whoever writes to it waits until the work reads from it.
    let go = || std::fs::File::options().write(true).open(bench.path("go")).expect("opened").write_all(b"go\n");
    let run = bench.start("run g.yaml -j 1 x y z");
    crate::rabbit::soon("the run logs", std::time::Duration::from_secs(20), || {
        bench.call("logs g.yaml").out.contains("a(x): done")
    });
    let (to_the_end, mut out, first) = follow(&bench);
    let (without_reader, closed, _) = follow(&bench);
    let (interrupted, _open, _) = follow(&bench);
    assert!(first.contains("a(x): done"), "{first}");
    drop(closed);
    go().expect("written");
    let called = ended(without_reader.wait_with_output().expect("it ends")).ends(0);
    assert_eq!(called.err, "", "a closed pipe is no failure");
    let pid = Pid::from_raw(interrupted.id() as i32).expect("a process");
    kill_process(pid, Signal::INT).expect("signalled");
    assert_eq!(ended(interrupted.wait_with_output().expect("it ends")).ends(0).err, "");
    go().expect("written");
    assert_eq!(ended(run.wait_with_output().expect("it ends")).code, 0);
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("read");
    assert!(rest.contains("a(y): done") && rest.contains("a(z): done"), "{rest}");
    assert_eq!(ended(to_the_end.wait_with_output().expect("it ends")).ends(0).err, "");
}

#[test]
fn damaged_lines_are_counted_and_a_log_that_is_not_there_is_told_with_what_to_do() {
    let bench = failed();
    let log = bench.call("runs show g.yaml last --json").ends(0).last()["log"].as_str().expect("a log").to_owned();
    let log = format!(".euterpe/chain/{log}");
    let whole = bench.call("logs g.yaml").ends(0).out;
    bench.write(&log, &format!("{{\"half\n{}{{\"cut off", bench.read(&log)));
    let damaged = bench.call("logs g.yaml").ends(0);
    assert!(damaged.out == whole && damaged.err.contains("2 lines of the log cannot be read"), "{damaged:?}");
    std::fs::remove_file(bench.path(&log)).expect("removed");
    let gone = bench.call("logs g.yaml").ends(1);
    assert!(gone.err.contains("has no log") && gone.err.contains("--broker"), "{gone:?}");
    // A former version kept it as text.
    let former = log.replace("log.jsonl", "log.txt");
    bench.write(&former, "2026 INFO it was so\n");
    let told = bench.call("logs g.yaml").ends(1).err;
    assert!(told.contains("a former version wrote the log of run") && told.contains("/log.txt`"), "{told}");
    let shown = bench.call("runs show g.yaml last").ends(0).out;
    assert!(shown.contains("/log.txt (in ") && !shown.contains("euterpe logs"), "{shown}");
    std::fs::remove_file(bench.path(&former)).expect("removed");
    std::fs::remove_dir_all(bench.path(".euterpe")).expect("removed");
    assert!(bench.call("logs g.yaml").ends(2).err.contains("there is no run yet"));
}
