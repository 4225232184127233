//! Another environment is another recipe. What else is one stands in the table of `freshness`.

use std::collections::BTreeMap;

use super::environments::package;
use crate::cli::Bench;
use crate::counts::{counted, numbers};

const GRAPH: &str = r#"version: 1
graph: p
stores: {in: ./in, out: ./out}
jobs:
  a: {python: code/t.py:work, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: a}, out: "out:b/{id}.txt"}
"#;

const CODE: &str = "import words\n\n\ndef work(x: str, *, mark: str = '!') -> str:\n    return words.loud(x) + mark\n";

fn write(bench: &Bench) {
    bench.write("code/t.py", CODE);
    bench.write("code/words.py", "import tempo\n\n\ndef loud(text):\n    return tempo.VERSION[:1]\n");
    bench.write("in/t1.txt", "one");
    bench.write("in/t2.txt", "two");
}

/// What a run makes that makes anew what another recipe made.
fn done(bench: &Bench) -> BTreeMap<String, u64> {
    counted(&bench.call("run g.yaml --refresh --json").ends(0).last()["jobs"], "done")
}

#[test]
fn another_environment_is_another_recipe() {
    let bench = Bench::new(&GRAPH.replace("work, in:", "work, env: {requirements: r.txt}, in:"));
    package(&bench, "1.0");
    package(&bench, "2.0");
    bench.write("r.txt", &bench.read("1.0.txt"));
    write(&bench);
    bench.call("run g.yaml").ends(0);
    bench.write("r.txt", &bench.read("2.0.txt"));
    assert_eq!(done(&bench), numbers("a 2 b 2"));
    assert_eq!(bench.read("out/b/t1.txt"), "2!");
    // The same packages, written otherwise.
    bench.write("r.txt", &format!("# as before\n{}", bench.read("2.0.txt")));
    assert_eq!(done(&bench), numbers("a 2"));
}
