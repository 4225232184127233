//! `ls` and `open`: what there is, in which state, where; a sample; ids that `run` takes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Bench, Called, chain};

/// The states that `ls --json` tells, each as `id job state reason`, sorted.
fn states(called: &Called) -> Vec<String> {
    let text = |fact: &Value, key: &str| fact[key].as_str().unwrap_or("-").to_owned();
    let line = |fact: &Value| ["id", "job", "state", "reason"].map(|key| text(fact, key)).join(" ");
    let mut lines: Vec<String> = called.facts().iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn each_state_is_told_with_its_reason() {
    let bench = chain();
    let before = states(&bench.call("ls g.yaml a --json").ends(0));
    assert_eq!(before, ["x a missing -", "y a missing -", "z a missing -"]);
    bench.call("run g.yaml").ends(4);
    // A source that is gone, one that was replaced, an output that somebody removed, and one that somebody put there.
    std::fs::remove_file(bench.path("out/a/z.txt")).expect("removed");
    std::fs::remove_file(bench.path("out/b/z.txt")).expect("removed");
    std::fs::remove_file(bench.path("in/z.txt")).expect("removed");
    bench.write("in/x.txt", "another");
    bench.write("in/w.txt", "w");
    bench.write("out/a/w.txt", "w");
    bench.write("ids.txt", "x\ny\nz\nw\n");
    let told = states(&bench.call("ls g.yaml --json --ids ids.txt").ends(0));
    let (of_x, others): (Vec<&String>, Vec<&String>) = told.iter().partition(|line| line.starts_with("x "));
    assert_eq!(of_x[0], "x a stale replaced");
    let expected = [
        "w a done -",
        "w b missing -",
        "w c missing -",
        "y a done -",
        "y b dead failed",
        "y c dead failed",
        "z a missing source_missing",
        "z b missing source_missing",
        "z c done -",
    ];
    assert_eq!(others, expected);
    // By state, and what is due to another job says to which.
    let dead = bench.call("ls g.yaml --json --status dead").ends(0).facts();
    let of = |job: &str| dead.iter().find(|fact| fact["job"] == job).unwrap_or_else(|| panic!("{dead:?}"));
    assert!(of("b")["text"].as_str().is_some_and(|text| text.contains("No such file or directory")), "{dead:?}");
    assert_eq!((&of("c")["cause"]["job"], &of("b")["cause"], dead.len()), (&"b".into(), &Value::Null, 2));
    // What is given up is skipped, and so is what hangs below it.
    bench.call("dead drop g.yaml y").ends(0);
    let skipped = states(&bench.call("ls g.yaml --json --status skipped").ends(0));
    assert_eq!(skipped, ["y b skipped dropped", "y c skipped dropped"]);
}

#[test]
fn outputs_are_told_with_size_age_and_place_in_columns_that_stay() {
    let bench = Bench::new(super::CHAIN);
    for n in 0..230 {
        bench.write(&format!("in/t-{n:03}.txt"), "text");
    }
    bench.call("run g.yaml --only a").ends(0);
    let table = bench.call("ls g.yaml a").ends(0).out;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 231, "{table}");
    assert!(lines[0].starts_with("id     job  state"), "{}", lines[0]);
    let place = bench.path("out/a/t-229.txt").display().to_string();
    let last = lines.iter().find(|line| line.starts_with("t-229 ")).expect("a line");
    assert!(last.contains("4 bytes") && last.ends_with(&place), "{last}");
    let column = lines[0].find("place").expect("a title");
    assert!(lines[1..].iter().all(|line| line.find('/') == Some(column)), "{table}");
    let long = bench.call("ls g.yaml a --long --prefix t-22").ends(0).out;
    assert!(long.lines().count() == 11 && long.contains(" UTC "), "{long}");
    let fact = bench.call("ls g.yaml a --json --prefix t-229").ends(0).last();
    assert_eq!((&fact["outputs"][0]["size"], &fact["outputs"][0]["place"]), (&4.into(), &place.into()));
    assert!(fact["outputs"][0]["run"].is_string() && fact["outputs"][0]["modified"].is_u64(), "{fact}");
}

#[test]
fn a_sample_is_the_same_for_the_same_seed_and_its_ids_are_run() {
    let bench = Bench::new(super::CHAIN);
    for n in 0..100 {
        bench.write(&format!("in/t-{n}.txt"), "text");
    }
    let sample =
        |seed: u32| bench.call(&format!("ls g.yaml a -q --status missing --sample 7 --seed {seed}")).ends(0).out;
    let (one, other) = (sample(3), sample(4));
    assert_eq!(one, sample(3));
    assert_ne!(one, other);
    assert_eq!(one.lines().collect::<BTreeSet<_>>().len(), 7, "{one}");
    bench.write("ids.txt", &one);
    bench.call("run g.yaml --only a --ids ids.txt").ends(0);
    let made: BTreeSet<String> = bench.files("out/a").into_iter().collect();
    let wanted: BTreeSet<String> = one.lines().map(|id| format!("{id}.txt")).collect();
    assert_eq!(made, wanted);
    // With little memory the catalogue is gone through in parts, and the sample is the same.
    let parts = bench.call("ls g.yaml a -q --status missing --sample 7 --seed 4 --memory 1KB").ends(0).out;
    let whole = bench.call("ls g.yaml a -q --status missing --sample 7 --seed 4").ends(0).out;
    assert_eq!(parts, whole);
    assert_eq!(bench.call("ls g.yaml a -q --memory 1KB").ends(0).out.lines().collect::<BTreeSet<_>>().len(), 100);
}

#[test]
fn what_cannot_be_is_named() {
    let bench = chain();
    assert!(bench.call("ls g.yaml d").ends(2).err.contains("no job named `d`"));
    assert!(bench.call("ls g.yaml --status lost").ends(2).err.contains("stale"));
    bench.write("in/ba\\d.txt", "x");
    let said = bench.call("ls g.yaml a -q").ends(0);
    assert_eq!(said.out.lines().collect::<BTreeSet<&str>>(), BTreeSet::from(["x", "y", "z"]));
    assert!(said.err.contains("1 name is no entity; `euterpe plan g.yaml` shows one"), "{said:?}");
}

#[test]
fn an_output_is_opened_by_the_program_that_is_named_or_its_place_is_told() {
    let bench = chain();
    bench.call("run g.yaml").ends(4);
    let place = bench.path("out/c/x.txt").display().to_string();
    assert_eq!(bench.call("open g.yaml x c --print").ends(0).out, format!("{place}\n"));
    assert_eq!(bench.call("open g.yaml x c --with echo").ends(0).out, format!("{place}\n"));
    let opened = bench.call_with("open g.yaml x c --json", &[("EUTERPE_OPENER", "test -f")]).ends(0).last();
    assert_eq!((&opened["place"], &opened["file"]), (&place.clone().into(), &place.into()));
    assert!(bench.call("open g.yaml x c --with false").ends(1).err.contains("`false` could not open"));
    assert!(bench.call("open g.yaml x c --with no-such-player").ends(1).err.contains("EUTERPE_OPENER"));
    assert!(bench.call("open g.yaml y c --print").ends(1).err.contains("`c` made nothing of `y` that is there"));
    assert!(bench.call("open g.yaml x d").ends(2).err.contains("no job named `d`"));
    assert!(bench.call("open g.yaml x c other").ends(2).err.contains("its outputs are out"));
}
