//! `audit`: each rule finds what will bite, with its place, and is silent where it is as it should be.

use serde_json::Value;

use super::{Bench, Called};

/// What an audit finds, as `rule path`, each with its message.
fn found(called: &Called) -> Vec<(String, String)> {
    let fact = called.last();
    let findings = fact["findings"].as_array().expect("findings").clone();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    findings
        .iter()
        .map(|one| (format!("{} {}", text(&one["rule"]), text(&one["path"])), text(&one["message"])))
        .collect()
}

/// A graph in which everything will bite that a file can tell.
const BAD: &str = r#"version: 1
graph: bad
stores:
  in: ./in
  out: {url: ./out, fsync: false}
jobs:
  tags:
    python: t.py:tags
    env:
      requirements: r.txt
      variables: {OMP_NUM_THREADS: "512", CUDA_VISIBLE_DEVICES: "0"}
    in: {text: "in:{id}.txt"}
    out: "out:tags/{id}.json"
    pool: {workers: 2}
  bare:
    use: command
    with: {argv: [python3, x.py, "{input}", "{output}"]}
    in: {text: "in:{id}.txt"}
    out: "out:bare/{id}"
    pool: {workers: 3}
    timeout: 2h
"#;

/// What its Python job runs.
const TAGS: &str = "def tags(text: str) -> dict:\n    return {}\n";

#[test]
fn every_rule_about_the_file_finds_what_will_bite_and_names_its_place() {
    let bench = Bench::new(BAD);
    bench.write("t.py", TAGS);
    bench.write("r.txt", "# pinned and not\nnumpy==1.26.4\nscipy>=1.0\ntorch\n");
    let called = bench.call("audit g.yaml --json").ends(0);
    let found = found(&called);
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "fsync stores.out.fsync",
        "pins jobs.tags.env.requirements",
        "threads jobs.tags.env.variables.OMP_NUM_THREADS",
        "memory jobs.tags.pool",
        "threads jobs.bare.with.env",
        "suffix jobs.bare.out",
        "consumer_timeout jobs.bare.timeout",
    ];
    assert_eq!(names, expected, "{found:#?}");
    let message = |rule: &str| &found.iter().find(|(name, _)| name == rule).expect(rule).1;
    let pins = message("pins jobs.tags.env.requirements");
    assert!(pins.contains("`scipy>=1.0`, `torch`;") && !pins.contains("numpy"), "{pins}");
    assert!(message("memory jobs.tags.pool").contains("the variable CUDA_VISIBLE_DEVICES"));
    assert!(message("threads jobs.bare.with.env").contains("3 of it run at once"));
    let fact = called.last();
    assert_eq!((&fact["findings"][2]["line"], &fact["findings"][2]["column"]), (&11.into(), &19.into()), "{fact}");
    assert!(fact["left_out"][0].as_str().is_some_and(|text| text.contains("none is named")), "{fact}");
    let page = bench.call("audit g.yaml").ends(0).out;
    assert!(page.starts_with("g.yaml: 7 findings\n") && page.contains("  11:19  jobs.tags.env.variables"), "{page}");
    assert!(page.contains("[pins]\n") && page.contains("\nnot looked at: a broker"), "{page}");
    bench.call("audit g.yaml --strict").ends(1);
    assert!(!bench.has(".euterpe") && !bench.has("out"), "an audit writes nothing");
}

#[test]
fn a_graph_as_it_should_be_has_no_findings_and_a_broken_one_ends_with_3() {
    let good = BAD
        .replace("fsync: false", "fsync: true")
        .replace("{OMP_NUM_THREADS: \"512\", CUDA_VISIBLE_DEVICES: \"0\"}", "{OMP_NUM_THREADS: \"1\"}")
        .replace("{workers: 2}", "{workers: 1}")
        .replace("\"{output}\"]", "\"{output}\"], env: {OMP_NUM_THREADS: \"1\"}")
        .replace("{workers: 3}", "{workers: 1}")
        .replace("out:bare/{id}", "out:bare/{id}.txt")
        .replace("timeout: 2h", "timeout: 20m");
    let bench = Bench::new(&good);
    bench.write("t.py", TAGS);
    bench.write("r.txt", "numpy==1.26.4\n");
    let called = bench.call("audit g.yaml --strict").ends(0);
    assert!(called.out.starts_with("g.yaml: 0 findings\n"), "{called:?}");
    bench.write("r.txt", "torch==2.1.0\n");
    let memory = found(&bench.call("audit g.yaml --json").ends(0));
    assert_eq!((memory.len(), memory[0].0.as_str()), (1, "memory jobs.tags.pool"), "{memory:?}");
    assert!(memory[0].1.contains("`torch` in r.txt"), "{memory:?}");
    bench.write("g.yaml", &good.replace("in:{id}.txt", "nowhere:{id}.txt"));
    bench.call("audit g.yaml").ends(3);
}

#[test]
fn what_ran_out_of_time_before_is_remembered_until_a_timeout_is_written() {
    let graph = |defaults: &str| {
        format!(
            "version: 1\ngraph: slow\nstores: {{out: ./out}}\n{defaults}jobs:\n  \
             one: {{use: command, with: {{argv: [tee, \"{{output}}\"]}}, out: \"out:one/{{id}}.txt\"}}\n  \
             two: {{use: command, with: {{argv: [sh, -c, \"[ -e $HERE/ok ] || exec sleep 100\", \"{{output}}\"]}}, out: \"out:two/{{id}}.txt\"}}\n"
        )
    };
    let quick = "defaults: {timeout: 300ms, retries: 1, backoff: 1ms}\n";
    let bench = Bench::new(&graph(quick));
    bench.call("run g.yaml --only two t-7").ends(4);
    let timeouts = || {
        let mut found = found(&bench.call("audit g.yaml --json").ends(0));
        found.retain(|(name, _)| name.starts_with("timeout "));
        found
    };
    assert_eq!(timeouts(), [], "a timeout is written");
    let here = bench.path("").display().to_string();
    bench.write("g.yaml", &graph("").replace("$HERE", here.trim_end_matches('/')));
    let found = timeouts();
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["timeout jobs.one", "timeout jobs.two"], "{found:#?}");
    assert!(
        found[0].1.contains("`two`, a command too, ran out of time before: 1 dead letter and 1 failed try"),
        "{found:#?}"
    );
    assert!(
        found[1].1.contains("it ran out of time before: 1 dead letter and 1 failed try, such as `t-7`"),
        "{found:#?}"
    );
    assert!(found[1].1.contains("takes 10m"), "{found:#?}");
}
