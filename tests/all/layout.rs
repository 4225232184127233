//! The shape of the house: who may import whom, and how long a file may be.

use std::{
    fs,
    path::{Path, PathBuf},
};

const MOST_LINES: usize = 350;

const WORDS: [&str; 10] =
    ["ids", "message", "outcome", "plan", "retry", "template", "freshness", "mutants", "points", "edges"];
const PORTS: [&str; 7] = ["storage", "broker", "claims", "transform", "events", "wire", "state"];

fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(below: &Path, into: &mut Vec<PathBuf>) {
    if below.is_file() {
        into.push(below.to_owned());
        return;
    }
    for entry in fs::read_dir(below).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn files(below: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    rust_files(&home().join(below), &mut found);
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("text"))).collect()
}

/// The modules of its own crate that a file names.
fn modules(text: &str) -> Vec<&str> {
    let named = text.split("crate::").skip(1);
    let word = |rest: &str| rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap_or(rest.len());
    named.map(|rest| &rest[..word(rest)]).filter(|name| !name.is_empty()).collect()
}

fn check(folder: &str, allowed: &[&str], wrong: &mut Vec<String>) {
    for (path, text) in files(folder) {
        // What stands before the tests: tests may use whatever proves the point.
        let code = text.split("\nmod tests {").next().unwrap_or(&text);
        for module in modules(code) {
            if !allowed.contains(&module) {
                wrong.push(format!("{} names crate::{module}", path.strip_prefix(home()).expect("below").display()));
            }
        }
    }
}

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    let low: Vec<&str> = [&WORDS[..], &PORTS[..]].concat();
    for port in ["storage", "broker", "transform", "state"] {
        check(&format!("actors/src/{port}"), &low, &mut wrong);
    }
    for word in ["ids.rs", "message.rs", "outcome.rs", "plan.rs", "retry.rs", "template", "freshness.rs", "wire.rs"] {
        check(&format!("actors/src/{word}"), &low, &mut wrong);
    }
    let with = |more: &[&'static str]| -> Vec<&str> { [&low[..], more].concat() };
    check("actors/src/dedupe", &with(&["dedupe"]), &mut wrong);
    check("actors/src/parent_trigger", &with(&["parent_trigger"]), &mut wrong);
    check(
        "actors/src/worker",
        &with(&["worker", "dedupe", "parent_trigger", "foreign", "context", "edges"]),
        &mut wrong,
    );
    check("actors/src/foreign", &with(&["foreign", "accounting"]), &mut wrong);
    check("actors/src/pool", &with(&["pool", "worker", "context"]), &mut wrong);
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_one_file_knows_bincode_and_none_is_long_or_without_its_first_line() {
    let mut wrong = Vec::new();
    for (path, text) in ["src", "actors", "crates", "tests", "benches"].into_iter().flat_map(files) {
        let name = path.strip_prefix(home()).expect("below").display().to_string();
        let lines = text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{name} has {lines} lines"));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!("{name} does not say in its first line what it is"));
        }
        if text.contains("bincode::") && name != "actors/src/wire.rs" && name != "tests/all/layout.rs" {
            wrong.push(format!("{name} knows bincode"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `println!` and `eprintln!` panic where nobody reads any more, and end a run for it: facts go by `cli::Output`, lines for
/// people by `telemetry::say`.
#[test]
fn nothing_is_printed_that_panics_where_nobody_reads() {
    let is_printed =
        |(_, text): &(PathBuf, String)| text.split("\nmod tests {").next().unwrap_or(text).contains("println!(");
    let testkit = home().join("crates/testkit"); // tests only
    let printing = ["src", "crates"].into_iter().flat_map(files).filter(is_printed).map(|(path, _)| path);
    let is_test = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "tests");
    let printing: Vec<PathBuf> = printing.filter(|path| !path.starts_with(&testkit) && !is_test(path)).collect();
    // A transform of test builds that prints on purpose.
    assert_eq!(printing, [home().join("crates/engine/src/builtin/faulty.rs")]);
}
