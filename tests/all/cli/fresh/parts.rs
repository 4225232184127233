//! Catalogues that do not fit into the memory that `--memory` gives: what is found in parts is what is found at once.

use serde_json::Value;

use super::*;

/// So little memory that nearly everything is put off.
const LITTLE: &str = "--memory 1KiB";

const MIXED: &str = r#"
version: 1
graph: g
stores: {in: ./in, set: ./set, out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}"}
  b:
    use: command
    with: {argv: [sh, -c, "cat {input.x} {input.all} > {output}"]}
    in: {x: a, all: "set:all.txt"}
    out: "out:b/{id}.txt"
  two:
    use: command
    with: {argv: [sh, -c, "cp {input} {output.one}; cp {input} {output.other}"]}
    in: {x: b}
    outputs: {one: "out:two/{id}.1", other: "out:two/{id}.2"}
  pair:
    use: command
    with: {argv: [sh, -c, "cat {input.l} {input.r} > {output}"]}
    entity: "{l},{r}"
    in: {l: {from: b, id: "{l}"}, r: {from: b, id: "{r}"}}
    out: "out:pair/{l}+{r}.txt"
"#;

/// An id whose key is too long for a name as it is: blanks are encoded.
fn long() -> String {
    format!("x{}y", " ".repeat(90))
}

/// Ids of all kinds: in folders, with letters and signs that keys encode, too long for a name.
fn names() -> Vec<String> {
    let odd = ["an artist/a b", "Пётр/冬 (live)", "100%", "a~b", "B/T.1", "é"].map(str::to_owned);
    let plain = (0..40).map(|n| format!("t-{n:02}"));
    odd.into_iter().chain(plain).chain([long()]).collect()
}

/// A catalogue with something of everything: outputs that are missing, sources that were replaced, two files of one id.
fn mixed() -> Bench {
    let bench = Bench::new(MIXED);
    bench.write("set/all.txt", "for all");
    bench.write("ids", &[names().join("\n"), "t-01,t-02\nt-03,t-04\nt-05,t-06\n".into()].join("\n"));
    for name in names() {
        bench.write(&format!("in/{name}.txt"), &format!("sound of {name}"));
    }
    bench.call("run g.yaml --json --ids ids").ends(0);
    for gone in ["out/a/t-07", "out/b/t-08.txt", "out/two/t-09.1", "out/two/t-10.2", "out/pair/t-05+t-06.txt"] {
        fs::remove_file(bench.path(gone)).expect("removed");
    }
    for replaced in ["t-01", "t-11", "an artist/a b", "100%", &long()] {
        bench.write(&format!("in/{replaced}.txt"), &format!("another sound of {replaced}"));
    }
    bench
}

/// What is planned, without what is said of one example.
fn plan_of(bench: &Bench, words: &str) -> Value {
    let mut plan = bench.call(&format!("plan g.yaml --json {words}")).ends(0).last();
    fn without_examples(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("example");
                fields.values_mut().for_each(without_examples);
            }
            Value::Array(values) => values.iter_mut().for_each(without_examples),
            _ => {}
        }
    }
    without_examples(&mut plan);
    plan
}

#[test]
fn a_catalogue_in_parts_is_planned_and_made_as_one_that_fits_into_memory() {
    let (whole, parts) = (mixed(), mixed());
    for selection in ["", "--ids ids", "--ids ids --job two --bottom-up", "--force=b", "--only a,b"] {
        let at_once = plan_of(&whole, selection);
        assert_eq!(plan_of(&whole, &format!("{selection} {LITTLE}")), at_once, "{selection}");
    }
    for selection in ["", "--ids ids"] {
        let at_once = done(&whole, selection);
        assert!(!at_once.is_empty());
        assert_eq!(done(&parts, &format!("{selection} {LITTLE}")), at_once, "{selection}");
        assert_eq!(plan_of(&parts, &format!("{selection} {LITTLE}")), plan_of(&whole, selection), "{selection}");
        assert_eq!(done(&parts, &format!("{selection} {LITTLE}")), numbers(""), "{selection}");
    }
    assert_eq!(parts.files("out"), whole.files("out"));
    for file in whole.files("out") {
        assert_eq!(parts.read(&format!("out/{file}")), whole.read(&format!("out/{file}")), "{file}");
    }
    let check = parts.call("runs check g.yaml last --json").ends(0).last();
    assert_eq!(check["done"], 50, "{check}");
    let left = parts.files(".euterpe/g/scratch");
    assert_eq!(left, Vec::<String>::new(), "left in the scratch folder");
}

#[test]
fn a_source_that_all_entities_share_makes_them_all_anew_in_parts_too() {
    let bench = mixed();
    assert!(!done(&bench, LITTLE).is_empty());
    bench.write("set/all.txt", "another one for all");
    let all = names().len() as u64;
    assert_eq!(planned(&bench, LITTLE), numbers(&format!("b {all} two {all}")));
    assert_eq!(done(&bench, LITTLE), numbers(&format!("b {all} two {all}")));
    assert_eq!(planned(&bench, LITTLE), numbers(""));
}

#[test]
fn ids_that_come_again_are_run_once_in_parts_too() {
    let bench = Bench::new(MIXED);
    bench.write("set/all.txt", "for all");
    let mut ids = Vec::new();
    for round in 0..3 {
        ids.extend((0..60).map(|n| format!("t-{:02}", (n * 7 + round) % 60)));
    }
    for n in 0..60 {
        bench.write(&format!("in/t-{n:02}.txt"), "sound");
    }
    bench.write("ids", &ids.join("\n"));
    let ran = bench.call(&format!("run g.yaml --json --ids ids {LITTLE}")).ends(0).last();
    assert_eq!((&ran["entities"], &ran["jobs"]["two"]["done"]), (&60.into(), &60.into()), "{ran}");
}

#[test]
fn a_replaced_source_is_seen_where_the_ids_come_from_several_sources_of_many_names() {
    let graph = "version: 1\ngraph: g\nstores: {in: ./in, notes: ./notes, out: {url: ./out, fsync: false}}\njobs:\n  \
                 a: {use: json.merge, in: {x: \"in:{id}.json\"}, out: \"out:a/{id}.json\"}\n  \
                 b: {use: json.merge, in: {x: \"notes:{id}.json\"}, out: \"out:b/{id}.json\"}\n";
    let bench = Bench::new(graph);
    let many = 5000; // more than come in one go
    for n in 0..many {
        bench.write(&format!("in/{n:04}.json"), "{}");
        bench.write(&format!("notes/{n:04}.json"), "{}");
        // Made by a former version: nothing is known of it but when.
        bench.write(&format!("out/a/{n:04}.json"), "{}");
        bench.write(&format!("out/b/{n:04}.json"), "{}");
    }
    assert_eq!(done(&bench, "--force=b 0000 4999 2500"), numbers("b 3"));
    ["0000", "2500", "4999"].iter().for_each(|id| bench.write(&format!("notes/{id}.json"), "{\"k\": 1}"));
    for memory in ["", LITTLE] {
        assert_eq!(planned(&bench, memory), numbers("b 3"), "{memory}");
    }
}

#[test]
fn two_files_of_one_id_are_told_in_parts_too() {
    let graph = "version: 1\ngraph: g\nstores: {in: ./in, out: ./out}\njobs:\n  \
                 m: {use: json.merge, in: {x: \"in:{id}.{ext}\"}, out: \"out:{id}.json\"}\n";
    let bench = Bench::new(graph);
    (0..60).for_each(|n| bench.write(&format!("in/t-{n:02}.json"), "{}"));
    [3, 17, 44].iter().for_each(|n| bench.write(&format!("in/t-{n:02}.JSON"), "{}"));
    let words = "plan g.yaml --json --passed-over";
    let (at_once, parts) = (bench.call(words).ends(0).last(), bench.call(&format!("{words} {LITTLE}")).ends(0).last());
    assert_eq!((&parts["entities"], &at_once["entities"]), (&60.into(), &60.into()), "{parts}");
    let passed = |plan: &Value| {
        let names = plan["passed_over_names"].as_array().expect("names");
        (plan["passed_over_by_kind"].clone(), names.len())
    };
    assert_eq!(passed(&parts), passed(&at_once), "{parts}\n{at_once}");
    assert_eq!(at_once["passed_over"], 3, "{at_once}");
}

#[test]
fn where_nothing_can_be_put_off_that_is_said_with_the_remedy() {
    let bench = mixed();
    let command = format!("run g.yaml {LITTLE}");
    let Some(called) = bench.call_on_small_disk(&command) else { return };
    assert!(called.code != 1 || called.err.contains("allow more memory"), "{called:?}");
}
