//! An output that was lost and comes otherwise when it is made again: what hangs below is followed, by a run and by its resumption.

use std::process::Child;

use super::super::Bench;
use super::{counted, done, numbers, remove};

/// Each job tells its name when it works. `b` comes otherwise each time, and waits where it is told to. `d` is made from it and
/// from `c`, and `e` from `d`; `f` from what is made of `b`, and from `b` itself.
const GRAPH: &str = r#"
version: 1
graph: g
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [sh, $HERE/job.sh, a, "{output}", "{input}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [sh, $HERE/job.sh, b, "{output}", "{input}"]}, in: {x: a}, out: "out:b/{id}.txt"}
  c: {use: command, with: {argv: [sh, $HERE/job.sh, c, "{output}", "{input}"]}, in: {x: a}, out: "out:c/{id}.txt"}
  d:
    use: command
    with: {argv: [sh, $HERE/job.sh, d, "{output}", "{input.l}", "{input.r}"]}
    in: {l: b, r: c}
    out: "out:d/{id}.txt"
  e: {use: command, with: {argv: [sh, $HERE/job.sh, e, "{output}", "{input}"]}, in: {x: d}, out: "out:e/{id}.txt"}
  f:
    use: command
    with: {argv: [sh, $HERE/job.sh, f, "{output}", "{input.l}", "{input.r}"]}
    in: {l: b, r: d}
    out: "out:f/{id}.txt"
"#;

const JOB: &str = r#"here=${0%/*} job=$1 to=$2
shift 2
echo $job >> $here/log
if [ $job = b ]; then
  if [ -e $here/stop ]; then touch $here/begun; while ! [ -e $here/killed ]; do :; done; fi
  cat "$@" > $to
  date +%s%N >> $to
else
  cat "$@" > $to
fi
"#;

fn made() -> Bench {
    let bench = Bench::new(GRAPH);
    bench.write("job.sh", JOB);
    bench.write("in/t.txt", "sound ");
    assert_eq!(done(&bench, ""), numbers("a 1 b 1 c 1 d 1 e 1 f 1"));
    remove(&bench, "log");
    bench
}

/// Each output holds what comes of those that are there now, and a further run has nothing to do.
fn is_settled(bench: &Bench, why: &str) {
    let [a, b, c, d, e, f] = ["a", "b", "c", "d", "e", "f"].map(|job| bench.read(&format!("out/{job}/t.txt")));
    assert_eq!((&a, &c), (&bench.read("in/t.txt"), &a), "{why}");
    assert!(b.starts_with(&a), "{why}");
    assert_eq!((&d, &e, f), (&format!("{b}{c}"), &d, format!("{b}{d}")), "{why}");
    let said = bench.call("run g.yaml").ends(0).out;
    assert!(said.starts_with("nothing to do"), "{why}: {said}");
}

#[test]
fn it_is_followed_by_the_run_that_makes_it_again_and_each_job_is_counted_once() {
    for lost in [&["b"][..], &["b", "e"], &["b", "d"]] {
        let bench = made();
        lost.iter().for_each(|job| remove(&bench, &format!("out/{job}/t.txt")));
        let ran = bench.call("run g.yaml --json").ends(0).last();
        let [made, there] = ["done", "exists"].map(|key| counted(&ran["jobs"], key));
        assert_eq!((made, there), (numbers("b 1 d 1 e 1 f 1"), numbers("a 1 c 1")), "{lost:?}");
        is_settled(&bench, &format!("{lost:?}"));
    }
}

/// Kills a run while `b` is at work, and takes it up again. Returns what worked then, in the order of names.
fn resumed(bench: &Bench, selection: &str, is_far: impl Fn() -> bool) -> String {
    bench.write("stop", "");
    let mut run: Child = bench.start(&format!("run g.yaml {selection}"));
    while !bench.has("begun") || !is_far() {
        assert!(run.try_wait().expect("asked").is_none(), "it ended");
        std::thread::yield_now();
    }
    run.kill().expect("killed");
    run.wait().expect("it ended");
    bench.write("killed", "");
    remove(bench, "stop");
    remove(bench, "log");
    // It may have been killed before it had noted that it had read all ids: then the exit code is 1.
    let resumed = bench.call("runs resume g.yaml last").out;
    assert!(resumed.contains("0 open"), "{resumed}");
    let log = bench.read("log");
    let mut worked: Vec<&str> = log.lines().collect();
    worked.sort_unstable();
    worked.join(" ")
}

#[test]
fn it_is_followed_by_the_resumption_that_makes_it_again() {
    let bench = made();
    remove(&bench, "out/b/t.txt");
    assert_eq!(resumed(&bench, "", || true), "b d e f");
    is_settled(&bench, "lost");
}

#[test]
fn nothing_is_made_by_a_resumption_of_what_is_still_out_of_date() {
    for (selection, makes) in [("", "b d e f"), ("--job f --bottom-up t", "b d f")] {
        let bench = made();
        bench.write("in/t.txt", "another sound ");
        // `c` is made by then: else it would be made by the resumption.
        let is_made = || bench.read("out/c/t.txt") == bench.read("in/t.txt");
        assert_eq!(resumed(&bench, selection, is_made), makes, "{selection}");
        bench.call("run g.yaml").ends(0);
        is_settled(&bench, selection);
    }
}
