//! `watch`: what comes, changes and goes is seen, also by a watcher that was killed; what is still being written waits.

use std::io::{BufRead, BufReader};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use super::runs::until;
use super::{Bench, ended};

/// A chain of two; each work of `a` leaves a line in `works`.
const GRAPH: &str = r#"
version: 1
graph: g
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [sh, -c, 'cp "$0" "$1" && echo "$2" >> $HERE/works', "{input}", "{output}", "{id}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: a}, out: "out:b/{id}.txt"}
"#;

fn bench() -> Bench {
    let bench = Bench::new(GRAPH);
    for id in ["x", "y"] {
        bench.write(&format!("in/{id}.txt"), id);
    }
    bench
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it runs");
}

/// How often `a` worked on each entity, sorted.
fn works(bench: &Bench) -> Vec<String> {
    let mut works: Vec<String> = bench.read("works").lines().map(str::to_owned).collect();
    works.sort();
    works
}

#[test]
fn what_somebody_may_still_be_writing_is_left_to_the_next_run_and_told() {
    let bench = bench();
    let waits = bench.call("--json watch g.yaml --once --settle 1h").ends(0).last();
    assert_eq!((&waits["entities"], &waits["passed_over_by_kind"]["being_written"]), (&0.into(), &2.into()), "{waits}");
    assert!(bench.files("out").is_empty());
    let made = bench.call("--json watch g.yaml --once --settle 0s").ends(0).last();
    assert_eq!((&made["entities"], &made["jobs"]["b"]["done"]), (&2.into(), &2.into()), "{made}");
    // What was made is good, although its source may be about to change: then it is seen as such.
    let waits = bench.call("--json watch g.yaml --once --settle 1h").ends(0).last();
    assert_eq!(waits["passed_over"], 2, "{waits}");
    assert_eq!(works(&bench), ["x", "y"]);
}

#[test]
fn what_comes_changes_and_goes_is_seen_until_the_watcher_is_stopped() {
    let bench = bench();
    let watcher = bench.start("watch g.yaml --settle 0s");
    until("the first run is over", || bench.has("out/b/x.txt") && bench.has("out/b/y.txt"));
    bench.write("in/album/z.txt", "z"); // in a folder that was not there
    until("what came is made", || bench.has("out/b/album/z.txt"));
    bench.write("in/x.txt", "another master");
    until("what changed is made anew", || bench.read("out/b/x.txt") == "another master");
    // Between two runs the state is free for another verb.
    until("nobody has the state", || bench.call("run g.yaml").code == 0);
    std::fs::remove_file(bench.path("in/y.txt")).expect("removed");
    // The graph file is read anew for each run.
    bench.write("g.yaml", &bench.read("g.yaml").replace("out:b/", "out:second/"));
    bench.write("in/last.txt", "last");
    until("what came last is made as the graph file says now", || bench.has("out/second/last.txt"));
    signal(&watcher, Signal::TERM);
    let said = ended(watcher.wait_with_output().expect("it ends"));
    assert!([0, 130].contains(&said.code), "{said:?}");
    assert_eq!(works(&bench), ["album/z", "last", "x", "x", "y"]);
}

#[test]
fn a_watcher_that_is_killed_again_and_again_misses_nothing_and_makes_nothing_twice() {
    let bench = bench();
    for round in 0..5 {
        let mut watcher = bench.start("watch g.yaml --settle 0s");
        let (early, late) = (format!("early-{round}"), format!("late-{round}"));
        bench.write(&format!("in/{early}.txt"), &early);
        until("what came is made", || bench.has(&format!("out/b/{early}.txt")));
        signal(&watcher, Signal::KILL);
        watcher.wait().expect("it ends");
        bench.write(&format!("in/{late}.txt"), &late); // while nobody watches
    }
    bench.call("watch g.yaml --once --settle 0s").ends(0);
    let mut want: Vec<String> = (0..5).flat_map(|round| [format!("early-{round}"), format!("late-{round}")]).collect();
    want.extend(["x".to_owned(), "y".to_owned()]);
    want.sort();
    assert!(want.iter().all(|id| bench.has(&format!("out/b/{id}.txt"))), "{:?}", bench.files("out"));
    let mut distinct = works(&bench);
    distinct.dedup();
    assert_eq!(distinct, want);
    assert!(
        works(&bench).len() <= want.len() + 5,
        "only what was in hand at a kill is made again: {:?}",
        works(&bench)
    );
}

#[test]
fn what_keeps_the_first_look_from_being_done_ends_the_watcher_and_later_trouble_does_not() {
    let bench = bench();
    let invalid = bench.read("g.yaml").replace("use: command", "use: comand");
    bench.write("bad.yaml", &invalid);
    bench.call("watch bad.yaml").ends(3);
    assert!(bench.call("watch g.yaml --settle soon").ends(2).err.contains("`soon` is no time"));
    let watcher = bench.start("watch g.yaml --settle 0s --every 1s");
    until("the first run is over", || bench.has("out/b/x.txt") && bench.has("out/b/y.txt"));
    let valid = bench.read("g.yaml");
    bench.write("g.yaml", &invalid);
    bench.write("in/z.txt", "z");
    std::fs::rename(bench.path("in"), bench.path("away")).expect("moved");
    std::fs::rename(bench.path("away"), bench.path("in")).expect("moved back");
    bench.write("g.yaml", &valid);
    bench.write("in/z2.txt", "z2");
    until("it goes on", || bench.has("out/b/z.txt") && bench.has("out/b/z2.txt"));
    signal(&watcher, Signal::TERM);
    watcher.wait_with_output().expect("it ends");
}

#[test]
fn what_changes_while_the_graph_file_is_not_valid_is_made_when_it_is_again() {
    let bench = bench();
    let mut watcher = bench.start("watch g.yaml --settle 0s");
    let said = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let listener = std::thread::spawn({
        let (said, pipe) = (said.clone(), watcher.stderr.take().expect("a pipe"));
        move || {
            for line in BufReader::new(pipe).lines() {
                said.lock().expect("a lock").push_str(&format!("{}\n", line.expect("a line")));
            }
        }
    });
    let has_said = |text: &str| said.lock().expect("a lock").matches(text).count();
    until("the first run is over", || bench.has("out/b/x.txt") && bench.has("out/b/y.txt"));
    let graph = bench.read("g.yaml");
    bench.write("g.yaml", &format!("{graph}bogus: 1\n"));
    bench.write("in/x.txt", "another master");
    until("it is seen", || has_said("the graph file is not valid") == 1);
    bench.write("g.yaml", &graph);
    until("what changed meanwhile is made", || bench.read("out/b/x.txt") == "another master");
    signal(&watcher, Signal::TERM);
    watcher.wait().expect("it ends");
    listener.join().expect("read");
    assert_eq!(has_said("no key `bogus` here"), 1, "{}", said.lock().expect("a lock"));
}
