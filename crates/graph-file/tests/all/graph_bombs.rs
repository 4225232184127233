//! Graph files that are meant to exhaust the reader are refused within a second.

use std::time::{Duration, Instant};

use crate::broken_graphs::jobs;
use crate::graph_file::check;
use crate::transforms;

/// Files that are meant to exhaust the reader.
fn bombs() -> Vec<(&'static str, String)> {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    let chain: String = (1..2000).map(|n| format!("a{n}: &a{n} [*a{}]\n", n - 1)).collect();
    let many_jobs: String =
        (0..3000).map(|n| format!("  j{n}: {{use: synth.track, out: \"d:{{id}}.wav\"}}\n")).collect();
    let alike: String = (0..500)
        .map(|n| format!("  j{n}: {{use: synth.track, out: \"d:{{id}}{}.wav\"}}\n", "a-".repeat(100)))
        .collect();
    vec![
        ("billion laughs", laughs),
        ("aliases one in another", format!("a0: &a0 [x]\n{chain}")),
        ("one hundred thousand lists", "[".repeat(100_000)),
        ("one hundred thousand lists that end", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))),
        ("one hundred thousand mappings", "{a: ".repeat(100_000)),
        ("one hundred thousand dashes", "- ".repeat(100_000)),
        ("deep indentation", (0..1000).map(|n| format!("{}a:\n", " ".repeat(n))).collect()),
        ("a long list", format!("a: [{}]", "1,".repeat(400_000))),
        ("a long text", format!("graph: {}", "x".repeat(900_000))),
        ("a long quoted text", format!("graph: \"{}\"", "\\x41".repeat(200_000))),
        ("a long key", format!("{}: 1", "k".repeat(900_000))),
        ("many keys", (0..60_000).map(|n| format!("k{n}: 1\n")).collect()),
        ("one key many times", "k: 1\n".repeat(24_000)),
        ("many comments", "# x\n".repeat(200_000)),
        ("many anchors", format!("a: [{}]", (0..40_000).map(|n| format!("&a{n} 1,")).collect::<String>())),
        ("many variables", format!("graph: \"{}\"", "${TRICK}".repeat(100_000))),
        ("many jobs", jobs(&many_jobs)),
        ("jobs that are all alike", jobs(&alike)),
    ]
}

#[test]
fn a_file_that_is_meant_to_exhaust_the_reader_is_refused_within_a_second() {
    for (name, text) in bombs() {
        let start = Instant::now();
        let problems = check(&text).map(|_| ()).expect_err(name);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(1), "{name} took {took:?}");
        assert!(problems.to_string().len() < 60_000, "{name}: the page is too long");
    }
}

#[test]
fn a_file_of_two_mebibytes_or_of_other_bytes_than_text_is_refused_unread() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("g.yaml");
    let registry = transforms::registry();
    let env = |_: &str| None;
    let around = euterpe_graph_file::Surroundings { registry: &registry, env: &env, stores: &[] };
    for (bytes, says) in
        [(vec![b'#'; 2 << 20], "larger than 1 MiB"), (b"graph: \xff\xfe".to_vec(), "not UTF-8 text: byte 7")]
    {
        std::fs::write(&path, bytes).expect("written");
        let problems = euterpe_graph_file::load(&path, around).expect_err("refused");
        assert!(problems.to_string().contains(says), "{problems}");
    }
    let missing = euterpe_graph_file::load(&folder.path().join("none.yaml"), around).expect_err("not there");
    assert!(missing.to_string().contains("there is no such file"), "{missing}");
    let folder = euterpe_graph_file::load(folder.path(), around).expect_err("a folder");
    assert!(folder.to_string().contains("cannot be read"), "{folder}");
}
