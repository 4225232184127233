//! Who waits for a parent: thousands for one, for one that fails, for one that is made good, and from far below.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use super::nodes::diamond;
use super::{Cluster, Vhost};

#[test]
fn ten_thousand_who_ask_for_one_parent_make_it_once_and_are_all_made() {
    const CHILDREN: usize = 10_000;
    let vhost = Vhost::new();
    let graph = r#"version: 1
graph: shared
stores: {out: {url: ./out, fsync: false}}
jobs:
  base: {use: test.faulty, with: {slow_ms: 300}, out: "out:base/{id}.txt", pool: {workers: 8}}
  leaf:
    use: test.faulty
    entity: "{a},{n}"
    in: {b: {from: base, id: "{a}"}}
    out: "out:leaf/{id}.txt"
    pool: {workers: 8}
"#;
    let mut cluster = Cluster::new(graph, &vhost);
    cluster.nodes(2, &[]);
    cluster.ids((0..CHILDREN).map(|n| format!("t-0,{n:05}")));
    let began = Instant::now();
    let ran = cluster.call(&["--json", "run", "g.yaml", "--ids", "ids", "--job", "leaf", "--bottom-up"]).ends(0).last();
    let took = began.elapsed();
    println!("{CHILDREN} children of one parent took {took:?}");
    assert_eq!(ran["open"].as_u64(), Some(0), "{ran}");
    assert_eq!((cluster.count("start\tbase\t"), cluster.count("start\tleaf\t")), (1, CHILDREN), "{ran}");
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn of_five_thousand_only_the_poisoned_die_and_one_retry_makes_them_good_with_all_who_waited() {
    const ENTITIES: usize = 5000;
    let poisoned: BTreeSet<String> = (0..ENTITIES).step_by(100).map(|n| format!("t-{n:05}")).collect();
    let vhost = Vhost::new();
    let list = poisoned.iter().cloned().collect::<Vec<_>>().join(", ");
    let failing = format!("base: {{use: test.faulty, with: {{fail_on: [{list}], ");
    let graph = diamond(0)
        .replace("base: {use: test.faulty, with: {", &failing)
        .replace("backoff: 100ms", "backoff: 100ms, retries: 1");
    let mut cluster = Cluster::new(&graph, &vhost);
    cluster.nodes(2, &[]);
    cluster.ids((0..ENTITIES).map(|n| format!("t-{n:05}")));
    let asked = ["--json", "run", "g.yaml", "--ids", "ids", "--job", "tail", "--bottom-up"];
    let ran = cluster.call(&asked).ends(4).last();
    println!("{ENTITIES} asked for bottom-up took {} s", ran["seconds"]);
    assert_eq!(ran["open"].as_u64(), Some(0), "{ran}");
    let letters = cluster.call(&["--json", "dead", "ls", "g.yaml"]).ends(0);
    let mut dead = BTreeSet::new();
    for line in letters.out.lines().filter(|line| !line.contains("\"summary\"")) {
        let letter: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(letter["job"].as_str(), Some("base"), "{letter}");
        dead.insert(letter["entity"].as_str().expect("an entity").to_owned());
    }
    assert!(dead == poisoned, "{} died, {} were poisoned", dead.len(), poisoned.len());
    let account = cluster.call(&["--json", "runs", "check", "g.yaml", "last"]).ends(4).last();
    let count = |name: &str| account[name].as_u64();
    assert_eq!((count("dead"), count("done"), count("open")), (Some(50), Some(4950), Some(0)), "{account}");
    // What was wrong is put right, and the nodes are started with that.
    for node in 0..2 {
        cluster.kill(node);
    }
    cluster.change(&graph.replace(&failing, "base: {use: test.faulty, with: {"));
    for node in 0..2 {
        cluster.start_node(node, &[]);
    }
    let retried = cluster.call(&["--json", "dead", "retry", "g.yaml"]).ends(0).last();
    assert_eq!(retried["left"].as_array().map(Vec::len), Some(0), "{retried}");
    let account = cluster.call(&["--json", "runs", "check", "g.yaml", "last"]).ends(0).last();
    assert_eq!(account["done"].as_u64(), Some(ENTITIES as u64), "{account}");
    assert_eq!(cluster.twice(), 0);
}

#[test]
fn a_retry_is_no_matter_of_what_a_node_remembers() {
    let vhost = Vhost::new();
    let graph = r#"version: 1
graph: sourced
stores: {src: {url: ./src}, out: ./out}
defaults: {retries: 0}
jobs:
  head: {use: test.faulty, in: {x: "src:{id}.txt"}, out: "out:head/{id}.txt"}
  tail: {use: test.faulty, in: {h: head}, out: "out:tail/{id}.txt"}
"#;
    let mut cluster = Cluster::new(graph, &vhost);
    fs::create_dir(cluster.path("src")).expect("made");
    cluster.node(&[]);
    let ran = cluster.call(&["--json", "run", "g.yaml", "t-1", "--job", "tail", "--bottom-up"]).ends(4);
    assert_eq!(ran.last()["open"].as_u64(), Some(0), "{ran:?}");
    // The same node runs on, and its memory with it.
    fs::write(cluster.path("src/t-1.txt"), "here after all").expect("written");
    let retried = cluster.call(&["--json", "dead", "retry", "g.yaml"]).ends(0);
    assert_eq!(retried.last()["made_good"].as_u64(), Some(1), "{retried:?}");
    assert!(cluster.path("out/tail/t-1.txt").exists(), "who waited was not told: {retried:?}");
}

#[test]
fn a_retry_that_fails_again_ends_and_says_so() {
    let vhost = Vhost::new();
    let graph = r#"version: 1
graph: again
stores: {src: ./src, out: ./out}
defaults: {retries: 0}
jobs:
  head: {use: command, with: {argv: [sh, -c, 'cp "$HERE/fix" "$0"', "{output}"]}, in: {x: "src:{id}.txt"}, out: "out:head/{id}.txt"}
  tail: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {h: head}, out: "out:tail/{id}.txt"}
"#;
    let mut cluster = Cluster::new(graph, &vhost);
    let graph = graph.replace("$HERE", cluster.path("").display().to_string().trim_end_matches('/'));
    fs::write(cluster.path("g.yaml"), graph).expect("written");
    fs::create_dir(cluster.path("src")).expect("made");
    for id in ["t-1", "t-2"] {
        fs::write(cluster.path(&format!("src/{id}.txt")), id).expect("written");
    }
    cluster.node(&[]);
    cluster.call(&["--json", "run", "g.yaml"]).ends(4);
    let retried = cluster.call(&["--json", "dead", "retry", "g.yaml"]).ends(4).last();
    assert_eq!(
        (retried["made_good"].as_u64(), retried["left"].as_array().map(Vec::len)),
        (Some(0), Some(2)),
        "{retried}"
    );
    fs::write(cluster.path("fix"), "fixed").expect("written");
    let retried = cluster.call(&["--json", "dead", "retry", "g.yaml"]).ends(0).last();
    assert_eq!(retried["made_good"].as_u64(), Some(2), "{retried}");
    assert!(cluster.path("out/tail/t-2.txt").exists(), "what comes below was not made");
}

#[test]
fn a_retry_waits_for_those_who_waited_under_another_id() {
    let vhost = Vhost::new();
    // The pair takes longer than the retry of its part, and fails until it is mended.
    let graph = r#"version: 1
graph: pairs
stores: {src: ./src, out: ./out}
defaults: {retries: 0}
jobs:
  part: {use: test.faulty, in: {x: "src:{id}.txt"}, out: "out:part/{id}.txt"}
  pair:
    use: command
    with: {argv: [sh, -c, 'sleep 1; cp src/mended "$0"', "{output}"]}
    entity: "{l},{r}"
    in: {l: {from: part, id: "{l}"}, r: {from: part, id: "{r}"}}
    out: "out:pair/{id}.txt"
  below: {use: test.faulty, entity: "{l},{r}", in: {x: pair}, out: "out:below/{id}.txt"}
"#;
    let mut cluster = Cluster::new(graph, &vhost);
    let graph = graph.replace("src/mended", &cluster.path("src/mended").display().to_string());
    fs::write(cluster.path("g.yaml"), graph).expect("written");
    fs::create_dir(cluster.path("src")).expect("made");
    fs::write(cluster.path("src/e.txt"), "e").expect("written");
    cluster.node(&[]);
    let ran = cluster.call(&["--json", "run", "g.yaml", "e,x", "--job", "below", "--bottom-up"]).ends(4).last();
    assert_eq!((ran["open"].as_u64(), ran["jobs"]["below"]["dead"].as_u64()), (Some(0), Some(1)), "{ran}");
    fs::write(cluster.path("src/x.txt"), "here after all").expect("written");
    let retried = cluster.call(&["--json", "dead", "retry", "g.yaml"]).ends(4).last();
    let left = &retried["left"][0];
    assert_eq!((left["job"].as_str(), left["entity"].as_str()), (Some("pair"), Some("e,x")), "{retried}");
    fs::write(cluster.path("src/mended"), "mended").expect("written");
    let retried = cluster.call(&["--json", "dead", "retry", "g.yaml"]).ends(0).last();
    assert_eq!(retried["left"].as_array().map(Vec::len), Some(0), "{retried}");
    assert_eq!(cluster.names("out/below").len(), 1, "it ended before its work did");
}

#[test]
fn a_failure_five_levels_up_is_known_to_who_waits_within_two_seconds() {
    let vhost = Vhost::new();
    let mut graph = String::from("version: 1\ngraph: ladder\nstores: {out: ./out}\ndefaults: {retries: 0}\njobs:\n");
    let jobs = ["a", "b", "c", "d", "e", "f"];
    for (at, job) in jobs.iter().enumerate() {
        let more = match at {
            0 => "with: {fail_on: [t-1]}".to_owned(),
            _ => format!("in: {{i: {}}}", jobs[at - 1]),
        };
        graph += &format!("  {job}: {{use: test.faulty, {more}, out: \"out:{job}/{{id}}.txt\"}}\n");
    }
    let mut cluster = Cluster::new(&graph, &vhost);
    cluster.nodes(2, &[]);
    let ran = cluster.call(&["--json", "run", "g.yaml", "t-1", "--job", "f", "--bottom-up"]).ends(4).last();
    assert_eq!((ran["open"].as_u64(), ran["jobs"]["f"]["dead"].as_u64()), (Some(0), Some(1)), "{ran}");
    let seconds = ran["seconds"].as_f64().expect("a time");
    println!("a failure five levels up was known after {seconds} s");
    assert!(seconds < 2.0, "{ran}");
}
