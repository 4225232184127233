//! `prune`: what nothing accounts for is shown, and removed when asked; sources, and what is not known to be ours, stay.

use std::os::unix::fs::symlink;
use std::process::Command;

use serde_json::Value;

use super::{Bench, CHAIN};

/// A chain, a job over pairs, and one with two sources.
const GRAPH: &str = r#"
version: 1
graph: g
stores: {in: ./in, notes: ./notes, out: ./out}
jobs:
  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: a}, out: "out:b/{id}.txt"}
  pair:
    use: command
    with: {argv: [sh, -c, "cat {input.l} {input.r} > {output}"]}
    entity: "{l},{r}"
    in: {l: {from: b, id: "{l}"}, r: {from: b, id: "{r}"}}
    out: "out:pair/{l}+{r}.txt"
  noted: {use: command, with: {argv: [sh, -c, "cat {input.x} {input.n} > {output}"]}, in: {x: a, n: "notes:{id}.txt"}, out: "out:noted/{id}.txt"}
"#;

/// Three tracks with notes and two pairs, all made.
fn made() -> Bench {
    let bench = Bench::new(GRAPH);
    for id in ["t1", "t2", "t3"] {
        bench.write(&format!("in/{id}.txt"), id);
        bench.write(&format!("notes/{id}.txt"), id);
    }
    bench.call("run g.yaml").ends(0);
    bench.call("run g.yaml --job pair t1,t2 t2,t3").ends(0);
    assert_eq!(bench.files("out").iter().filter(|file| file.ends_with(".txt")).count(), 11);
    bench
}

/// The outputs that are there.
fn outputs(bench: &Bench) -> Vec<String> {
    bench.files("out").into_iter().filter(|file| !file.starts_with(".euterpe")).collect()
}

fn remove(bench: &Bench, below: &str) {
    std::fs::remove_file(bench.path(below)).expect("removed");
}

/// What `prune` finds, a word for each job and reason with its number, and what it leaves alone.
fn found(bench: &Bench, words: &str) -> (Vec<String>, Vec<String>) {
    let said = bench.call(&format!("--json prune g.yaml {words}")).ends(0).last();
    let list = |of: &Value, keys: &[&str]| -> Vec<String> {
        let line = |one: &Value| {
            let words: Vec<&str> = keys.iter().map(|key| one[key].as_str().expect("a word")).collect();
            format!("{} {}", words.join(" "), one["count"])
        };
        of.as_array().expect("a list").iter().map(line).collect()
    };
    (list(&said["found"], &["job", "why"]), list(&said["left_alone"], &["kind"]))
}

const NONE: [String; 0] = [];

#[test]
fn outputs_of_a_track_that_was_deleted_are_shown_and_then_removed_and_all_others_stay() {
    let bench = made();
    bench.write("out/a/cover.jpg", "12345");
    assert_eq!(found(&bench, ""), (NONE.to_vec(), vec!["not_ours 1".to_owned()]));
    remove(&bench, "in/t1.txt");
    let before = outputs(&bench);
    let gone = ["a source_gone 1", "b source_gone 1", "noted source_gone 1", "pair source_gone 1"];
    assert_eq!(found(&bench, "").0, gone);
    assert_eq!(found(&bench, "-n").0, gone);
    let said = bench.call("prune g.yaml").ends(0).out;
    for part in
        ["a source is gone", "out:pair/t1+t2.txt", "in all", "1 (5 bytes) not ours", "out:a/cover.jpg", "7 outputs are"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains("`euterpe prune g.yaml --delete` removes 4"), "{said}");
    assert_eq!(outputs(&bench), before, "what was only to be shown was removed");
    bench.call("prune g.yaml -n --delete").ends(2);
    let said = bench.call("prune g.yaml --delete").ends(0).out;
    assert!(said.contains("removed 4; 7 outputs are accounted for"), "{said}");
    let stay: Vec<String> = before.into_iter().filter(|file| !file.contains("t1")).collect();
    assert_eq!(outputs(&bench), stay);
    assert!(bench.call("prune g.yaml --delete").ends(0).out.contains("nothing to remove; 7 outputs"));
    bench.call("run g.yaml").ends(0);
}

#[test]
fn a_source_that_is_only_one_of_several_takes_what_is_made_of_it_and_no_more() {
    let bench = made();
    remove(&bench, "notes/t2.txt");
    assert_eq!(found(&bench, ""), (vec!["noted source_gone 1".to_owned()], NONE.to_vec()));
}

#[test]
fn outputs_of_a_job_that_is_gone_or_renamed_or_writes_elsewhere_are_found_by_the_records_of_their_runs() {
    let bench = made();
    let (without, pair) = GRAPH.split_once("  pair:").expect("a job");
    let noted = pair.split_once("  noted:").expect("a job").1;
    bench.write("g.yaml", &format!("{without}  remarked:{}", noted.replace("out:noted/", "out:remarked/")));
    assert_eq!(found(&bench, "").0, ["noted job_gone 3", "pair job_gone 2"]);
    assert_eq!(found(&bench, "--job pair").0, ["pair job_gone 2"]);
    let said = bench.call("prune g.yaml --delete --job pair").ends(0).out;
    assert!(said.contains("removed 2;") && bench.files("out/pair").is_empty(), "{said}");
    // At the same place under another name it is what the new job writes.
    bench.write("g.yaml", &format!("{without}  remarked:{noted}"));
    assert_eq!(found(&bench, ""), (NONE.to_vec(), NONE.to_vec()));
    bench.write("g.yaml", &format!("{without}  noted:{noted}").replace("out:b/", "out:c/"));
    assert_eq!(found(&bench, "").0, ["b written_elsewhere 3"]);
}

#[test]
fn what_nobody_knows_to_be_of_this_graph_is_left_alone() {
    let bench = made();
    // A copy that somebody keeps in the store, with its stamp.
    bench.write("out/mine/.keep", "");
    let mut copy = Command::new("cp");
    copy.args(["--preserve=all", "a/t1.txt", "mine/t1.txt"]).current_dir(bench.path("out"));
    assert!(copy.status().expect("it starts").success());
    // Outputs of another graph, whose job has a name of this one, in the same store.
    let other = GRAPH.replace("graph: g", "graph: other").replace("\"out:", "\"out:other/");
    bench.write("other.yaml", &other);
    bench.call("run other.yaml --only a,b").ends(0);
    assert_eq!(found(&bench, "").0, NONE);
    let said = bench.call("prune g.yaml").ends(0).out;
    for part in ["6 (", "made in a run without a record, perhaps of another graph", "1 (2 bytes) moved or copied there"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let text = bench.read("g.yaml");
    bench.write("g.yaml", &text.replace("  a:", "  aa:").replace("x: a}", "x: aa}").replace("x: a,", "x: aa,"));
    let before = outputs(&bench);
    bench.call("prune g.yaml --delete").ends(0);
    assert_eq!(outputs(&bench), before, "the job is renamed, and what lies elsewhere may not be its own");
    bench.call("prune g.yaml --also unrecorded").ends(2);
    assert_eq!(found(&bench, "--job a --also unrecorded").0, ["a job_gone 3"]);
}

#[test]
fn outputs_of_a_collection_that_shares_the_state_and_the_store_are_left_alone() {
    let bench = made();
    bench.write("more/u1.txt", "u1");
    bench.call("run g.yaml --only a,b --store in=more").ends(0);
    bench.call("run g.yaml --only a,b").ends(0);
    assert_eq!(found(&bench, ""), (NONE.to_vec(), vec!["other 2".to_owned()]));
    let said = bench.call("prune g.yaml --store in=more").ends(0).out;
    assert!(said.contains("nothing to remove") && said.contains("with other stores"), "{said}");
}

#[test]
fn a_source_that_is_empty_or_leads_nowhere_costs_nothing_unless_that_is_said_to_be_right() {
    let bench = made();
    let before = outputs(&bench);
    let refused = |why: &str| {
        for words in ["", "--delete"] {
            let refused = bench.call(&format!("prune g.yaml {words}")).ends(1);
            assert!(refused.err.contains(why) && refused.err.contains("Nothing was removed"), "{words}: {refused:?}");
        }
        assert_eq!(outputs(&bench), before);
    };
    std::fs::rename(bench.path("in"), bench.path("away")).expect("moved");
    let absent = bench.call("prune g.yaml --delete").ends(1);
    assert!(absent.err.contains("`in`") || absent.err.contains("/in"), "{absent:?}");
    std::fs::create_dir(bench.path("in")).expect("made");
    bench.write("in/readme.md", "no track");
    refused("source `in:{id}.txt` is empty");
    assert!(bench.call("prune g.yaml").err.contains("if a disk is not mounted, mount it"));
    // A catalogue of links whose disk is away.
    for id in ["t1", "t2", "t3"] {
        symlink(bench.path(&format!("in/disk/{id}.txt")), bench.path(&format!("in/{id}.txt"))).expect("linked");
    }
    refused("lead nowhere");
    ["t1", "t2", "t3"].iter().for_each(|id| remove(&bench, &format!("in/{id}.txt")));
    assert_eq!(found(&bench, "--sources-are-right").0.len(), 4);
    let said = bench.call("prune g.yaml --delete --sources-are-right").ends(0).out;
    assert!(said.contains("removed 11; 0 outputs"), "{said}");
}

#[test]
fn what_may_lie_on_a_disk_that_is_not_mounted_below_the_source_stays() {
    let bench = made();
    let disk = ["in/disk2/t8.txt", "in/disk2/album/t9.txt"];
    disk.iter().for_each(|path| bench.write(path, "t"));
    bench.call("run g.yaml --only a,b").ends(0);
    std::fs::remove_dir_all(bench.path("in/disk2")).expect("removed");
    std::fs::create_dir(bench.path("in/disk2")).expect("made"); // the folder on which the disk was mounted
    let before = outputs(&bench);
    assert_eq!(found(&bench, ""), (NONE.to_vec(), vec!["empty_folder 4".to_owned()]));
    let said = bench.call("prune g.yaml --delete").ends(0).out;
    assert!(said.contains("4 (4 bytes) the folder of a source is empty: is a disk not mounted?"), "{said}");
    assert_eq!(outputs(&bench), before);
    // It is mounted again, and one track was deleted.
    bench.write(disk[0], "t");
    assert_eq!(found(&bench, ""), (vec!["a source_gone 1".to_owned(), "b source_gone 1".to_owned()], NONE.to_vec()));
    remove(&bench, disk[0]);
    assert_eq!(found(&bench, "--sources-are-right").0, ["a source_gone 2", "b source_gone 2"]);
    std::fs::remove_dir(bench.path("in/disk2")).expect("removed");
    assert_eq!(found(&bench, "").0, ["a source_gone 2", "b source_gone 2"]);
}

#[test]
fn most_of_a_catalogue_is_not_removed_unless_that_is_said_to_be_right() {
    let bench = Bench::new(
        &GRAPH.replace("  pair:", "  x:").split_once("  x:").map(|(jobs, _)| jobs.to_owned()).expect("jobs"),
    );
    (0..30).for_each(|n| bench.write(&format!("in/t{n}.txt"), "t"));
    bench.write("notes/t0.txt", "t");
    bench.call("run g.yaml").ends(0);
    (10..30).for_each(|n| remove(&bench, &format!("in/t{n}.txt")));
    let told = bench.call("prune g.yaml").ends(0).out;
    assert!(told.contains("most outputs have no source any more: is a disk not mounted?"), "{told}");
    let refused = bench.call("prune g.yaml --delete").ends(1);
    assert!(refused.err.contains("40 outputs have no source any more, and 20 have one"), "{refused:?}");
    assert_eq!(bench.files("out").iter().filter(|file| file.ends_with(".txt")).count(), 60);
    let said = bench.call("prune g.yaml --delete --sources-are-right").ends(0).out;
    assert!(said.contains("removed 40; 20 outputs"), "{said}");
}

#[test]
fn what_was_put_there_by_hand_goes_only_when_asked_and_only_where_a_job_would_write() {
    let bench = made();
    for file in ["out/a/own.txt", "out/a/t1.jpg", "out/b/t1.txt"] {
        remove_if_there(&bench, file);
        bench.write(file, "mine");
    }
    assert_eq!(found(&bench, ""), (NONE.to_vec(), vec!["not_ours 1".to_owned(), "foreign 1".to_owned()]));
    assert_eq!(found(&bench, "--also foreign").0, ["a foreign 1"]);
    bench.call("prune g.yaml --also foreign --delete").ends(0);
    assert!(!bench.has("out/a/own.txt") && bench.has("out/a/t1.jpg") && bench.has("out/b/t1.txt"));
}

fn remove_if_there(bench: &Bench, below: &str) {
    if bench.has(below) {
        remove(bench, below);
    }
}

#[test]
fn what_was_written_lately_stays_where_an_age_is_given() {
    let bench = made();
    remove(&bench, "in/t1.txt");
    assert_eq!(found(&bench, "--older-than 1h"), (NONE.to_vec(), vec!["young 4".to_owned()]));
    assert_eq!(found(&bench, "--older-than 0s").0.len(), 4);
}

#[test]
fn a_source_is_never_removed_wherever_it_lies() {
    let graph = r#"
version: 1
graph: g
stores: {all: ./all, nested: ./all/nested}
jobs:
  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "all:in/{id}.txt"}, out: "all:a/{id}.txt"}
  b: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "nested:{id}.txt"}, out: "all:b/{id}.txt"}
"#;
    let bench = Bench::new(graph);
    bench.write("all/in/t1.txt", "t");
    bench.write("all/nested/t1.txt", "t");
    bench.call("run g.yaml").ends(0);
    // What was an output is a source now: its stamp does not make it one that may go.
    bench.write("g.yaml", &graph.replace("all:in/", "all:a/").replace("out: \"all:a/", "out: \"all:aa/"));
    bench.call("run g.yaml").ends(0);
    let kept = bench.files("all");
    assert_eq!(found(&bench, ""), (NONE.to_vec(), vec!["not_ours 1".to_owned()]), "the former source is nobody's");
    bench.call("prune g.yaml --delete --also foreign").ends(0);
    assert_eq!(bench.files("all"), kept);
}

#[test]
fn nothing_is_removed_while_a_run_has_the_state() {
    let bench = Bench::new(&CHAIN.replace(
        "[cp, \"{input}\", \"{output}\"]",
        "[sh, -c, 'exec tail --pid $PPID -f /dev/null', \"{input}\", \"{output}\"]",
    ));
    bench.write("in/x.txt", "x");
    let mut run = bench.start("run g.yaml");
    let started = std::time::Instant::now();
    while !bench.files(".euterpe/chain/runs").iter().any(|file| file.ends_with("manifest.json")) {
        assert!(started.elapsed().as_secs() < 60, "it did not begin");
        std::thread::sleep(std::time::Duration::from_millis(20)); // a deadline against a real process
    }
    let refused = bench.call("prune g.yaml --delete").ends(1);
    assert!(refused.err.contains(&format!("process {}", run.id())), "{refused:?}");
    bench.call("prune g.yaml").ends(0);
    run.kill().expect("killed");
    run.wait().expect("ended");
}

#[test]
fn outputs_of_a_job_that_is_only_called_otherwise_now_stay_whatever_it_reads() {
    let jobs = "  d: {use: command, with: {argv: [sh, -c, \"cat {input.s} {input.c} > {output}\"]}, in: {s: \"in:{id}.txt\", c: \"notes:all.txt\"}, out: \"out:d/{id}.txt\"}\n  \
                e: {use: command, with: {argv: [sh, -c, \"echo {id} > {output}\"]}, out: \"out:e/{id}.txt\"}\n  \
                pair: {use: command, with: {argv: [sh, -c, \"cat {input.l} {input.r} > {output}\"]}, entity: \"{l},{r}\", in: {l: {from: d, id: \"{l}\"}, r: {from: d, id: \"{r}\"}}, out: \"out:pair/{l}+{r}.txt\"}\n";
    let graph = format!("version: 1\ngraph: g\nstores: {{in: ./in, notes: ./notes, out: ./out}}\njobs:\n{jobs}");
    let bench = Bench::new(&graph);
    bench.write("notes/all.txt", "for all");
    for id in ["t1", "t2"] {
        bench.write(&format!("in/{id}.txt"), id);
    }
    bench.call("run g.yaml --only d,e t1 t2").ends(0);
    bench.call("run g.yaml --job pair t1,t2").ends(0);
    let renamed = graph.replace("  d:", "  dd:").replace("  e:", "  ee:").replace("from: d,", "from: dd,");
    let renamed = renamed.replace("  pair:", "  both:");
    bench.write("g.yaml", &renamed);
    assert_eq!(found(&bench, ""), (NONE.to_vec(), NONE.to_vec()));
    // Two that change names write where the other one did.
    bench.write(
        "g.yaml",
        &graph.replace("  d:", "  x:").replace("  e:", "  d:").replace("  x:", "  e:").replace("from: d,", "from: e,"),
    );
    assert_eq!(found(&bench, ""), (NONE.to_vec(), NONE.to_vec()));
    bench.write("g.yaml", &renamed);
    remove(&bench, "in/t1.txt");
    assert_eq!(found(&bench, "").0, ["d job_gone 1", "pair job_gone 1"]);
}

#[test]
fn what_a_run_of_another_graph_file_made_stays_whatever_that_file_is_called_by_now() {
    let bench = made();
    let other = "version: 1\ngraph: g\nstores: {in: ./in, out: ./out}\njobs:\n  \
                 z: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {x: \"in:{id}.txt\"}, out: \"out:z/{id}.txt\"}\n";
    bench.write("other.yaml", other);
    bench.call("run other.yaml").ends(0);
    assert_eq!(found(&bench, "").1, ["other 3"]);
    bench.write("other.yaml", &other.replace("graph: g", "graph: w"));
    assert_eq!(found(&bench, ""), (NONE.to_vec(), vec!["other 3".to_owned()]));
    remove(&bench, "other.yaml");
    assert_eq!(found(&bench, ""), (NONE.to_vec(), vec!["unrecorded 3".to_owned()]));
    assert_eq!(found(&bench, "--job z --also unrecorded").0, ["z job_gone 3"]);
}
