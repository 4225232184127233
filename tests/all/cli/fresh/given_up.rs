//! What was to be made anew and could not be: told once, and by one word, until somebody gives it up and after that.

use super::{Bench, age};

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
fn failed() -> Bench {
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
