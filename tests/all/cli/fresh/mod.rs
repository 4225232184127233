//! What was made from something else than what is there now: sources that were replaced, parents that were made anew, jobs
//! that were changed: what is more than a case of the table in `freshness`.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use super::Bench;
use crate::counts::{counted, numbers};

mod asked; //    what a run makes anew because it was asked to
mod between; //  what is missing between a source and an output, runs that were stopped
mod declared; // what every verb says alike of outputs that were accepted, touched, put there, retried
mod given_up; // what could not be made anew: told once, and by one word
mod inputs; //   jobs that read other inputs now
mod jobs; //     changed jobs, moved sources
mod lost; //     outputs that were lost and come otherwise
mod parts; //    catalogues that do not fit into --memory

pub const GRAPH: &str = r#"
version: 1
graph: g
stores: {in: ./in, notes: ./notes, out: ./out}
defaults: {retries: 0}
jobs:
  a:
    use: command
    with: {argv: [./upper.sh, "{input.x}", "{output}"]}
    in: {x: "in:{id}.txt"}
    out: "out:a/{id}.txt"
  b: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: a}, out: "out:b/{id}.txt"}
  m: {use: json.merge, in: {j: "in:{id}.json", note: {from: "notes:{id}.json", optional: true}}, out: "out:m/{id}.json"}
  pair:
    use: command
    with: {argv: [sh, -c, "cat {input.l} {input.r} > {output}"]}
    entity: "{l},{r}"
    in: {l: {from: b, id: "{l}"}, r: {from: b, id: "{r}"}}
    out: "out:pair/{l}+{r}.txt"
"#;

/// The program of job `a`.
fn script(bench: &Bench, text: &str) {
    bench.write("upper.sh", &format!("#!/bin/sh\n{text}\n"));
    fs::set_permissions(bench.path("upper.sh"), fs::Permissions::from_mode(0o755)).expect("set");
}

/// Three tracks and a pair, all made, and nothing to do.
fn made() -> Bench {
    let bench = Bench::new(GRAPH);
    script(&bench, "tr a-z A-Z < \"$1\" > \"$2\"");
    for id in ["t1", "t2", "t3"] {
        bench.write(&format!("in/{id}.txt"), &format!("sound of {id}"));
    }
    bench.write("in/t1.json", "{\"k\": 1}");
    bench.write("notes/other.json", "{}");
    bench.write("ids", "t1\nt2\nt3\nt1,t2\n");
    assert_eq!(done(&bench, ALL), numbers("a 3 b 3 pair 1"));
    assert_eq!(done(&bench, "--job m t1"), numbers("m 1"));
    settled(&bench);
    bench
}

/// The jobs `a`, `b` and `pair`, whose ids are in a file.
const ALL: &str = "--only a,b,pair --ids ids";

/// What a run makes.
fn done(bench: &Bench, selection: &str) -> BTreeMap<String, u64> {
    let ran = bench.call(&format!("run g.yaml --json {selection}")).ends(0).last();
    counted(&ran["jobs"], "done")
}

/// What `plan` says that a run would make.
fn planned(bench: &Bench, selection: &str) -> BTreeMap<String, u64> {
    let plan = bench.call(&format!("plan g.yaml --json {selection}")).ends(0).last();
    counted(&plan["jobs"], "make")
}

/// A further run has nothing to do, and says so.
fn settled(bench: &Bench) {
    let said = bench.call(&format!("run g.yaml {ALL}")).ends(0).out;
    assert!(said.starts_with("nothing to do"), "{said}");
}

/// Gives a file a time of long ago, as a copy that keeps times has it.
fn age(bench: &Bench, below: &str) {
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = File::options().append(true).open(bench.path(below)).expect("opened");
    file.set_times(FileTimes::new().set_modified(then)).expect("set");
}

fn remove(bench: &Bench, below: &str) {
    fs::remove_file(bench.path(below)).expect("removed");
}

#[test]
fn a_replaced_source_is_followed_whichever_way_its_entity_is_asked_for() {
    for (selection, makes) in [
        ("--only a,b t1", "a 1 b 1"),
        ("--only a,b,pair --ids ids", "a 1 b 1 pair 1"),
        ("--only a,b", "a 1 b 1"),
        ("--job b --bottom-up t1", "a 1 b 1"),
        ("--job pair --bottom-up t1,t2", "a 1 b 1 pair 1"),
        // What a wave does not reach is asked for.
        ("--only b t1", "a 1 b 1"),
    ] {
        let bench = made();
        bench.write("in/t1.txt", "a new sound");
        let ran = bench.call(&format!("run g.yaml --json {selection}")).ends(0).last();
        assert_eq!(counted(&ran["jobs"], "done"), numbers(makes), "{selection}: {ran}");
        assert_eq!(bench.read("out/b/t1.txt"), "A NEW SOUND", "{selection}");
    }
}

#[test]
fn what_is_out_of_date_is_told_with_its_reason_by_plan_run_and_explain() {
    let bench = made();
    bench.write("in/t1.txt", "a new sound");
    let plan = bench.call(&format!("plan g.yaml {ALL}")).ends(0).out;
    let why = "`x` of `a` was replaced since it was made";
    assert!(plan.contains("out of date, and made anew\n"), "{plan}");
    for line in ["a: 1, such as `t1`", "b: 1, such as `t1`", "pair: 1, such as `t1,t2`"] {
        assert!(plan.contains(&format!("  {line}: {why}\n")), "{plan}");
    }
    let story = bench.call("explain g.yaml t1 b").ends(0).out;
    assert!(story.contains(&format!("b(t1)  is out of date, and would be made anew: {why}")), "{story}");
    let ran = bench.call(&format!("run g.yaml {ALL}")).ends(0).out;
    assert!(ran.contains(&format!("out of date when the run began\n  a: 1, such as `t1`: {why}\n")), "{ran}");
    let story = bench.call("explain g.yaml t1 b").ends(0).out;
    assert!(story.contains("b(t1)  is there, made by run"), "{story}");
}

#[test]
fn what_was_made_of_an_output_that_is_missing_is_judged_when_that_is_there_again() {
    for selection in [ALL, "--job pair --bottom-up t1,t2"] {
        let bench = made();
        remove(&bench, "out/b/t1.txt");
        bench.write("in/t1.txt", "a new sound");
        assert_eq!(done(&bench, selection), numbers("a 1 b 1 pair 1"), "{selection}");
        settled(&bench);
    }
    // A pair is no part of the wave of one of its parts.
    let bench = made();
    remove(&bench, "out/a/t1.txt");
    bench.write("in/t1.txt", "a new sound");
    assert_eq!(done(&bench, ALL), numbers("a 1 b 1 pair 1"));
    settled(&bench);
}

#[test]
fn what_a_failed_or_stopped_run_was_to_make_anew_is_not_called_made() {
    let bench = made();
    bench.write("in/t3.txt", "BAD");
    script(&bench, "grep -q BAD \"$1\" && exit 1; tr a-z A-Z < \"$1\" > \"$2\"");
    bench.call(&format!("run g.yaml {ALL}")).ends(4);
    assert_eq!(bench.read("out/b/t3.txt"), "SOUND OF T3", "what was there stays");
    bench.call("runs check g.yaml last").ends(4);
    assert!(bench.call("dead ls g.yaml").ends(0).out.contains("t3"));
    bench.call("dead retry g.yaml").ends(4);
    bench.call("runs check g.yaml last").ends(4);
    assert!(bench.call("dead drop g.yaml t3").ends(0).out.contains("gave up 1"));
    let plan = bench.call(&format!("plan g.yaml --json {ALL}")).ends(0).last();
    assert_eq!(counted(&plan["jobs"], "skipped"), numbers("a 1 b 1"), "{plan}");
    bench.write("in/t3.txt", "a good sound");
    assert_eq!(done(&bench, ALL), numbers("a 1 b 1"));
    assert_eq!(bench.read("out/b/t3.txt"), "A GOOD SOUND");
}

#[test]
fn a_source_that_is_replaced_while_it_is_read_does_not_count_as_what_was_made_from_it() {
    let bench = Bench::new(
        r#"
version: 1
graph: g
stores: {in: ./in, out: ./out}
defaults: {retries: 1, backoff: 10ms}
jobs:
  a:
    use: command
    with: {argv: [sh, -c, "cat {input} > {output}; if ! [ -e $HERE/swapped ]; then touch $HERE/swapped; echo new > $HERE/in/t.txt; fi"]}
    in: {x: "in:{id}.txt"}
    out: "out:a/{id}.txt"
  always:
    use: command
    with: {argv: [sh, -c, "cat {input} > {output}; date +%s%N > $HERE/in/u.log"]}
    in: {x: "in:{id}.log"}
    out: "out:always/{id}.txt"
"#,
    );
    bench.write("in/t.txt", "old");
    assert_eq!(done(&bench, "--only a t"), numbers("a 1"));
    assert_eq!(bench.read("out/a/t.txt"), "new\n");
    let said = bench.call("run g.yaml --only a t").ends(0).out;
    assert!(said.starts_with("nothing to do"), "{said}");
    // One that never holds still is a failure that says so.
    bench.write("in/u.log", "1");
    bench.call("run g.yaml --job always u").ends(4);
    let dead = bench.call("dead ls g.yaml").out;
    assert!(
        dead.contains("is being written to: it was another file each of the three times after it was read"),
        "{dead}"
    );
    assert!(!bench.has("out/always/u.txt"));
}
