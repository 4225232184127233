//! `plan --cost`: what a run would cost, by what finished runs took and what lies in the stores.

use super::Bench;

const GRAPH: &str = r#"
version: 1
graph: g
stores: {in: ./in, out: ./out}
jobs:
  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [sh, -c, "cat {input} {input} > {output}"]}, in: {x: a}, out: "out:b/{id}.txt"}
"#;

/// Ten texts of a thousand bytes on average.
fn bench() -> Bench {
    let bench = Bench::new(GRAPH);
    for n in 0..10 {
        bench.write(&format!("in/track-{n}.txt"), &"x".repeat(955 + 10 * n));
    }
    bench
}

#[test]
fn what_is_not_known_yet_is_said_and_what_was_measured_is_multiplied() {
    let bench = bench();
    let said = bench.call("plan g.yaml --cost").ends(0).out;
    let row =
        said.lines().find(|line| line.starts_with("a ") && line.contains('?')).unwrap_or_else(|| panic!("{said}"));
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["a", "10", "?", "?", "9.8", "KiB", "?"], "{said}");
    assert!(said.contains("\nat least ") && !said.contains("\nin all "), "{said}");
    assert!(
        said.contains(
            "nothing is known of that for `a`, `b`; make some first, such as by `euterpe run g.yaml --limit 20`"
        ),
        "{said}"
    );
    bench.call("run g.yaml --limit 2").ends(0);
    let plan = bench.call("plan g.yaml --cost --json").ends(0).last();
    let cost = &plan["cost"];
    let of = |job: &str, key: &str| cost["jobs"][job][key].as_f64().unwrap_or_else(|| panic!("{key} of {job}: {plan}"));
    assert_eq!((of("a", "works"), of("b", "works"), of("b", "measured")), (8.0, 8.0, 2.0));
    // All sources were looked at, and of the outputs the two that are there.
    assert_eq!(of("a", "read_bytes"), 1000.0);
    let (written, doubled) = (of("a", "write_bytes"), of("b", "write_bytes"));
    assert!(
        (955.0..=1045.0).contains(&written) && doubled == 2.0 * written && of("b", "read_bytes") == written,
        "{plan}"
    );
    assert!(of("a", "seconds") > 0.0);
    let seconds = (of("a", "seconds") + of("b", "seconds")) * 8.0;
    assert!((cost["seconds"].as_f64().expect("a number") - seconds).abs() < 1e-9, "{plan}");
    // A message for each job of each entity that lacks something; no bucket is asked.
    assert_eq!((&cost["messages"], &cost["requests"], &cost["runs"]), (&16.into(), &serde_json::json!({}), &1.into()));
    assert_eq!(cost["id_bytes"], 10 * "track-0\n".len());
}

#[test]
fn prices_are_multiplied_and_a_wrong_one_is_named() {
    let bench = bench();
    bench.call("run g.yaml --limit 2").ends(0);
    let said = bench.call("plan g.yaml --cost --prices gib-month=1000000").ends(0).out;
    assert!(said.contains("at these prices: 0.00 for requests, 0.00 for 0.00 core hours, and "), "{said}");
    let money = bench.call("plan g.yaml --cost --json --prices gib-month=1000000").ends(0).last()["cost"].clone();
    let month = money["write_bytes"].as_f64().expect("bytes") / 1_073_741_824.0 * 1e6;
    assert!((money["money"]["month"].as_f64().expect("money") - month).abs() < 1e-6, "{money}");
    let refused = bench.call("plan g.yaml --cost --prices put=1").ends(2).err;
    assert!(refused.contains("no price is called `put`"), "{refused}");
    bench.call("plan g.yaml --prices write=1").ends(2);
    bench.call("run g.yaml").ends(0);
    let said = bench.call("plan g.yaml --cost").ends(0).out;
    assert!(said.ends_with("\nit would cost nothing\n"), "{said}");
}

#[test]
fn what_is_there_is_measured_whatever_is_asked_for_and_what_is_optional_only_where_it_is() {
    let bench = bench();
    let more = "  p: {use: command, with: {argv: [sh, -c, \"cat {input.l} {input.r} > {output}\"]}, entity: \"{l},{r}\", in: {l: {from: a, id: \"{l}\"}, r: {from: a, id: \"{r}\"}}, out: \"out:p/{l}+{r}.txt\"}\n  \
                m: {use: json.merge, in: {x: \"in:{id}.json\", y: {from: \"in:{id}.more\", optional: true}}, out: \"out:m/{id}.json\"}\n";
    bench.write("g.yaml", &format!("{GRAPH}{more}"));
    let cost = |words: &str, job: &str, key: &str| {
        let plan = bench.call(&format!("plan g.yaml --cost --json {words}")).ends(0).last();
        plan["cost"]["jobs"][job][key].as_f64().unwrap_or_else(|| panic!("{words}: {key} of {job}: {plan}"))
    };
    bench.call("run g.yaml --only a,b").ends(0);
    assert_eq!(cost("--only a,b --force=all", "a", "write_bytes"), 1000.0);
    assert_eq!(cost("--only a,b --force=all", "b", "read_bytes"), 1000.0);
    assert_eq!(cost("--job p track-0,track-9", "p", "read_bytes"), 2000.0);
    for n in 0..4 {
        bench.write(&format!("in/j-{n}.json"), "{\"k\": 1}");
    }
    bench.write("in/j-0.more", "{\"more\": 1}");
    assert_eq!(cost("--job m j-0 j-1 j-2 j-3", "m", "read_bytes"), 8.0 + 11.0 / 4.0);
    let said = bench.call("plan g.yaml --job p track-0,track-9 --cost --prices write=1").ends(0).out;
    assert!(said.contains("\n1 work at a time") && said.contains("at these prices: at least "), "{said}");
}
