//! The graphs that the cases are about, and what they made before something happened.

use super::change::write_beside;
use super::place::Place;
use crate::counts::{counted, numbers};

/// A graph with its code and its sources.
pub struct Setup {
    /// The graph file; `$in` stands for the place of the store `in`.
    graph: &'static str,
    code: &'static [(&'static str, &'static str)],
    pub sources: &'static [(&'static str, &'static str)],
    /// What a run is asked for that makes all of it.
    pub all: &'static str,
    /// What the first run makes.
    first: &'static str,
}

impl Setup {
    /// The graph file over these places.
    pub fn graph_over(&self, place: impl Fn(&str) -> String) -> String {
        let stores = ["in", "notes", "set", "out"].iter();
        stores.fold(self.graph.to_owned(), |text, store| text.replace(&format!("${store}"), &place(store)))
    }

    /// Writes the code.
    pub fn write_code(&self, place: &dyn Place) {
        self.code.iter().for_each(|(path, text)| write_beside(place, path, text));
    }

    /// Makes all, for the first time.
    pub fn make(&self, place: &dyn Place) {
        let ran = place.call(&format!("run g.yaml --json {}", self.all)).ends(0).last();
        assert_eq!(counted(&ran["jobs"], "done"), numbers(self.first), "{ran}");
    }
}

/// Of each entity: `a` is made of a source by a script, `two` has two outputs, `d` is made of the second of them, of `a` and of a
/// source that all share, `m` of `a` and of a source that need not be there. Of two entities a `pair` is made.
pub const COMMANDS: Setup = Setup {
    graph: r#"
version: 1
graph: g
stores: {in: "$in", notes: "$notes", set: "$set", out: "$out"}
defaults: {retries: 0}
jobs:
  a:
    use: command
    with: {argv: [./upper.sh, "{input}", "{output}"]}
    in: {x: "in:{id}.txt"}
    out: "out:a/{id}.txt"
  two:
    use: command
    with: {argv: [sh, -c, "cat $0 > $1; cat $0 > $2", "{input}", "{output.one}", "{output.other}"]}
    in: {x: a}
    outputs: {one: "out:one/{id}.txt", other: "out:other/{id}.txt"}
  d:
    use: command
    with: {argv: [sh, -c, "cat $0 $1 $2 > $3", "{input.l}", "{input.r}", "{input.set}", "{output}"]}
    in: {l: two.other, r: a, set: "set:all.txt"}
    out: "out:d/{id}.txt"
  m: {use: json.merge, in: {j: a, note: {from: "notes:{id}.json", optional: true}}, out: "out:m/{id}.json"}
  pair:
    use: command
    with: {argv: [sh, -c, "cat $0 $1 > $2", "{input.l}", "{input.r}", "{output}"]}
    entity: "{l},{r}"
    in: {l: {from: d, id: "{l}"}, r: {from: d, id: "{r}"}}
    out: "out:pair/{l}+{r}.txt"
"#,
    code: &[("upper.sh", UPPER), ("other.sh", "# no job names it\n"), ("ids", "t1\nt2\nt3\nt1,t2\nt1,t3\n")],
    sources: &[
        ("in/t1.txt", "{\"k\": \"sound of t1\"}"),
        ("in/t2.txt", "{\"k\": \"sound of t2\"}"),
        ("in/t3.txt", "{\"k\": \"sound of t3\"}"),
        ("set/all.txt", "for all"),
        ("notes/other.json", "{}"),
    ],
    all: ALL,
    first: "a 3 two 3 d 3 m 3 pair 2",
};

/// All jobs and all ids.
pub const ALL: &str = "--only a,two,d,m,pair --ids ids";

/// The script of job `a`. It fails for a sound that is bad.
pub const UPPER: &str = "#!/bin/sh\ngrep -q bad $1 && exit 1\ntr a-z A-Z < $1 > $2\n";

/// A Python function, which imports from beside itself, and a job that is made of what it makes.
pub const PYTHON: Setup = Setup {
    graph: r#"
version: 1
graph: g
stores: {in: "$in", out: "$out"}
defaults: {retries: 0}
jobs:
  a: {python: code/t.py:work, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: a}, out: "out:b/{id}.txt"}
"#,
    code: &[("code/t.py", FUNCTION), ("code/words.py", WORDS), ("code/other.py", "# imported by nobody\n")],
    sources: &[("in/t1.txt", "one"), ("in/t2.txt", "two")],
    all: "",
    first: "a 2 b 2",
};

/// The function.
const FUNCTION: &str =
    "import words\n\n\ndef work(x: str, *, mark: str = '!') -> str:\n    return words.loud(x) + mark\n";

/// What it imports.
const WORDS: &str = "def loud(text):\n    return text.upper()\n";
