//! What was to be made anew and could not be: told once, and by one word, until somebody gives it up and after that.

use super::{Bench, age, counted, numbers};

/// `c` fails for a sound that is bad, and `d` waits for it beside `b`.
const DIAMOND: &str = r#"
version: 1
graph: g
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: a}, out: "out:b/{id}.txt"}
  c: {use: command, with: {argv: [sh, -c, "grep -v bad {input} > {output}"]}, in: {x: a}, out: "out:c/{id}.txt"}
  d: {use: command, with: {argv: [sh, -c, "cat {input.x} {input.y} > {output}"]}, in: {x: b, y: c}, out: "out:d/{id}.txt"}
"#;

/// Two tracks, made; then the sound of one is bad, and its remake has failed.
pub fn failed() -> Bench {
    let bench = Bench::new(DIAMOND);
    bench.write("in/t1.txt", "a sound");
    bench.write("in/t2.txt", "a sound");
    age(&bench, "in/t2.txt");
    bench.call("run g.yaml").ends(0);
    bench.write("in/t1.txt", "bad");
    bench.call("run g.yaml").ends(4);
    bench
}

#[test]
fn a_remake_that_was_given_up_is_skipped_by_the_word_of_every_verb() {
    let bench = failed();
    bench.call("dead drop g.yaml t1").ends(0);
    let skipped = numbers("c 1 d 1");
    for _ in 0..2 {
        let plan = bench.call("plan g.yaml --json").ends(0).last();
        assert_eq!(counted(&plan["jobs"], "skipped"), skipped, "{plan}");
        assert_eq!(plan["out_of_date"], serde_json::json!([]), "{plan}");
        let said = bench.call("plan g.yaml").ends(0).out;
        assert!(said.contains("nothing to do: what is missing or out of date is skipped"), "{said}");
        let ran = bench.call("run g.yaml --json").ends(0).last();
        assert_eq!(counted(&ran["jobs"], "skipped"), skipped, "{ran}");
        assert_eq!(ran["out_of_date"], serde_json::json!([]), "{ran}");
        let account = bench.call("runs check g.yaml last --json").ends(0).last();
        assert_eq!((&account["done"], &account["skipped"]), (&1.into(), &1.into()), "{account}");
        assert_eq!(counted(&account["jobs"], "skipped"), skipped, "{account}");
        assert_eq!(account["reasons"]["dropped"], 1, "{account}");
        for job in ["c", "d"] {
            let said = bench.call(&format!("explain g.yaml t1 {job}")).ends(0).out;
            assert!(said.contains(&format!("{job}(t1)  is skipped")), "{said}");
        }
    }
    // The first run made it: what it made then was good.
    let first = bench.call("runs ls g.yaml --json").facts()[0]["run"].as_str().expect("an id").to_owned();
    let account = bench.call(&format!("runs check g.yaml {first} --json")).ends(0).last();
    assert_eq!((&account["done"], &account["skipped"]), (&2.into(), &0.into()), "{account}");
    bench.write("in/t1.txt", "a good sound");
    let ran = bench.call("run g.yaml --json").ends(0).last();
    assert_eq!(counted(&ran["jobs"], "done"), numbers("a 1 b 1 c 1 d 1"), "{ran}");
    let account = bench.call("runs check g.yaml last --json").ends(0).last();
    assert_eq!((&account["done"], &account["skipped"]), (&2.into(), &0.into()), "{account}");
}

#[test]
fn a_failure_that_several_jobs_wait_for_is_told_once_for_each_run() {
    let bench = failed();
    let letters = |bench: &Bench| {
        let story = bench.call("explain g.yaml t1 c --json").ends(0).last();
        story["jobs"][0]["dead"].as_array().or_else(|| story["dead"].as_array()).map_or(0, Vec::len)
    };
    let files = bench.files(".euterpe/g/dead");
    assert!(files.len() > 1, "each that waits has a letter: {files:?}");
    assert_eq!(letters(&bench), 1);
    bench.call("run g.yaml").ends(4);
    assert_eq!(letters(&bench), 2, "each run failed");
}

#[test]
fn what_was_given_up_is_tried_again_where_the_code_of_its_job_is_another_or_what_it_reads_will_be() {
    let bench = Bench::new(
        &DIAMOND.replace("sh, -c, \"grep -v bad {input} > {output}\"", "sh, $HERE/c.sh, \"{input}\", \"{output}\""),
    );
    bench.write("c.sh", "grep -v bad $1 > $2\n");
    bench.write("in/t1.txt", "bad");
    let give_up = || {
        bench.call("run g.yaml").ends(4);
        bench.call("dead drop g.yaml t1").ends(0);
        assert_eq!(counted(&bench.call("run g.yaml --json").ends(0).last()["jobs"], "done"), numbers(""));
    };
    let planned_and_done = || {
        let plan = bench.call("plan g.yaml --json").ends(0).last();
        let ran = bench.call("run g.yaml --json").ends(0).last();
        (counted(&plan["jobs"], "make"), counted(&ran["jobs"], "done"))
    };
    give_up();
    let story = bench.call("explain g.yaml t1 c").ends(0).out;
    assert!(story.contains("the skip stands until what c does or reads changes"), "{story}");
    // The source is another: so will be what `c` reads, and the skip of `c` and `d` will not stand.
    bench.write("in/t1.txt", "good");
    assert_eq!(planned_and_done(), (numbers("a 1 b 1 c 1 d 1"), numbers("a 1 b 1 c 1 d 1")));
    bench.write("in/t1.txt", "bad again"); // what was given up before stands for what it was
    give_up();
    bench.write("c.sh", "cp $1 $2\n");
    assert_eq!(planned_and_done(), (numbers("c 1 d 1"), numbers("c 1 d 1")));
}
