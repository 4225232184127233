//! All pairs of a difference between run and node, and the moment at which the two meet: a node that means something else
//! does nothing, the run does not end while something is missing, and a node that fits does all of it.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::Duration;

use super::cluster::{Cluster, Said};
use super::{Vhost, soon};

const IDS: usize = 4;
/// Waits for the gate, and copies.
const COPY: &str = "while [ ! -e ROOT/gate ]; do sleep 0.02; done; cp \"$1\" \"$2\"";
const COMMAND: &str = "use: command, with: {argv: [sh, -c, 'COPY', x, \"{input.x}\", \"{output}\"]}";
/// The same as a function.
const PYTHON: &str = "python: t.py:copy";
const FUNCTION: &str = "import time\nfrom pathlib import Path\nfrom euterpe import transform\n\n@transform\ndef copy(x: str) -> \
                        str:\n    while not Path('ROOT/gate').exists():\n        time.sleep(0.02)\n    return x\n";

/// In what a node differs from the run.
#[derive(Clone, Copy, Debug)]
enum Difference {
    Store,
    Template,
    Transform,
    Options,
    PythonFile,
    State,
}

impl Difference {
    const ALL: [Self; 6] = [Self::Store, Self::Template, Self::Transform, Self::Options, Self::PythonFile, Self::State];
}

/// When the node that differs comes.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Before the run.
    First,
    /// After the run.
    Later,
    /// In place of one that fits and has work in hand.
    Between,
}

/// A folder whose run and nodes mean the same, another whose nodes differ, and what both share.
struct Pair {
    shared: tempfile::TempDir,
    mine: Cluster,
    theirs: Cluster,
    their_state: String,
}

impl Pair {
    fn of(difference: Difference, vhost: &Vhost) -> Self {
        let shared = tempfile::tempdir().expect("a folder");
        let root = shared.path().display().to_string();
        fs::create_dir(shared.path().join("src")).expect("made");
        for n in 0..IDS {
            fs::write(shared.path().join(format!("src/t{n}.txt")), format!("text {n}")).expect("written");
        }
        let work = match difference {
            Difference::PythonFile => PYTHON.to_owned(),
            _ => COMMAND.replace("COPY", &COPY.replace("ROOT", &root)),
        };
        let graph = format!(
            "version: 1\ngraph: pairs\nstores: {{src: \"{root}/src\", d: \"{root}/d\"}}\ndefaults: {{retries: 0}}\n\
             jobs:\n  a: {{{work}, in: {{x: \"src:{{id}}.txt\"}}, out: \"d:a/{{id}}.txt\"}}\n"
        );
        let other = match difference {
            Difference::Store => graph.replace(&format!("d: \"{root}/d\""), &format!("d: \"{root}/other\"")),
            Difference::Template => graph.replace("d:a/", "d:other/"),
            Difference::Transform => graph.replace(&work, PYTHON),
            Difference::Options => graph.replace("cp ", "cp -p "),
            Difference::PythonFile | Difference::State => graph.clone(),
        };
        let (mine, theirs) = (Cluster::new(&graph, vhost), Cluster::new(&other, vhost));
        let function = FUNCTION.replace("ROOT", &root);
        fs::write(mine.path("t.py"), &function).expect("written");
        fs::write(theirs.path("t.py"), function.replace("return x", "return x.upper()")).expect("written");
        let state = |name: &str| format!("{root}/{name}");
        let their_state = state(if matches!(difference, Difference::State) { "other-state" } else { "state" });
        Self { mine, theirs, their_state, shared }
    }

    fn root(&self) -> &Path {
        self.shared.path()
    }

    fn state(&self) -> String {
        self.root().join("state").display().to_string()
    }

    fn open_gate(&self) {
        fs::write(self.root().join("gate"), "").expect("written");
    }

    fn run(&self) -> Child {
        self.mine.start(&["run", "g.yaml", "--state", &self.state()])
    }

    fn fitting_node(&mut self) {
        let state = self.state();
        self.mine.node(&["--state", &state, "-j", "1"]);
    }

    fn other_node(&mut self) {
        let state = self.their_state.clone();
        self.theirs.node(&["--state", &state]);
    }

    /// Waits until the node that differs has said that it leaves something to others, and why.
    fn other_node_declines(&self, what: &str) {
        soon(&format!("{what}: the other node says why it does nothing"), Duration::from_secs(60), || {
            self.theirs.log(0).contains("means something else")
        });
    }

    /// The texts that were made at the place that the run means, or anywhere else.
    fn made(&self, below: &str) -> Vec<String> {
        let mut made = Vec::new();
        for n in 0..IDS {
            made.extend(fs::read_to_string(self.root().join(below).join(format!("t{n}.txt"))));
        }
        made
    }

    fn holds(mut self, moment: Moment, what: &str) {
        let mut run;
        match moment {
            Moment::First => {
                self.open_gate();
                self.other_node();
                run = self.run();
            }
            Moment::Later => {
                self.open_gate();
                run = self.run();
                self.other_node();
            }
            Moment::Between => {
                self.fitting_node();
                run = self.run();
                let mine = &self.mine;
                soon(&format!("{what}: work is in hand"), Duration::from_secs(60), || mine.count("start") > 0);
                self.other_node();
                self.mine.kill(0);
                self.open_gate();
            }
        }
        self.other_node_declines(what);
        assert!(run.try_wait().expect("asked").is_none(), "{what}: the run ended, and nothing is there");
        self.fitting_node();
        let ended = Said::from(run.wait_with_output().expect("ended"));
        assert_eq!(ended.code, Some(0), "{what}: {ended:#?}");
        let texts: Vec<String> = (0..IDS).map(|n| format!("text {n}")).collect();
        assert_eq!(self.made("d/a"), texts, "{what}: {ended:#?}");
        assert_eq!((self.made("other/a"), self.made("d/other")), (Vec::new(), Vec::new()), "{what}");
        assert_eq!(self.theirs.count("start"), 0, "{what}: the other node worked: {}", self.theirs.log(0));
        self.mine.call(&["runs", "check", "g.yaml", "last", "--state", &self.state()]).ends(0);
    }
}

fn all_differences_hold(moment: Moment) {
    thread::scope(|scope| {
        for difference in Difference::ALL {
            scope.spawn(move || {
                let vhost = Vhost::new();
                Pair::of(difference, &vhost).holds(moment, &format!("{difference:?}, {moment:?}"));
            });
        }
    });
}

#[test]
fn a_node_that_differs_and_was_there_first_leaves_all_to_one_that_fits() {
    all_differences_hold(Moment::First);
}

#[test]
fn a_node_that_differs_and_comes_to_a_run_leaves_all_to_one_that_fits() {
    all_differences_hold(Moment::Later);
}

#[test]
fn a_node_that_differs_and_takes_the_place_of_one_that_fits_leaves_all_to_the_next_that_does() {
    all_differences_hold(Moment::Between);
}
