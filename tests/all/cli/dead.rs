//! Dead letters: shown, tried again, given up.

use euterpe_actors::ids::RunId;
use euterpe_actors::outcome::Reason;
use euterpe_testkit::letters::dead_letter;

use super::{Bench, chain};

#[test]
fn a_failing_command_becomes_a_dead_letter_with_what_it_printed() {
    let bench = chain();
    let run = bench.call("run g.yaml --json").ends(4).last();
    assert_eq!((&run["jobs"]["b"]["done"], &run["jobs"]["b"]["dead"], &run["open"]), (&2.into(), &1.into(), &0.into()));
    let shown = bench.call("dead show g.yaml y").ends(0).out;
    assert!(shown.contains("b(y)  failed") && shown.contains("No such file or directory"), "{shown}");
    let listed = bench.call("dead ls g.yaml").ends(0).out;
    assert!(listed.contains("b: 1 failed") && listed.contains("dead retry"), "{listed}");
    let all = bench.call("dead ls g.yaml --json").ends(0).facts();
    assert_eq!((&all[0]["job"], &all[0]["entity"], &all[1]["dead"]), (&"b".into(), &"y".into(), &1.into()));
    assert!(bench.call("dead ls g.yaml --reason timeout").out.contains("no dead letters"));
    assert!(bench.call("dead ls g.yaml --reason nonsense").ends(2).err.contains("the reasons are"));
}

#[test]
fn a_failure_that_several_jobs_wait_for_is_one_dead_letter_in_every_count() {
    let bench = Bench::new(
        r#"
version: 1
graph: fan
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  base: {use: command, with: {argv: ["false", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:base/{id}.json"}
  a: {use: json.merge, in: {x: base}, out: "out:a/{id}.json"}
  b: {use: json.merge, in: {x: base}, out: "out:b/{id}.json"}
  c: {use: json.merge, in: {x: base}, out: "out:c/{id}.json"}
  all: {use: json.merge, in: {a: a, b: b, c: c}, out: "out:all/{id}.json"}
"#,
    );
    bench.write("in/t.txt", "x");
    let run = bench.call("run g.yaml --job all --bottom-up t").ends(4);
    assert_eq!(run.err.matches("dead: ").count(), 1, "{run:?}");
    assert!(run.out.contains("failed:  1 dead letter;"), "{run:?}");
    assert_eq!(bench.call("dead ls g.yaml --json").last()["dead"], 1);
}

#[test]
fn a_retry_after_the_repair_finishes_it_and_what_comes_below() {
    let bench = chain();
    bench.call("run g.yaml").ends(4);
    let again = bench.call("dead retry g.yaml").ends(4);
    assert!(again.out.contains("b(y): failed"), "{again:?}");
    assert_eq!(bench.call("dead ls g.yaml --json").last()["dead"], 1, "a second failure made a second letter");
    bench.write("fix/y", "fixed");
    assert!(bench.call("dead retry g.yaml -n").ends(0).out.contains("b(y)"));
    assert!(!bench.has("out/b/y.txt"), "a dry run did the work");
    let done = bench.call("dead retry g.yaml").ends(0);
    assert!(done.out.contains("all is made good"), "{done:?}");
    assert!(bench.has("out/c/y.txt"), "what comes below was not made");
    assert!(bench.call("dead ls g.yaml").out.contains("no dead letters"));
    bench.call("runs check g.yaml last").ends(0);
    assert_eq!(bench.call("runs ls g.yaml --json").facts().len(), 1, "a retry is no run of its own");
    assert!(bench.call("run g.yaml").ends(0).out.contains("nothing to do"));
}

#[test]
fn a_letter_whose_output_was_made_otherwise_is_not_listed_and_is_cleared_by_a_retry() {
    let bench = chain();
    bench.call("run g.yaml").ends(4);
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml").ends(0);
    let listed = bench.call("dead ls g.yaml").ends(0).out;
    assert!(listed.contains("no dead letters") && listed.contains("made good since"), "{listed}");
    bench.call("dead retry g.yaml").ends(0);
    assert_eq!(bench.call("dead ls g.yaml --json").last()["made_good"], 0);
}

#[test]
fn what_is_dropped_counts_as_skipped_until_it_is_forced() {
    let bench = chain();
    bench.call("run g.yaml").ends(4);
    assert!(bench.call("dead drop g.yaml").ends(2).err.contains("--all"));
    assert!(bench.call("dead drop g.yaml y -n").ends(0).out.contains("b(y)"));
    bench.call("runs check g.yaml last").ends(4);
    bench.call("dead drop g.yaml y").ends(0);
    assert!(bench.call("runs check g.yaml last").ends(0).out.contains("1 skipped"));
    let run = bench.call("run g.yaml --json").ends(0).last();
    assert_eq!((&run["jobs"]["b"]["skipped"], &run["jobs"]["c"]["skipped"]), (&1.into(), &1.into()));
    assert!(bench.call("explain g.yaml y b").out.contains("is skipped (dropped)"));
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml --job b --force y").ends(0);
    assert!(bench.has("out/c/y.txt"));
}

#[test]
fn who_waited_for_what_failed_is_woken_by_the_retry() {
    let bench = chain();
    bench.call("run g.yaml --job c --bottom-up y").ends(4);
    let letters = bench.call("dead show g.yaml --json").facts();
    assert_eq!(letters[0]["letter"]["message"]["frames"][0]["to"]["job"], "c", "{letters:?}");
    bench.write("fix/y", "fixed");
    bench.call("dead retry g.yaml").ends(0);
    assert!(bench.has("out/c/y.txt"), "the waiter was not woken");
    bench.call("runs check g.yaml last").ends(0);
}

#[test]
fn names_that_cannot_be_ids_are_dead_letters_that_cannot_be_tried_again() {
    let bench = chain();
    bench.write("ids", "x\n../up\nz\n");
    let run = bench.call("run g.yaml --ids ids --json").ends(4).last();
    assert_eq!((&run["entities"], &run["bad_names"]), (&3.into(), &1.into()));
    let listed = bench.call("dead ls g.yaml").out;
    assert!(listed.contains("1 bad_id") && listed.contains("../up"), "{listed}");
    let check = bench.call("runs check g.yaml last --json").ends(4).last();
    assert_eq!(
        (&check["entities"], &check["done"], &check["dead"], &check["open"]),
        (&3.into(), &2.into(), &1.into(), &0.into())
    );
    assert!(bench.call("dead retry g.yaml").ends(4).out.contains("cannot be tried again"));
    bench.call("dead drop g.yaml --reason bad_id").ends(0);
    bench.call("runs check g.yaml last").ends(0);
}

#[test]
fn foreign_text_in_a_letter_does_not_steer_the_terminal() {
    let bench = Bench::new(super::CHAIN);
    bench.write("in/x.txt", "x");
    bench.write("ids", "x\u{1b}[2Jy\n");
    bench.call("run g.yaml --ids ids").ends(4);
    for words in ["dead ls g.yaml", "dead ls g.yaml --all", "dead show g.yaml", "dead drop g.yaml --all -n"] {
        let out = bench.call(words).ends(0).out;
        assert!(!out.contains('\u{1b}') && out.contains("\\u{1b}"), "{words}: {out:?}");
    }
}

#[test]
fn an_id_without_a_dead_letter_is_no_success_of_who_names_it() {
    let bench = chain();
    bench.write("in/brahms-1.txt", "");
    bench.call("run g.yaml").ends(4);
    let letters = bench.call("dead ls g.yaml --all").ends(0).out;
    for verb in ["dead retry g.yaml", "dead drop g.yaml", "dead retry g.yaml -n", "dead drop g.yaml -n"] {
        let called = bench.call(&format!("{verb} y brahsm-1 nosuch")).ends(2);
        let told =
            "there is no dead letter of `brahsm-1` (did you mean `brahms-1`?), nor of `nosuch`; nothing was done";
        assert!(called.err.contains(told) && called.out.is_empty(), "{called:?}");
        assert!(bench.call(&format!("{verb} y --job c")).ends(2).err.contains("of this run, job or reason of `y`"));
    }
    assert_eq!(bench.call("dead ls g.yaml --all").ends(0).out, letters, "something was done");
    let none = bench.call("dead retry g.yaml --reason timeout").ends(0).out;
    assert_eq!(none, "no such dead letters; nothing to try again\n");
    let none = bench.call("dead drop g.yaml --reason timeout").ends(0).out;
    assert_eq!(none, "no such dead letters; nothing to give up\n");
}

#[test]
fn a_list_has_one_line_for_each_letter_and_json_the_whole_id() {
    let bench = Bench::new(super::CHAIN);
    let long = "x".repeat(65_536);
    bench.write("in/x.txt", "x");
    bench.write("ids", &format!("a\tb\n{long}\n"));
    bench.call("run g.yaml --ids ids").ends(4);
    let listed = bench.call("dead ls g.yaml --all").ends(0).out;
    assert!(listed.contains("a\\tb") && !listed.contains('\t'), "{listed:?}");
    for words in ["dead ls g.yaml --all", "dead ls g.yaml", "dead retry g.yaml -n", "dead drop g.yaml --all -n"] {
        let out = bench.call(words).ends(0).out;
        assert!(out.lines().all(|line| line.chars().count() < 600), "{words}: {} characters", out.len());
    }
    let facts = bench.call("dead ls g.yaml --json").ends(0).facts();
    let is_whole = |fact: &serde_json::Value| fact["entity"].as_str().is_some_and(|id| id.starts_with(&long[..500]));
    assert!(facts.iter().any(is_whole), "as much as is kept of a name that can be no id: {facts:?}");
}

#[test]
fn what_two_runs_record_of_one_job_and_entity_is_one_letter_in_every_count() {
    let bench = chain();
    for _ in 0..2 {
        bench.call("run g.yaml").ends(4);
    }
    let records = bench.files(".euterpe/chain/dead").len();
    assert_eq!(records, 2, "a record of each run");
    assert_eq!(bench.call("dead ls g.yaml --json").last()["dead"], 1);
    assert!(bench.call("dead ls g.yaml").out.contains("b: 1 failed"));
    assert!(bench.call("dead retry g.yaml -n").out.ends_with("would try again 1 job of an entity\n"));
    assert!(bench.call("dead drop g.yaml --all -n").out.ends_with("\nwould give up 1 dead letter (in 2 records)\n"));
    assert_eq!(bench.call("dead drop g.yaml --all -n --json").facts().len(), 1);
    bench.write("fix/y", "fixed");
    let retried = bench.call("dead retry g.yaml --json").ends(0).last();
    assert_eq!((&retried["retried"], &retried["made_good"]), (&1.into(), &1.into()), "{retried}");
    assert!(bench.files(".euterpe/chain/dead").is_empty());
    std::fs::remove_file(bench.path("fix/y")).expect("removed");
    for _ in 0..2 {
        bench.call("run g.yaml --force=b").ends(4);
    }
    assert!(bench.call("dead drop g.yaml --all").out.contains("gave up 1 dead letter (in 2 records); "));
    bench.call("run g.yaml --only a,b --force=b").ends(4);
    assert!(bench.call("dead drop g.yaml --all").out.contains("gave up 1 dead letter; "));
}

/// A letter of `b` by itself, as a node leaves it.
fn put_letter(bench: &Bench, entity: &str, reason: Reason, millis: u64) {
    let letter = dead_letter(RunId::new(1, 0), "b", entity, reason, millis);
    bench.write(&format!(".euterpe/chain/{}", letter.key()), &serde_json::to_string(&letter).expect("JSON"));
}

#[test]
fn very_many_letters_are_counted_by_job_and_reason_and_those_made_good_since_are_left_out() {
    let bench = chain();
    for n in 0..1_500 {
        let (reason, hour) = if n % 3 == 0 { (Reason::Timeout, 2) } else { (Reason::Failed, 1) };
        put_letter(&bench, &format!("t-{n}"), reason, 1_795_415_412_345 + hour * 3_600_000 * (n + 1));
    }
    let long = "x".repeat(200);
    put_letter(&bench, &long, Reason::BadInput, 1_795_415_412_345);
    for n in [1, 3, 4] {
        bench.write(&format!("out/b/t-{n}.txt"), "made otherwise");
    }
    let listed = bench.call("dead ls g.yaml").ends(0).out;
    for part in [
        "b: 998 failed, 2026-11-23 09:30:12 UTC to 2027-01-24 18:30:12 UTC",
        "b: 499 timeout, 2026-11-23 08:30:12 UTC to ",
        "t-0: t-0 is bad",
        "and 496 more (--all shows each)",
        "b: 1 bad_input, 2026-11-23 06:30:12 UTC\n",
        "3 others were, made good since",
        "of 1 letter it was not looked whether",
    ] {
        assert!(listed.contains(part), "{part:?} is not in {listed}");
    }
    let listed = bench.call("dead ls g.yaml --reason timeout --json").ends(0).last();
    assert_eq!((&listed["dead"], &listed["made_good"]), (&499.into(), &1.into()));
    bench.write("in/t-6.txt", "x");
    bench.write("fix/t-6", "fixed");
    let retried = bench.call("dead retry g.yaml --job b --reason timeout t-6 --json").ends(0).last();
    assert_eq!((&retried["retried"], &retried["made_good"]), (&1.into(), &1.into()), "{retried}");
    assert_eq!(bench.files(".euterpe/chain/dead").len(), 1_500);
}

#[test]
fn a_retry_of_one_of_several_that_a_join_waits_for_asks_for_the_others_itself() {
    let bench = Bench::new(
        r#"
version: 1
graph: diamond
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  base: {use: command, with: {argv: [cat, "{input}", "$HERE/fix/{id}"], stdout: output}, in: {x: "in:{id}.txt"}, out: "out:base/{id}.json"}
  left: {use: json.merge, in: {x: base}, out: "out:left/{id}.json"}
  right: {use: json.merge, in: {x: base}, out: "out:right/{id}.json"}
  join: {use: json.merge, in: {l: left, r: right}, out: "out:join/{id}.json"}
  tail: {use: json.merge, in: {x: join}, out: "out:tail/{id}.json"}
"#,
    );
    bench.write("in/t.txt", "");
    bench.call("run g.yaml --job tail --bottom-up t").ends(4);
    // Both sides asked for `base`, and failed with it. One of them is not among what is tried again.
    let letters = bench.files(".euterpe/diamond/dead");
    assert_eq!(letters.len(), 2, "{letters:?}");
    std::fs::remove_file(bench.path(".euterpe/diamond/dead").join(&letters[0])).expect("removed");
    bench.write("fix/t", "{}");
    let done = bench.call("dead retry g.yaml").ends(0);
    assert!(done.out.contains("all is made good"), "{done:?}");
    assert!(bench.has("out/tail/t.json"), "who waited was not brought to its end");
}
