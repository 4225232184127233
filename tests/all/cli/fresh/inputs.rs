//! Jobs that read other inputs now, or from elsewhere, although no file came: an input more, one less, another job, another
//! place. What was made before is looked at until a whole run has seen to the end that all is well.

use super::{Bench, age, counted, numbers};

const GRAPH: &str = r#"
version: 1
graph: g
stores: {in: ./in, old: ./old, out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.json"}, out: "out:a/{id}.json"}
  b: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "old:{id}.json"}, out: "out:b/{id}.json"}
  m: {use: json.merge, in: {x: a}, out: "out:m/{id}.json"}
  end: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: m}, out: "out:end/{id}.json"}
"#;

/// Two entities with sources of today and of long ago, all made.
fn made() -> Bench {
    let bench = Bench::new(GRAPH);
    for id in ["t1", "t2"] {
        bench.write(&format!("in/{id}.json"), &format!("{{\"k\": \"new {id}\"}}"));
        bench.write(&format!("old/{id}.json"), &format!("{{\"o\": \"old {id}\"}}"));
        age(&bench, &format!("old/{id}.json"));
    }
    bench.call("run g.yaml --only b").ends(0);
    bench.call("run g.yaml").ends(0);
    settled(&bench, "");
    bench
}

fn settled(bench: &Bench, flags: &str) {
    let said = bench.call(&format!("run g.yaml {flags}")).ends(0).out;
    assert!(said.starts_with("nothing to do"), "{flags}: {said}");
}

fn change(bench: &Bench, from: &str, to: &str) {
    let text = bench.read("g.yaml");
    assert!(text.contains(from), "{from}");
    bench.write("g.yaml", &text.replacen(from, to, 1));
}

fn done(bench: &Bench, flags: &str) -> std::collections::BTreeMap<String, u64> {
    counted(&bench.call(&format!("run g.yaml --json {flags}")).ends(0).last()["jobs"], "done")
}

#[test]
fn whatever_a_job_reads_now_is_what_its_outputs_are_made_of() {
    for (name, from, to, plan, makes, why) in [
        ("nothing", "in: {x: a}", "in: {x: a}", "", "", ""),
        ("one more", "in: {x: a}", "in: {x: a, y: b}", "m 2 end 2", "m 2 end 2", "`y` of `m` became an input"),
        ("another one", "in: {x: a}", "in: {x: b}", "m 2 end 2", "m 2 end 2", "`x` of `m` has another content"),
        ("another name", "in: {x: a}", "in: {z: a}", "m 2 end 2", "m 2", "`z` of `m` became an input"),
        ("another store", "in:{id}.json", "old:{id}.json", "a 2 m 2 end 2", "a 2 m 2 end 2", "`x` of `a` was replaced"),
    ] {
        let bench = made();
        change(&bench, from, to);
        let said = bench.call("plan g.yaml").ends(0).out;
        assert!(said.contains(why), "{name}: {said}");
        let planned = bench.call("plan g.yaml --json").ends(0).last();
        assert_eq!(counted(&planned["jobs"], "make"), numbers(plan), "{name}: what is planned");
        if !plan.is_empty() {
            let story = bench.call("explain g.yaml t1 end").ends(0).out;
            assert!(story.contains("out of date") && story.contains(why), "{name}: {story}");
        }
        // One entity alone, then all: what was not asked for is not forgotten.
        let (one, all) = (done(&bench, "t1"), done(&bench, ""));
        let both: std::collections::BTreeMap<String, u64> =
            numbers(makes).into_keys().map(|job| (job.clone(), one[&job] + all[&job])).collect();
        assert_eq!(both, numbers(makes), "{name}: what is made");
        for flags in ["", "--exact", "t1"] {
            settled(&bench, flags);
        }
        // Nothing of that has to be looked at any more.
        let is_noted = bench.read(".euterpe/g/recipes.json").contains("looked_at");
        assert_eq!(is_noted, !plan.is_empty(), "{name}");
        bench.call("runs check g.yaml last").ends(0);
    }
}

#[test]
fn an_input_that_is_taken_away_is_seen_and_later_changes_of_a_new_one_are_followed() {
    let bench = made();
    change(&bench, "in: {x: a}", "in: {x: a, y: b}");
    assert_eq!(done(&bench, ""), numbers("m 2 end 2"));
    bench.write("old/t1.json", "{\"o\": \"newer\"}");
    assert_eq!(done(&bench, ""), numbers("b 1 m 1 end 1"));
    assert!(bench.read("out/end/t1.json").contains("newer"));
    change(&bench, "in: {x: a, y: b}", "in: {y: b}");
    let said = bench.call("plan g.yaml").ends(0).out;
    assert!(said.contains("`x`, from which it was made, is no input of `m` any more"), "{said}");
    assert_eq!(done(&bench, ""), numbers("m 2 end 2"));
    assert!(!bench.read("out/end/t2.json").contains("new t2"));
    settled(&bench, "");
}

#[test]
fn what_lacks_an_input_that_its_job_has_more_is_not_done() {
    let bench = made();
    change(&bench, "in: {x: a}", "in: {x: a, z: \"in:{id}.more\"}");
    bench.write("in/t1.more", "{\"z\": 1}");
    let planned = bench.call("plan g.yaml --json").ends(0).last();
    assert_eq!((&planned["jobs"]["m"]["make"], &planned["jobs"]["m"]["blocked"]), (&1.into(), &1.into()), "{planned}");
    for _ in 0..2 {
        let ran = bench.call("run g.yaml --json").ends(4).last();
        assert_eq!(ran["jobs"]["m"]["dead"], 1, "{ran}");
    }
    assert!(bench.read("out/end/t1.json").contains("\"z\""));
    let letters = bench.call("dead ls g.yaml").ends(0).out;
    assert!(letters.contains("source_missing") && letters.contains("t2"), "{letters}");
    bench.write("in/t2.more", "{\"z\": 2}");
    assert_eq!(done(&bench, ""), numbers("m 1 end 1"));
    settled(&bench, "");
}

#[test]
fn other_places_of_stores_bring_other_sources_however_old_they_are_and_so_do_the_former_ones() {
    let bench = made();
    for (flags, now) in [("--store in=old", "old t1"), ("--store in=in", "new t1")] {
        assert_eq!(done(&bench, flags), numbers("a 2 m 2 end 2"), "{flags}");
        assert!(bench.read("out/end/t1.json").contains(now), "{flags}");
        settled(&bench, flags);
    }
}

#[test]
fn what_could_not_be_made_of_another_input_is_tried_again_by_the_next_run() {
    let bench = made();
    bench.write("old/t2.json", "no JSON");
    age(&bench, "old/t2.json");
    change(&bench, "in: {x: a}", "in: {x: b}");
    // The time of the source says nothing, and `b` of `t2` is not asked for: it was made of what was there then.
    bench.call("run g.yaml --only b --force=b").ends(0);
    bench.call("run g.yaml").ends(4);
    assert!(bench.read("out/end/t1.json").contains("old t1"));
    bench.call("dead drop g.yaml --all").ends(0);
    change(
        &bench,
        "use: json.merge, in: {x: b}",
        "use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {x: b}",
    );
    assert_eq!(done(&bench, ""), numbers("m 1 end 1"));
    assert_eq!(bench.read("out/end/t2.json"), "no JSON");
    settled(&bench, "");
}

#[test]
fn an_output_that_somebody_wrote_over_is_that_of_nobody() {
    let bench = made();
    bench.write("out/a/t1.json", "{\"k\": \"mine, and longer than what was there\"}");
    assert_eq!(done(&bench, ""), numbers("m 1 end 1"));
    assert!(bench.read("out/end/t1.json").contains("mine"));
    let story = bench.call("explain g.yaml t1 a").ends(0).out;
    assert!(!story.contains("made by run"), "{story}");
    std::fs::remove_file(bench.path("in/t1.json")).expect("removed");
    let pruned = bench.call("prune g.yaml --delete").ends(0).out;
    assert!(pruned.contains("foreign") || pruned.contains("without a stamp"), "{pruned}");
    assert!(bench.has("out/a/t1.json"), "{pruned}");
}

#[test]
fn what_lies_where_a_job_writes_now_is_looked_at_whoever_made_it() {
    let jobs = |text: &str| {
        let head = GRAPH.split("jobs:").next().expect("a head");
        let cat = |name: &str, reads: &str, out: &str| {
            format!(
                "  {name}: {{use: command, with: {{argv: [cp, \"{{input}}\", \"{{output}}\"]}}, in: {{x: {reads}}}, out: \"out:{out}/{{id}}.json\"}}\n"
            )
        };
        let line = |job: &str| match job.split(' ').collect::<Vec<_>>()[..] {
            [name, "in", out] => cat(name, "\"in:{id}.json\"", out),
            [name, "old", out] => cat(name, "\"old:{id}.json\"", out),
            [name, parent, out] => cat(name, parent, out),
            _ => panic!("{job}"),
        };
        format!("{head}jobs:\n{}", text.split(", ").map(line).collect::<String>())
    };
    for (name, before, after, makes) in [
        ("called otherwise", "t in t", "u in t", ""),
        ("called otherwise, of another source", "t in t", "u old t", "u 2"),
        ("of another job, and called otherwise", "t in t, o old o, m t m", "t in t, o old o, n o m", "n 2"),
        ("exchanged", "t in t, u old u", "t in u, u old t", "t 2 u 2"),
        ("in the place of one that is gone", "t in t, u old u", "u old t", "u 2"),
    ] {
        let bench = made();
        bench.write("g.yaml", &jobs(before));
        std::fs::remove_dir_all(bench.path("out")).expect("removed");
        std::fs::create_dir(bench.path("out")).expect("made");
        bench.call("run g.yaml").ends(0);
        settled(&bench, "");
        bench.write("g.yaml", &jobs(after));
        let planned = bench.call("plan g.yaml --json").ends(0).last();
        assert_eq!(counted(&planned["jobs"], "make"), numbers(makes), "{name}: what is planned");
        assert_eq!(done(&bench, ""), numbers(makes), "{name}: what is made");
        settled(&bench, "--exact");
    }
}

/// A graph of commands that write what they read and a word, each with its inputs and the places of its outputs.
fn words(jobs: &[(&str, &str, &str, &[&str])]) -> String {
    let mut text =
        "version: 1\ngraph: g\nstores: {in: ./in, old: ./old, out: ./out}\ndefaults: {retries: 0}\njobs:\n".to_owned();
    for (name, word, reads, writes) in jobs {
        let outputs: Vec<String> =
            ["p", "q"].iter().zip(*writes).map(|(out, place)| format!("{out}: \"out:{place}/{{id}}.txt\"")).collect();
        let inputs: Vec<String> = ["x", "y"]
            .iter()
            .zip(reads.split(' '))
            .map(|(input, from)| match from {
                "in" => format!("{input}: \"in:{{id}}.json\""),
                job => format!("{input}: {job}"),
            })
            .collect();
        let files: Vec<String> =
            ["x", "y"].iter().zip(reads.split(' ')).map(|(input, _)| format!("{{input.{input}}}")).collect();
        let write = |out: &str| format!("(cat {}; echo {word}{out}) > {{output.{out}}}", files.join(" "));
        let script: Vec<String> = ["p", "q"].iter().zip(*writes).map(|(out, _)| write(out)).collect();
        text += &format!(
            "  {name}: {{use: command, with: {{argv: [sh, -c, \"{}\"]}}, in: {{{}}}, outputs: {{{}}}}}\n",
            script.join("; "),
            inputs.join(", "),
            outputs.join(", ")
        );
    }
    text
}

#[test]
fn a_job_that_comes_between_and_outputs_that_change_places_are_followed_by_one_run_whichever_way_it_goes() {
    type Jobs = &'static [(&'static str, &'static str, &'static str, &'static [&'static str])];
    let cases: &[(&str, Jobs, Jobs, &str)] = &[
        (
            "one comes above a job with two parents",
            &[("a", "A", "in", &["a"]), ("b", "B", "in a", &["b"]), ("c", "C", "b", &["c"])],
            &[("a", "A", "in", &["a"]), ("n", "N", "in", &["n"]), ("b", "B", "n a", &["b"]), ("c", "C", "b", &["c"])],
            "n 2 b 2 c 2",
        ),
        (
            "one comes into a chain",
            &[("b", "B", "in", &["b"]), ("c", "C", "b", &["c"])],
            &[("n", "N", "in", &["n"]), ("b", "B", "n", &["b"]), ("c", "C", "b", &["c"])],
            "n 2 b 2 c 2",
        ),
        (
            "two of the same input change places",
            &[("a", "A", "in", &["a"]), ("b", "B", "in", &["b"]), ("c", "C", "b", &["c"])],
            &[("a", "A", "in", &["b"]), ("b", "B", "in", &["a"]), ("c", "C", "b", &["c"])],
            "a 2 b 2",
        ),
        (
            "one takes the place of one that is gone",
            &[("b", "B", "in", &["b"]), ("c", "C", "b", &["c"])],
            &[("n", "N", "in", &["b"]), ("c", "C", "n", &["c"])],
            "n 2 c 2",
        ),
        (
            "two outputs of one job change places",
            &[("a", "A", "in", &["p", "q"]), ("b", "B", "a", &["b"]), ("c", "C", "a.q", &["c"])],
            &[("a", "A", "in", &["q", "p"]), ("b", "B", "a", &["b"]), ("c", "C", "a.q", &["c"])],
            "a 2",
        ),
        (
            "a primary one comes where a second one lay",
            &[("a", "A", "in", &["p", "q"]), ("b", "B", "a", &["b"])],
            &[("a", "A", "in", &["p", "n"]), ("b", "B", "a", &["q"])],
            "a 2 b 2",
        ),
        (
            "one comes at the end",
            &[("a", "A", "in", &["a"])],
            &[("a", "A", "in", &["a"]), ("b", "B", "a", &["b"])],
            "b 2",
        ),
    ];
    for (name, before, after, makes) in cases {
        let last = after.last().expect("a job").0;
        for asked in ["".to_owned(), format!("--job {last} --bottom-up t1 t2"), "--exact".to_owned()] {
            let bench = Bench::new(&words(before));
            for id in ["t1", "t2"] {
                bench.write(&format!("in/{id}.json"), id);
                bench.write(&format!("old/{id}.json"), id);
            }
            bench.call("run g.yaml").ends(0);
            bench.write("g.yaml", &words(after));
            let planned = counted(&bench.call(&format!("plan g.yaml --json {asked}")).ends(0).last()["jobs"], "make");
            let made = done(&bench, &asked);
            if asked.is_empty() || asked == "--exact" {
                assert_eq!(made, numbers(makes), "{name} {asked}");
                assert!(made.keys().all(|job| planned.contains_key(job)), "{name} {asked}: {planned:?}");
            }
            done(&bench, ""); // what lies beside the way from the bottom up
            settled(&bench, "--exact");
            for (job, _, reads, writes) in *after {
                let word = before.iter().chain(*after).find(|(other, ..)| other == job).expect("a job").1;
                for (out, place) in ["p", "q"].iter().zip(*writes) {
                    let inputs: String = reads
                        .split(' ')
                        .map(|from| match from.split_once('.').unwrap_or((from, "p")) {
                            ("in", _) => "t1".to_owned(),
                            (parent, output) => {
                                let of = after.iter().find(|(other, ..)| *other == parent).expect("a parent");
                                bench.read(&format!("out/{}/t1.txt", of.3[usize::from(output == "q")]))
                            }
                        })
                        .collect();
                    let now = bench.read(&format!("out/{place}/t1.txt"));
                    assert_eq!(now, format!("{inputs}{word}{out}\n"), "{name} {asked}: {job}.{out}");
                }
            }
        }
    }
}
