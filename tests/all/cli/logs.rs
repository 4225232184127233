//! The log as JSON: an object in each line, and each line of a work says whose it is.

use serde_json::Value;

use super::{Bench, CHAIN};

/// The lines of a log, all of which are JSON.
#[track_caller]
pub fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Of whose work each line with this text is: job, entity, run, and the number of tries before.
#[track_caller]
pub fn works(lines: &[Value], text: &str) -> Vec<(String, String, String, u64)> {
    let said = |line: &&Value| line["message"].as_str().is_some_and(|said| said.contains(text));
    let word = |line: &Value, name: &str| line[name].as_str().unwrap_or_else(|| panic!("no {name}: {line}")).to_owned();
    let attempt = |line: &Value| line["attempt"].as_u64().unwrap_or_else(|| panic!("no attempt: {line}"));
    let work = |line: &Value| (word(line, "job"), word(line, "entity"), word(line, "run"), attempt(line));
    lines.iter().filter(said).map(work).collect()
}

/// The chain, whose `b` fails twice for `y`.
fn failing() -> Bench {
    let bench = Bench::new(&CHAIN.replace("retries: 0", "retries: 1, backoff: 1ms"));
    bench.write("in/y.txt", "y");
    bench
}

#[test]
fn each_line_of_a_work_names_its_job_its_entity_its_run_and_its_attempt() {
    let bench = failing();
    let called = bench.call("run g.yaml --log json -v --json").ends(4);
    let run = called.last()["run"].as_str().expect("a run").to_owned();
    let lines = lines(&called.err);
    let of = |attempt| ("b".to_owned(), "y".to_owned(), run.clone(), attempt);
    assert_eq!(works(&lines, "will be tried again"), [of(0)], "{lines:#?}");
    assert_eq!(works(&lines, "dead: "), [of(1)], "{lines:#?}");
    assert_eq!(works(&lines, "cat: "), [of(0), of(1)], "what a program prints: {lines:#?}");
    for line in lines.iter().filter(|line| line.get("entity").is_some() || line.get("job").is_some()) {
        let named = ["job", "entity", "run", "attempt"].iter().all(|name| line.get(*name).is_some());
        assert!(named, "{line:#}");
    }
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()), "{lines:#?}");
}

#[test]
fn a_variable_asks_for_json_too_and_a_flag_goes_before_it() {
    let bench = failing();
    let called = bench.call_with("run g.yaml", &[("EUTERPE_LOG_FORMAT", "json")]).ends(4);
    assert_eq!(works(&lines(&called.err), "dead: ").len(), 1);
    let called = bench.call_with("run g.yaml --log text", &[("EUTERPE_LOG_FORMAT", "json")]).ends(4);
    assert!(called.err.contains("entity=y") && !called.err.contains("attempt="), "as it was: {}", called.err);
}

#[cfg(feature = "faults")]
#[test]
fn why_the_program_ends_and_that_a_transform_panicked_are_lines_of_json_too() {
    let bench = failing();
    let called = bench.call("run g.yaml --job nosuch --log json").ends(2);
    let lines_of_it = lines(&called.err);
    assert_eq!(lines_of_it.last().expect("a line")["level"], "ERROR", "{lines_of_it:#?}");
    let bench = Bench::new(
        "version: 1\ngraph: g\nstores: {out: ./out}\ndefaults: {retries: 0}\njobs:\n  \
         a: {use: test.faulty, with: {panic_on: [t-1]}, out: \"out:{id}.txt\"}\n",
    );
    let called = bench.call("run g.yaml t-1 --log json").ends(4);
    let panicked = works(&lines(&called.err), "told to panic for t-1");
    assert!(panicked.len() >= 2, "the panic, and the dead letter: {}", called.err);
    assert!(panicked.iter().all(|(job, entity, ..)| (&**job, &**entity) == ("a", "t-1")), "{panicked:?}");
}
