//! What a run is asked for: jobs, ids, force, limits; plan and explain agree with it.

use super::{Bench, chain};

/// A join with a sibling that nobody asks for: `card` needs `left` and `right`, and `other` hangs beside them.
const JOIN: &str = r#"
version: 1
graph: join
stores: {out: ./out}
defaults: {retries: 0}
jobs:
  track: {use: synth.track, with: {seconds: 1}, out: "out:track/{id}.wav"}
  left:  {use: command, with: {argv: [printf, '"to the left"'], stdout: output}, in: {t: track}, out: "out:left/{id}.json"}
  right: {use: command, with: {argv: [printf, '"to the right"'], stdout: output}, in: {t: track}, out: "out:right/{id}.json"}
  other: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {t: track}, out: "out:other/{id}.wav"}
  card:  {use: json.merge, in: {left: left, right: right}, out: "out:card/{id}.json"}
"#;

#[test]
fn bottom_up_makes_exactly_what_is_needed_as_plan_and_explain_say() {
    let bench = Bench::new(JOIN);
    let plan = bench.call("plan g.yaml --job card --bottom-up t-1 --json").ends(0).last();
    assert_eq!((&plan["jobs"]["card"]["make"], &plan["work"]), (&1.into(), &4.into()), "{plan}");
    assert_eq!(plan["jobs"]["track"]["on_request"], 1);
    assert!(!bench.has("out") && !bench.has(".euterpe"), "a plan wrote something");
    let story = bench.call("explain g.yaml t-1 card").ends(0).out;
    assert!(story.contains("would be made, after track(t-1), left(t-1), right(t-1)"), "{story}");
    bench.call("run g.yaml --job card --bottom-up t-1").ends(0);
    assert_eq!(bench.files("out"), ["card/t-1.json", "left/t-1.json", "right/t-1.json", "track/t-1.wav"]);
    let story = bench.call("explain g.yaml t-1 card --json").ends(0).last();
    assert_eq!(story["jobs"][0]["decision"]["decision"], "have", "{story}");
    assert!(bench.call("explain g.yaml t-1").out.contains("other(t-1)  would be made: all of its inputs are there"));
}

#[test]
fn a_second_run_says_that_there_is_nothing_to_do_and_so_does_the_plan() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    let plan = bench.call("plan g.yaml --json").ends(0).last();
    assert_eq!((&plan["entities"], &plan["work"]), (&3.into(), &9.into()));
    assert_eq!(bench.call("run g.yaml -n --json").ends(0).last(), plan, "a dry run is a plan");
    assert!(!bench.has("out") && !bench.has(".euterpe"), "a dry run wrote something");
    bench.call("run g.yaml").ends(0);
    assert!(bench.call("run g.yaml").ends(0).out.contains("nothing to do"));
    let plan = bench.call("plan g.yaml").ends(0).out;
    assert!(plan.contains("nothing to do"), "{plan}");
}

#[test]
fn a_dry_run_of_publish_speaks_of_what_would_be_sent() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml x").ends(0);
    for (words, sent) in [
        ("", "`euterpe publish g.yaml` would send 3 entities, for which nodes would run 6 transforms\n"),
        (
            "--missing-only",
            "`euterpe publish g.yaml --missing-only` would send 2 entities, for which nodes would run 6 transf",
        ),
        ("x", "`euterpe publish g.yaml x` would send 1 entity, for which nodes would run 0 transforms\n"),
        ("--missing-only x", "`euterpe publish g.yaml x --missing-only` would send 0 entities, for which"),
    ] {
        let said = bench.call(&format!("publish g.yaml -n {words}")).ends(0).out;
        assert!(said.contains(sent) && !said.contains("euterpe run"), "{words}: {said}");
    }
    let plan = bench.call("publish g.yaml -n nobody@").ends(0).out;
    assert!(plan.contains("`euterpe publish g.yaml nobody@`"), "{plan}");
}

#[test]
fn what_is_blocked_is_said_with_its_reason_and_is_what_then_fails() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    let plan = bench.call("plan g.yaml x nobody --json").ends(0).last();
    assert_eq!((&plan["jobs"]["a"]["blocked"], &plan["jobs"]["c"]["blocked"]), (&1.into(), &1.into()));
    assert_eq!((&plan["blocked"][0]["reason"], &plan["blocked"][2]["at"]), (&"source_missing".into(), &"a".into()));
    assert!(bench.call("plan g.yaml x nobody").out.contains("a: 1 source_missing, such as `nobody`"));
    let run = bench.call("run g.yaml x nobody --json").ends(4).last();
    assert_eq!((&run["jobs"]["a"]["dead"], &run["jobs"]["c"]["dead"]), (&1.into(), &1.into()));
    let story = bench.call("explain g.yaml nobody").ends(0).out;
    assert!(story.contains("a(nobody)  is blocked (source_missing)"), "{story}");
    assert!(story.contains("c(nobody)  is blocked by a(nobody) (source_missing)"), "{story}");
    assert!(story.contains("dead retry g.yaml --job a nobody"), "{story}");
}

#[test]
fn a_limit_does_not_count_what_was_given_up() {
    let bench = chain();
    bench.call("run g.yaml y").ends(4);
    bench.call("dead drop g.yaml --all").ends(0);
    for (run, there) in [["x"].as_slice(), &["x", "z"]].into_iter().enumerate() {
        let plan = bench.call("plan g.yaml --limit 1 --json").ends(0).last();
        assert_eq!(plan["jobs"]["c"]["make"], 1, "before run {run}: {plan}");
        bench.call("run g.yaml --limit 1").ends(0);
        let files = bench.files("out");
        let of = |id: &str| files.iter().filter(|name| name.ends_with(&format!("/{id}.txt"))).count();
        assert_eq!(["x", "z"].map(of), ["x", "z"].map(|id| if there.contains(&id) { 3 } else { 0 }), "run {run}");
    }
    assert_eq!(bench.call("plan g.yaml --json").ends(0).last()["jobs"]["c"]["make"], 0);
}

#[test]
fn only_and_limit_and_force_narrow_and_widen_a_run() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml --only a --limit 2").ends(0);
    assert_eq!(bench.files("out").len(), 2);
    bench.call("run g.yaml --only a,b").ends(0);
    assert_eq!(bench.files("out").len(), 6);
    bench.call("run g.yaml").ends(0);
    assert_eq!(bench.files("out").len(), 9);
    let plan = bench.call("plan g.yaml --force=b x --json").ends(0).last();
    assert_eq!(
        (&plan["jobs"]["a"]["have"], &plan["jobs"]["b"]["make"], &plan["jobs"]["c"]["make"]),
        (&1.into(), &1.into(), &1.into())
    );
    let run = bench.call("run g.yaml --force=b x --json").ends(0).last();
    assert_eq!(
        (&run["jobs"]["a"]["done"], &run["jobs"]["b"]["done"], &run["jobs"]["c"]["done"]),
        (&0.into(), &1.into(), &1.into())
    );
}

#[test]
fn a_job_that_only_names_is_made_with_what_is_missing_for_it_whatever_lies_above() {
    for (only, made) in [("other", 2), ("card", 4), ("track,card", 4)] {
        let bench = Bench::new(JOIN);
        let words = format!("g.yaml --only {only} t-1");
        let plan = bench.call(&format!("plan {words} --json")).ends(0).last();
        assert_eq!(plan["work"], made, "{only}: {plan}");
        let run = bench.call(&format!("run {words} --json")).ends(0).last();
        assert_eq!((bench.files("out").len(), &run["open"]), (made, &0.into()), "{only}: {run}");
        bench.call("runs check g.yaml last").ends(0);
        // What is there is taken as it is: of a chain, the end alone.
        std::fs::remove_file(bench.path("out/card/t-1.json")).ok();
        bench.call("run g.yaml --only card t-1").ends(0);
        assert!(bench.has("out/card/t-1.json"), "{only}");
    }
    let bench = chain();
    bench.call("run g.yaml --only c x").ends(0);
    assert_eq!(bench.files("out"), ["a/x.txt", "b/x.txt", "c/x.txt"]);
    bench.call("run g.yaml --only c --ping z").ends(0);
}

#[test]
fn a_ping_travels_the_graph_and_makes_nothing() {
    let bench = chain();
    let run = bench.call("run g.yaml --ping --json").ends(0).last();
    assert_eq!((&run["jobs"]["a"]["ping"], &run["jobs"]["c"]["ping"]), (&3.into(), &3.into()));
    assert!(bench.files("out").is_empty());
    assert!(bench.call("plan g.yaml --ping").ends(2).err.contains("a ping makes nothing"));
}

#[test]
fn a_run_in_which_everything_fails_stops_at_the_most_dead_that_it_may_have() {
    let bench = Bench::new(
        &super::CHAIN.replace("stdout: output}, in: {text: a}", "stdout: output}, in: {text: a}, pool: {workers: 1}"),
    );
    let ids: Vec<String> = (0..500).map(|n| format!("t-{n}")).collect();
    ids.iter().for_each(|id| bench.write(&format!("in/{id}.txt"), id));
    let run = bench.call("run g.yaml --max-dead 3 --json").ends(130).last();
    let dead = run["jobs"]["b"]["dead"].as_u64().expect("a number");
    assert!((3..500).contains(&dead), "{run}");
}

#[test]
fn ids_come_from_standard_input_and_from_files() {
    let bench = chain();
    bench.write("ids", "x\n\nz\n");
    bench.call("run g.yaml --ids ids --only a").ends(0);
    assert_eq!(bench.files("out"), ["a/x.txt", "a/z.txt"]);
    bench.call("run g.yaml --ids - --only a").ends(0); // empty: there is nothing to do
    assert_eq!(bench.files("out").len(), 2);
    bench.call("run g.yaml --ids no-such-file").ends(1);
}

#[test]
fn that_there_are_no_entities_is_said_with_its_true_reason() {
    let bench = chain();
    bench.write("none", "# a remark\n\n");
    for (words, why) in [
        ("run g.yaml --ids none", "`none` holds no ids; empty lines and lines that begin with `#` are passed over"),
        ("run g.yaml --ids -", "standard input held no ids; "),
        ("run g.yaml --limit 0", "--limit 0 takes none"),
        ("run g.yaml --store in=nothing", "the source is empty"),
    ] {
        std::fs::create_dir_all(bench.path("nothing")).expect("made");
        let out = bench.call(words).ends(0).out;
        assert!(out.starts_with(&format!("no entities: {why}")), "{words}: {out}");
    }
}

#[test]
fn mistakes_in_what_is_typed_end_2_and_say_what_to_type() {
    let bench = chain();
    for (words, remedy) in [
        ("run g.yaml --job bb", "did you mean `b`?"),
        ("run g.yaml ../up", "an id may not"),
        ("plan g.yaml --only a,q", "no job named `q`"),
        ("run g.yaml --force=", "no job named ``"),
        ("run g.yaml --refresh=", "no job named ``"),
        ("explain g.yaml x nonsense", "the jobs are a, b, c"),
        ("explain g.yaml ../up", "cannot be an entity"),
        ("dead ls g.yaml --job d", "no job named `d`"),
        ("dead ls g.yaml --run last", "there is no run yet"),
    ] {
        let called = bench.call(words).ends(2);
        assert!(called.err.contains(remedy), "{words}: {called:?}");
    }
    bench.call("run g.yaml --bottom-up").ends(2);
    bench.call("completions nonsense").ends(2);
    bench.write("bad.yaml", "version: 1\ngraph: g\njobs: {}\nstores: {}\nnonsense: 1\n");
    for words in ["run bad.yaml", "plan bad.yaml", "explain bad.yaml x", "runs ls bad.yaml", "dead ls bad.yaml"] {
        bench.call(words).ends(3);
    }
}

#[test]
fn an_id_whose_keys_no_store_can_hold_is_explained_and_planned_like_any_other() {
    let bench = chain();
    let story = bench.call("explain g.yaml .euterpe/x").ends(0).out;
    assert!(story.contains("a(.euterpe/x)  is blocked (bad_key)"), "{story}");
    let plan = bench.call("plan g.yaml .euterpe/x --json").ends(0).last();
    assert_eq!((&plan["jobs"]["a"]["blocked"], &plan["blocked"][0]["reason"]), (&1.into(), &"bad_key".into()));
    bench.call("run g.yaml .euterpe/x").ends(4);
    assert!(bench.call("dead ls g.yaml").out.contains("a: 1 bad_key"));
}

/// Pairs, each made of two tracks that nobody asks for by themselves.
const PAIRS: &str = r#"
version: 1
graph: pairs
stores: {out: ./out}
defaults: {retries: 0}
jobs:
  track: {use: synth.track, with: {seconds: 1}, out: "out:track/{id}.wav"}
  pair:
    use: command
    with: {argv: [cat, "{input.a}", "{input.b}"], stdout: output}
    entity: "{a}+{b}"
    in: {a: {from: track, id: "{a}"}, b: {from: track, id: "{b}"}}
    out: "out:pair/{id}.bin"
"#;

#[test]
fn what_several_pairs_ask_for_is_planned_once_and_made_once() {
    let bench = Bench::new(PAIRS);
    let plan = bench.call("plan g.yaml x+y y+z z --json").ends(0).last();
    let (track, pair) = (&plan["jobs"]["track"], &plan["jobs"]["pair"]);
    assert_eq!((&pair["make"], &track["on_request"], &track["make"]), (&2.into(), &2.into(), &1.into()), "{plan}");
    let run = bench.call("run g.yaml x+y y+z z --json").ends(0).last();
    let (track, pair) = (&run["jobs"]["track"], &run["jobs"]["pair"]);
    assert_eq!((&pair["done"], &track["done"]), (&2.into(), &3.into()), "{run}");
    let story = bench.call("explain g.yaml x+y").ends(0).out;
    assert!(story.contains("input   a: out:track/x.wav (from track(x)), there"), "{story}");
    assert_eq!(bench.call("plan g.yaml x+y y+z z --json").last()["work"], 0);
}

#[test]
fn completions_are_written_for_every_shell() {
    let bench = Bench::new("");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = bench.call(&format!("completions {shell}")).ends(0).out;
        assert!(script.contains("euterpe") && script.contains("explain"), "{shell}");
    }
}

#[test]
fn an_id_that_is_given_twice_is_one_entity_in_every_count() {
    let bench = chain();
    bench.write("in/caf\u{e9}.txt", "x");
    bench.write("ids", "x\ncaf\u{e9}\nx\ncafe\u{301}\nx\n");
    for (given, entities) in [("x x x", 1), ("--ids ids", 2)] {
        let plan = bench.call(&format!("plan g.yaml {given} --json --force --only a")).ends(0).last();
        assert_eq!(plan["entities"].as_u64(), Some(entities), "{plan}");
        let run = bench.call(&format!("run g.yaml {given} --json --force --only a")).ends(0).last();
        assert_eq!(run["entities"].as_u64(), Some(entities), "{run}");
        let check = bench.call("runs check g.yaml last --json").ends(0).last();
        assert_eq!((check["entities"].as_u64(), check["done"].as_u64()), (Some(entities), Some(entities)), "{check}");
    }
}

#[test]
fn a_file_is_passed_over_once_and_only_where_no_source_takes_it_and_a_twin_is_told_when_all_is_made() {
    let bench = Bench::new(
        r#"
version: 1
graph: two
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  j: {use: json.merge, in: {x: "in:{id}.json"}, out: "out:j/{id}.json"}
"#,
    );
    let passed = || -> Vec<(String, String)> {
        let plan = bench.call("plan g.yaml --passed-over --json").ends(0).last();
        let text = |fact: &serde_json::Value, key: &str| fact[key].as_str().expect("text").to_owned();
        let names = plan["passed_over_names"].as_array().expect("a list");
        names.iter().map(|one| (text(one, "kind"), text(one, "path"))).collect()
    };
    for name in ["t.txt", ".hidden", "b.Txt"] {
        bench.write(&format!("in/{name}"), "x");
    }
    bench.write("in/t.json", "{}");
    assert_eq!(passed(), [("hidden".into(), ".hidden".into()), ("other_name".into(), "b.Txt".into())]);
    let run = bench.call("run g.yaml --json").ends(0).last();
    assert_eq!(run["passed_over_by_kind"], serde_json::json!({"hidden": 1, "other_name": 1}), "{run}");
    bench.write("in/caf\u{e9}.txt", "x");
    bench.write("in/caf\u{e9}.json", "{}");
    bench.call("run g.yaml").ends(0);
    bench.write("in/cafe\u{301}.txt", "another");
    let run = bench.call("run g.yaml --json").ends(0).last();
    assert_eq!(run["passed_over_by_kind"], serde_json::json!({"hidden": 1, "other_name": 1, "same_id": 1}), "{run}");
}

#[test]
fn a_twin_is_told_although_another_source_takes_it() {
    let bench = Bench::new(
        r#"
version: 1
graph: two
stores: {in: ./in, out: ./out}
jobs:
  any: {use: audio.transcode, in: {audio: "in:{id}.{ext}"}, out: "out:any/{id}.wav"}
  wav: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.wav"}, out: "out:wav/{id}.wav"}
"#,
    );
    for name in ["t.flac", "t.wav", "u.wav", "v.Flac"] {
        bench.write(&format!("in/{name}"), name);
    }
    let plan = bench.call("plan g.yaml --passed-over --json").ends(0).last();
    let names = plan["passed_over_names"].as_array().expect("a list");
    assert!(names.contains(&serde_json::json!({"kind": "same_id", "path": "t.wav"})), "{plan}");
    let plan = bench.call("plan g.yaml").ends(0).out;
    assert!(plan.contains("1 of an extension that is not asked for: .Flac 1"), "{plan}");
}
