//! What changes the recipe of a Python job and what does not: what `plan` says, what `run --refresh` makes, what is told.

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

const WORDS: &str = "def loud(text):\n    return text.upper()\n";

fn write(bench: &Bench) {
    bench.write("code/t.py", CODE);
    bench.write("code/words.py", WORDS);
    bench.write("code/other.py", "# imported by nobody\n");
    bench.write("in/t1.txt", "one");
    bench.write("in/t2.txt", "two");
}

/// The job with a key more.
fn add(bench: &Bench, key: &str) {
    bench.write("g.yaml", &GRAPH.replace("work, in:", &format!("work, {key}, in:")));
}

/// What a run makes that makes anew what another recipe made.
fn done(bench: &Bench) -> BTreeMap<String, u64> {
    counted(&bench.call("run g.yaml --refresh --json").ends(0).last()["jobs"], "done")
}

/// Two texts, made.
fn made() -> Bench {
    let bench = Bench::new(GRAPH);
    write(&bench);
    bench.call("run g.yaml").ends(0);
    assert_eq!(bench.read("out/b/t1.txt"), "ONE!");
    bench
}

/// A name, what changes, what a refreshing run makes, and what is told of `a` before; empty where nothing is.
type Case = (&'static str, fn(&Bench), &'static str, &'static str);

const CASES: &[Case] = &[
    ("nothing", |_| {}, "", ""),
    (
        "the function",
        |bench| bench.write("code/t.py", &CODE.replace("+ mark", "+ mark + '?'")),
        "a 2 b 2",
        "its code, or what it was given as variables, was another",
    ),
    (
        "a comment beside the function, of which the same comes",
        |bench| bench.write("code/t.py", &format!("{CODE}# nothing\n")),
        "a 2",
        "its code, or what it was given as variables, was another",
    ),
    (
        "a file that it imports",
        |bench| bench.write("code/words.py", "def loud(text):\n    return text.title()\n"),
        "a 2 b 2",
        "its code, or what it was given as variables, was another",
    ),
    ("a comment in a file that nobody imports", |bench| bench.write("code/other.py", "# more\n"), "", ""),
    ("a file of code that comes", |bench| bench.write("code/new.py", "print('never')\n"), "", ""),
    ("an option", |bench| add(bench, "with: {mark: '.'}"), "a 2 b 2", "`mark` was not set and is `.`"),
    (
        "an option that says what was the default",
        |bench| add(bench, "with: {mark: '!'}"),
        "a 2",
        "`mark` was not set and is `!`",
    ),
    ("the version", |bench| add(bench, "version: \"2\""), "a 2", "`version` was not set and is `2`"),
    ("how often it is tried and how long it may take", |bench| add(bench, "retries: 7, timeout: 9m"), "", ""),
    (
        "the function, and back again",
        |bench| {
            bench.write("code/t.py", &CODE.replace("+ mark", "+ mark + '?'"));
            bench.call("run g.yaml").ends(0);
            bench.write("code/t.py", CODE);
        },
        "",
        "",
    ),
    ("a source", |bench| bench.write("in/t1.txt", "three"), "a 1 b 1", ""),
];

#[test]
fn whatever_changes_the_recipe_of_a_python_job_is_told_left_alone_and_made_anew_where_that_is_asked_for() {
    for (name, change, makes, told) in CASES {
        let bench = made();
        change(&bench);
        let said = bench.call("plan g.yaml").ends(0).out;
        let former = "made before a job was changed, and left as it is";
        assert_eq!(said.contains(former), !told.is_empty(), "{name}: {said}");
        assert!(said.contains(told), "{name}: {said}");
        let story = bench.call("explain g.yaml t1 a").ends(0).out;
        assert_eq!(story.contains("was changed since"), !told.is_empty(), "{name}: {story}");
        let planned = bench.call("plan g.yaml --refresh --json").ends(0).last();
        // What hangs below a job that is made anew is planned, and left alone where the same comes.
        let planned = counted(&planned["jobs"], "make");
        assert_eq!(planned.get("a"), numbers(makes).get("a"), "{name}: what is planned");
        assert_eq!(done(&bench), numbers(makes), "{name}: what is made");
        let again = bench.call("run g.yaml --refresh").ends(0).out;
        assert!(again.starts_with("nothing to do"), "{name}: {again}");
    }
}

#[test]
fn another_environment_is_another_recipe() {
    let bench = Bench::new(&GRAPH.replace("work, in:", "work, env: {requirements: r.txt}, in:"));
    package(&bench, "1.0");
    package(&bench, "2.0");
    bench.write("r.txt", &bench.read("1.0.txt"));
    write(&bench);
    bench.write("code/words.py", "import tempo\n\n\ndef loud(text):\n    return tempo.VERSION[:1]\n");
    bench.call("run g.yaml").ends(0);
    bench.write("r.txt", &bench.read("2.0.txt"));
    assert_eq!(done(&bench), numbers("a 2 b 2"));
    assert_eq!(bench.read("out/b/t1.txt"), "2!");
    // The same packages, written otherwise.
    bench.write("r.txt", &format!("# as before\n{}", bench.read("2.0.txt")));
    assert_eq!(done(&bench), numbers("a 2"));
}
