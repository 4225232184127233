//! What a run makes anew because it was asked to: `--refresh`, `refresh: [sources, recipe]`, `--exact`.

use std::fs::File;
use std::time::SystemTime;

use super::{ALL, Bench, GRAPH, done, made, numbers, planned, settled};

/// Job `b` with another option, which changes nothing, or with another program, which does.
fn changed(bench: &Bench, to: &str) {
    bench.write("g.yaml", &GRAPH.replace("[cp, \"{input}\"", to));
}

const SAME: &str = "[cp, -f, \"{input}\"";
const OTHER: &str = "[sh, -c, 'rev < $0 > $1', \"{input}\"";

#[test]
fn what_a_job_made_before_it_was_changed_is_made_anew_where_that_is_asked_for_and_nothing_else() {
    for (to, pairs) in [(SAME, ""), (OTHER, " pair 1")] {
        let bench = made();
        changed(&bench, to);
        assert_eq!(done(&bench, &format!("{ALL} --refresh=a")), numbers(""), "{to}: another job");
        // One that the job of today has made already.
        assert_eq!(done(&bench, "--only b t3 --force=b"), numbers("b 1"), "{to}");
        let plan = bench.call(&format!("plan g.yaml {ALL} --refresh=b")).ends(0).out;
        assert!(plan.contains("  b: 2, such as `t1`: `b` was changed since it was made: `argv` was ["), "{to}: {plan}");
        assert!(!plan.contains("left as it is"), "{to}: {plan}");
        assert_eq!(planned(&bench, &format!("{ALL} --refresh")), numbers("b 2 pair 1"), "{to}");
        assert_eq!(done(&bench, &format!("{ALL} --refresh=b")), numbers(&format!("b 2{pairs}")), "{to}");
        assert_eq!(planned(&bench, &format!("{ALL} --refresh")), numbers(""), "{to}");
        settled(&bench);
    }
}

#[test]
fn a_graph_that_says_so_follows_changes_of_its_jobs_and_what_was_accepted_stays() {
    let bench = made();
    let follows = |to: &str| {
        let text = GRAPH.replace("[cp, \"{input}\"", to).replace("defaults:", "refresh: [sources, recipe]\ndefaults:");
        bench.write("g.yaml", &text);
    };
    follows(SAME);
    assert_eq!(done(&bench, ALL), numbers("b 3"));
    settled(&bench);
    follows(OTHER);
    bench.call("accept g.yaml b").ends(0);
    settled(&bench);
    assert_eq!(done(&bench, &format!("{ALL} --exact")), numbers(""));
    // What was accepted counts as made by the job of then, which is another one than that of now.
    follows("[sh, -c, 'rev < $0 | rev > $1', \"{input}\"");
    assert_eq!(done(&bench, ALL), numbers("b 3"));
    // Bottom-up, and for one entity.
    follows(OTHER);
    assert_eq!(done(&bench, "--job pair --bottom-up t1,t2"), numbers("b 2 pair 1"));
    assert_eq!(bench.read("out/b/t1.txt").trim(), "1T FO DNUOS");
}

#[test]
fn a_run_that_looks_at_each_output_sees_what_times_hide() {
    for selection in [ALL, "--only a,b,pair --job a"] {
        let bench = made();
        bench.write("in/t1.txt", "a new sound");
        for output in ["a/t1.txt", "b/t1.txt", "pair/t1+t2.txt"] {
            let file = File::options().append(true).open(bench.path(&format!("out/{output}"))).expect("opened");
            file.set_modified(SystemTime::now()).expect("set");
        }
        assert_eq!(done(&bench, ALL), numbers(""), "touched outputs pass for newer");
        assert_eq!(planned(&bench, &format!("{ALL} --exact")), numbers("a 1 b 1 pair 1"));
        let made = if selection == ALL { "a 1 b 1 pair 1" } else { "a 1 b 1" };
        assert_eq!(done(&bench, &format!("{selection} --exact")), numbers(made), "{selection}");
        assert_eq!(bench.read("out/b/t1.txt"), "A NEW SOUND");
    }
}

#[test]
fn explain_tells_what_an_output_was_made_from_and_what_was_changed_since() {
    let bench = made();
    changed(&bench, SAME);
    let story = bench.call("explain g.yaml t1 b").ends(0).out;
    assert!(story.contains("  job     was changed since it was made: `argv` was ["), "{story}");
    let story = bench.call("explain g.yaml t1 --json").ends(0).last();
    let [a, b] = ["a", "b"].map(|name| {
        let jobs = story["jobs"].as_array().unwrap_or_else(|| panic!("{story}"));
        jobs.iter().find(|job| job["job"] == name).unwrap_or_else(|| panic!("{story}")).clone()
    });
    assert!(a["made_from"]["inputs"]["x"].as_str().is_some_and(|x| x.starts_with("t1.txt 11 ")), "{a}");
    assert!(a["changed"].is_null() && b["changed"].as_str().is_some_and(|change| change.contains("`argv` was")), "{b}");
    bench.call("accept g.yaml b").ends(0);
    assert!(!bench.call("explain g.yaml t1 b").ends(0).out.contains("was changed since"));
}

#[test]
fn flags_that_ask_for_what_cannot_be_are_refused_with_the_remedy() {
    let bench = made();
    let said = bench.call("run g.yaml --refresh=bb t1").ends(2).err;
    assert!(said.contains("no job named `bb`"), "{said}");
    let said = bench.call("run g.yaml --refresh b").ends(2).err;
    assert!(said.contains("`b` is a job and stands as an id here: `--refresh=b` makes anew"), "{said}");
    bench.call("run g.yaml --ping --exact t1").ends(2);
}
