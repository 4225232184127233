//! What people do every day: slips of the finger, missing outputs, optional sources, logs, what is proposed next.

use super::{Bench, chain};

/// A job with two outputs.
const SPLIT: &str = r#"
version: 1
graph: split
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  split:
    use: command
    with: {argv: [sh, -c, 'cp "$0" "$1"; cp "$0" "$2"', "{input}", "{output.l}", "{output.r}"]}
    in: {text: "in:{id}.txt"}
    outputs: {l: "out:l/{id}.txt", r: "out:r/{id}.txt"}
"#;

#[test]
fn a_second_output_that_is_missing_is_seen_by_every_verb() {
    let bench = Bench::new(SPLIT);
    bench.write("in/t.txt", "both");
    bench.call("run g.yaml").ends(0);
    std::fs::remove_file(bench.path("out/r/t.txt")).expect("removed");
    assert_eq!(bench.call("plan g.yaml --json").ends(0).last()["jobs"]["split"]["make"], 1);
    assert!(bench.call("explain g.yaml t").ends(0).out.contains("split(t)  would be made"));
    assert_eq!(bench.call("runs check g.yaml last --json").ends(1).last()["open"], 1);
    assert_eq!(bench.call("run g.yaml --json").ends(0).last()["jobs"]["split"]["done"], 1);
    assert_eq!(bench.read("out/r/t.txt"), "both");
    bench.call("runs check g.yaml last").ends(0);
    std::fs::remove_file(bench.path("out/r/t.txt")).expect("removed");
    bench.call("run g.yaml --job split --bottom-up t").ends(0);
    assert!(bench.has("out/r/t.txt"));
}

/// A merge with a source that an entity may lack, beside a job that starts the graph, too.
const OPTIONAL: &str = r#"
version: 1
graph: optional
stores: {in: ./in, words: ./words, out: ./out}
jobs:
  card:  {use: json.merge, in: {facts: "in:{id}.json", words: {from: "words:{id}.json", optional: true}}, out: "out:card/{id}.json"}
  other: {use: json.merge, in: {facts: "in:{id}.json"}, out: "out:other/{id}.json"}
"#;

#[test]
fn an_optional_source_may_be_missing_and_names_no_entities() {
    let bench = Bench::new(OPTIONAL);
    for id in ["x", "y"] {
        bench.write(&format!("in/{id}.json"), "1");
    }
    bench.write("words/x.json", "2");
    bench.write("words/nobody.json", "3");
    let plan = bench.call("plan g.yaml --json").ends(0).last();
    assert_eq!((&plan["entities"], &plan["work"], &plan["blocked"]), (&2.into(), &4.into(), &serde_json::json!([])));
    bench.call("run g.yaml").ends(0);
    assert!(bench.read("out/card/x.json").contains("words") && !bench.read("out/card/y.json").contains("words"));
    let story = bench.call("explain g.yaml y card").ends(0).out;
    assert!(story.contains("words: words:y.json (source), not there, and not needed"), "{story}");
}

#[test]
fn what_is_made_while_the_store_of_its_optional_inputs_holds_nothing_is_told() {
    let bench = Bench::new(OPTIONAL);
    bench.write("in/x.json", "1");
    std::fs::create_dir(bench.path("words")).expect("made"); // the folder on which a disk was mounted
    let told = "made without the optional inputs of store `words`, for it holds nothing";
    let ran = bench.call("run g.yaml").ends(0);
    assert!(ran.err.contains(told) && ran.err.contains("card") && !ran.err.contains("other,"), "{ran:?}");
    assert!(!bench.call("run g.yaml").ends(0).err.contains(told), "nothing was made");
    bench.write("words/x.json", "2");
    let ran = bench.call("run g.yaml --json").ends(0);
    assert_eq!(ran.last()["jobs"]["card"]["done"], 1);
    assert!(!ran.err.contains(told) && bench.read("out/card/x.json").contains("words"), "{ran:?}");
}

#[test]
fn a_command_finds_the_files_beside_the_graph_file_that_it_names() {
    let bench = Bench::new(
        r#"
version: 1
graph: g
stores: {in: ./in, out: ./out}
jobs:
  a: {use: command, with: {argv: [sh, tools/louder.sh, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
"#,
    );
    bench.write("in/t.txt", "quiet");
    bench.write("tools/louder.sh", "tr a-z A-Z <\"$1\" >\"$2\"");
    bench.call("run g.yaml").ends(0);
    assert_eq!(bench.read("out/a/t.txt"), "QUIET");
}

#[test]
fn only_runs_no_other_job_that_starts_the_graph() {
    let bench = Bench::new(OPTIONAL);
    bench.write("in/x.json", "1");
    bench.write("words/x.json", "2");
    bench.call("run g.yaml --only other").ends(0);
    assert_eq!(bench.files("out"), ["other/x.json"]);
}

#[test]
fn a_job_that_stands_as_an_id_behind_force_is_questioned() {
    let bench = chain();
    let err = bench.call("run g.yaml --force b x").ends(2).err;
    assert!(err.contains("`b` is a job and stands as an id here: `--force=b` redoes the job"), "{err}");
    assert!(bench.files("out").is_empty(), "nothing was begun");
}

#[test]
fn what_is_proposed_repeats_what_was_asked() {
    let bench = chain();
    let plan = bench.call("plan g.yaml --only a,b --limit 2 --state st").ends(0).out;
    assert!(plan.contains("`euterpe run g.yaml --state st --only a,b --limit 2` would run"), "{plan}");
    let plan = bench.call("plan g.yaml --force=b x").ends(0).out;
    assert!(plan.contains("`euterpe run g.yaml --force=b x` would run"), "{plan}");
}

#[test]
fn an_id_that_nobody_knows_is_answered_with_those_that_are_spelled_like_it() {
    let bench = chain();
    bench.write("in/brahms-1.txt", "");
    let said = bench.call("explain g.yaml brahsm-1").ends(0);
    assert!(said.out.starts_with("no source has the id `brahsm-1`; did you mean `brahms-1`?\n"), "{said:?}");
    assert_eq!(bench.call("explain g.yaml brahsm-1 --json").last()["did_you_mean"][0], "brahms-1");
    assert!(!bench.call("explain g.yaml nobody").ends(0).out.contains("did you mean"));
}

#[test]
fn an_empty_variable_names_no_broker() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    bench.call_with("run g.yaml", &[("EUTERPE_BROKER", "")]).ends(0);
    let called = bench.call_with("status g.yaml", &[("EUTERPE_BROKER", "")]).ends(2);
    assert!(called.err.contains("this needs a broker: name one with --broker"), "{called:?}");
}

#[test]
fn a_program_that_is_not_there_is_told_before_any_work() {
    let bench = chain();
    let graph = bench.read("g.yaml").replace("argv: [cat,", "argv: [no-such-program,");
    bench.write("g.yaml", &graph);
    bench.call("lint g.yaml").ends(0);
    let why = "there is no program `no-such-program`; install it, or correct the first element of argv";
    let lint = bench.call("lint g.yaml --programs").ends(3);
    assert!(lint.err.contains(&format!("jobs.b.with.argv  {why}")), "{lint:?}");
    let fact = bench.call("lint g.yaml --programs --json").ends(3).last();
    assert_eq!(
        (&fact["problems"][0]["path"], &fact["problems"][0]["message"]),
        (&"jobs.b.with.argv".into(), &why.into())
    );
    assert!(bench.call("verify g.yaml").ends(1).out.contains(&format!("BAD program of b: {why}")));
    let run = bench.call("run g.yaml").ends(1);
    assert!(run.err.contains(why) && bench.files("out").is_empty(), "{run:?}");
    bench.call("run g.yaml --job a --bottom-up x").ends(0); // which does not come to `b`
}

#[test]
fn a_run_keeps_a_log_and_knows_what_was_slow() {
    let bench = Bench::new(&super::CHAIN.replace("defaults: {retries: 0}", "defaults: {retries: 1, backoff: 1ms}"));
    bench.write("in/y.txt", "y");
    let quiet = bench.call("run g.yaml").ends(4);
    assert!(!quiet.err.contains("will be tried again"), "{quiet:?}");
    let shown = bench.call("runs show g.yaml last --json").ends(0).last();
    let log = shown["log"].as_str().expect("a log");
    let text = bench.read(&format!(".euterpe/chain/{log}"));
    assert!(
        text.contains("will be tried again:") && text.contains(r#""job":"b""#) && text.contains(r#""entity":"y""#),
        "{text}"
    );
    let slowest = shown["end"]["slowest"].as_array().expect("the slowest");
    assert!(slowest.len() == 3 && slowest.iter().any(|slow| slow["job"] == "a" && slow["entity"] == "y"), "{shown}");
    let page = bench.call("runs show g.yaml last").ends(0).out;
    assert!(page.contains("slowest") && page.contains(log), "{page}");
    let loud = bench.call("run g.yaml -v").ends(4);
    assert!(loud.err.contains("will be tried again:"), "{loud:?}");
    bench.write(
        "g.yaml",
        &super::CHAIN.replace("argv: [cp, \"{input}\", \"{output}\"]", "argv: [cp, -v, \"{input}\", \"{output}\"]"),
    );
    let loud = bench.call("run g.yaml --force=a -v").ends(4);
    assert!(loud.err.contains("->"), "what a program prints is shown: {loud:?}");
}

#[test]
fn a_resume_of_nothing_says_so() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml").ends(0);
    let resumed = bench.call("runs resume g.yaml last").ends(0).out;
    assert!(resumed.starts_with("nothing is open of run ") && resumed.contains("3 done"), "{resumed}");
}

#[test]
fn a_drawing_of_another_kind_is_refused_and_a_test_of_no_name_is_answered_with_those_there_are() {
    let bench = chain();
    let refused = bench.call("graph g.yaml -o g.png").ends(2);
    assert!(refused.err.contains("no drawing is written as `.png`") && !bench.has("g.png"), "{refused:?}");
    bench.call("graph g.yaml -f svg -o g.png").ends(0);
    let tests = "tests:\n  - {name: one, entity: x, expect: {a: {}}}\n";
    bench.write("g.yaml", &(bench.read("g.yaml") + tests));
    let said = bench.call("test g.yaml nosuch").ends(1).out;
    assert_eq!(said, "no test's name holds `nosuch`; the tests are\n  one\n");
}

#[test]
fn a_dry_retry_counts_what_it_would_do() {
    let bench = chain();
    bench.call("run g.yaml").ends(4);
    bench.write("ids", "..\n");
    bench.call("run g.yaml --ids ids").ends(4);
    let said = bench.call("dead retry g.yaml -n").ends(0).out;
    assert!(said.ends_with("would try again 1 job of an entity; 1 cannot be tried again\n"), "{said}");
}
