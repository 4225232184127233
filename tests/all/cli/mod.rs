//! The verbs about runs, as a person calls them: a small graph of programs in a folder of its own.

mod audit; //    what will bite, rule by rule
mod code; //     a script that changes while a run works by it
mod cost; //     what a plan says that a run would cost
mod dead; //     dead letters: shown, tried again, given up
mod everyday; // slips of the finger, missing outputs, optional sources, logs, what is proposed next
pub mod export; // tables of what jobs made, and other readers of them
mod fresh; //    replaced sources, parents made anew, changed jobs
mod gc; //       what is left behind: shown, removed
mod inbox; //    dead letters of messages by other programs
pub mod logs; // the log as JSON, each line of a work with whose it is
mod logs_verb; // `logs` without a broker: filtered, followed, hostile, damaged, not there
mod ls; //       what there is, in which state, where; what is opened
mod machine; //  no threads, no scratch folder, a full disk, files that may not grow, a program that is away
mod others; //   runs of another graph file, outputs of another entity
mod profile; //  one job under measurement: the kernel's numbers, and nothing kept
mod prune; //    outputs that nothing accounts for: shown, removed, and what stays
mod records; //  what the graph has no more, what cannot be read, what is half-written
mod runs; //     runs: listed, checked, resumed, interrupted
mod select; //   what a run is asked for: jobs, ids, force, limits; plan and explain agree with it
mod stores; //   stores that a flag put elsewhere: remembered, and told apart
mod variables; // which goes before which: flags, variables, what a run recorded
mod watch; //    what comes, changes and goes; watchers that are killed; files that are still being written

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a graph file, its sources and its outputs.
pub struct Bench {
    folder: TempDir,
}

/// How a call ended.
#[derive(Debug)]
pub struct Called {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Called {
    /// The lines of standard output, each as JSON.
    pub fn facts(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    /// The last of them.
    pub fn last(&self) -> Value {
        self.facts().pop().unwrap_or_else(|| panic!("nothing was printed: {self:?}"))
    }

    /// The call, where it ended with `code`.
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }
}

impl Bench {
    /// A folder with this graph file; `$HERE` in it stands for the folder.
    pub fn new(graph: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let here = folder.path().to_str().expect("text").to_owned();
        std::fs::write(folder.path().join("g.yaml"), graph.replace("$HERE", &here)).expect("written");
        Self { folder }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Writes a file, and the folders that it needs.
    pub fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    /// The text of a file.
    pub fn read(&self, below: &str) -> String {
        std::fs::read_to_string(self.path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
    }

    pub fn has(&self, below: &str) -> bool {
        self.path(below).exists()
    }

    /// The files of a folder, sorted.
    pub fn files(&self, below: &str) -> Vec<String> {
        fn walk(folder: &Path, files: &mut Vec<String>, root: &Path) {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                match path.is_dir() {
                    true => walk(&path, files, root),
                    false => files.push(path.strip_prefix(root).expect("below").display().to_string()),
                }
            }
        }
        let (root, mut files) = (self.path(below), Vec::new());
        walk(&root, &mut files, &root);
        files.sort();
        files
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_euterpe"));
        command.current_dir(self.folder.path()).args(words.split_whitespace()).env_remove("EUTERPE_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Calls the program with these words.
    pub fn call(&self, words: &str) -> Called {
        ended(self.command(words).output().expect("it starts"))
    }

    /// Calls the program with these words and these variables beside the usual ones.
    pub fn call_with(&self, words: &str, variables: &[(&str, &str)]) -> Called {
        ended(self.command(words).envs(variables.iter().copied()).output().expect("it starts"))
    }

    /// Calls the program with these words in a folder below.
    pub fn call_in(&self, below: &str, words: &str) -> Called {
        ended(self.command(words).current_dir(self.path(below)).output().expect("it starts"))
    }

    /// Calls the program with these words and with its state on a disk of 4 MiB, which no other process sees. Nothing where this
    /// machine may not mount one and `EUTERPE_TESTS_MAY_NOT_MOUNT` is set.
    pub fn call_on_small_disk(&self, words: &str) -> Option<Called> {
        std::fs::create_dir(self.path("state")).expect("made");
        let script = "mount -t tmpfs -o size=4m tmpfs state && exec \"$@\"";
        let on_disk = |words: Vec<&str>| {
            let mut command = Command::new("unshare");
            if !rustix::process::geteuid().is_root() {
                command.arg("--map-root-user");
            }
            command.args(["--mount", "sh", "-c", script, "sh"]).args(words).current_dir(self.folder.path());
            ended(command.env_remove("EUTERPE_LOG").stdin(Stdio::null()).output().expect("it starts"))
        };
        let mounted = on_disk(vec!["true"]);
        if mounted.code != 0 {
            let left_out = std::env::var_os("EUTERPE_TESTS_MAY_NOT_MOUNT").is_some();
            assert!(left_out, "nothing could be mounted; EUTERPE_TESTS_MAY_NOT_MOUNT=1 leaves this out: {mounted:?}");
            return None;
        }
        let program = [env!("CARGO_BIN_EXE_euterpe")].into_iter().chain(words.split_whitespace());
        Some(on_disk(program.chain(["--state", "state"]).collect()))
    }

    /// Starts the program and does not wait for it.
    pub fn start(&self, words: &str) -> Child {
        self.command(words).spawn().expect("it starts")
    }
}

/// How a process ended.
pub fn ended(output: std::process::Output) -> Called {
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Called { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// A chain a → b → c over the sources `in/*.txt`; `b` fails for who has no file `fix/<id>`.
pub const CHAIN: &str = r#"
version: 1
graph: chain
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {text: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [cat, "{input}", "$HERE/fix/{id}"], stdout: output}, in: {text: a}, out: "out:b/{id}.txt"}
  c: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {text: b}, out: "out:c/{id}.txt"}
"#;

/// A chain with three entities, of which `y` will fail at `b`.
pub fn chain() -> Bench {
    let bench = Bench::new(CHAIN);
    for id in ["x", "y", "z"] {
        bench.write(&format!("in/{id}.txt"), id);
    }
    for id in ["x", "z"] {
        bench.write(&format!("fix/{id}"), "fixed");
    }
    bench
}
