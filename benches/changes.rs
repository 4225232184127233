//! What make, Snakemake and Euterpe make anew after the same five changes over the same files, and what it costs them.
//!
//! Two jobs over 1,000 files (`EUTERPE_FILES`), each one call of a script: `a` reads the source, `b` what `a` made. Each tool has
//! a folder of its own, and makes everything there first. Snakemake is left out where no `snakemake` is found in `PATH`. It is
//! told to choose the next job greedily among some: as it comes it looks at all jobs that are ready whenever one has ended, which
//! takes four times as long for 1,000 files. So set it takes most of the bench's time: 4 minutes for 3,000 files.

mod support;

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use support::{Cost, measure};

/// How many sources each change is about.
const SOME: usize = 10;

const MAKEFILE: &str = "\
IDS := $(patsubst src/%.txt,%,$(wildcard src/*.txt))
all: $(IDS:%=out/b/%.txt)
out/a/%.txt: src/%.txt a.sh
\t@./a.sh $< $@
out/b/%.txt: out/a/%.txt b.sh
\t@./b.sh OPTION $< $@
.SECONDARY:
";

const SNAKEFILE: &str = r#"
IDS = glob_wildcards("src/{id}.txt").id
rule all:
    input: expand("out/b/{id}.txt", id=IDS)
rule a:
    input: source="src/{id}.txt", script="a.sh"
    output: "out/a/{id}.txt"
    shell: "./a.sh {input.source} {output}"
rule b:
    input: a="out/a/{id}.txt", script="b.sh"
    output: "out/b/{id}.txt"
    params: option="OPTION"
    shell: "./b.sh {params.option} {input.a} {output}"
"#;

const GRAPH: &str = r#"version: 1
graph: changes
stores: {src: ./src, out: ./out}
jobs:
  a: {use: command, with: {argv: [./a.sh, "{input}", "{output}"]}, in: {x: "src:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [./b.sh, OPTION, "{input}", "{output}"]}, in: {x: a}, out: "out:b/{id}.txt"}
"#;

const SNAKEMAKE: &str = "snakemake --cores 2 --quiet all --nolock --scheduler greedy --scheduler-subsample 100";

/// A tool, the file that tells it what to do, and how it is called.
struct Tool {
    name: &'static str,
    file: (&'static str, &'static str),
    call: Vec<String>,
    folder: PathBuf,
}

/// A change, what is done to the folder of a tool, and what only Euterpe is asked in addition.
type Change = (&'static str, fn(&Tool), &'static [&'static str]);

const CHANGES: &[Change] = &[
    ("nothing", |_| {}, &[]),
    ("10 sources replaced", |tool| each(|n| fs::write(tool.source(n), "another sound").expect("written")), &[]),
    ("10 sources replaced, with times of long ago", |tool| each(|n| place_old(&tool.source(n))), &[]),
    ("10 sources touched", |tool| each(|n| set_time(&tool.source(n), SystemTime::now())), &[]),
    ("an option of `b` changed", |tool| tool.write("OPTION", "other"), &["--refresh"]),
    (
        "the script of `a` changed, its outputs not",
        |tool| tool.script("a", "# another remark\ncp \"$1\" \"$2\""),
        &["--refresh"],
    ),
];

fn main() {
    let files: usize = std::env::var("EUTERPE_FILES").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let top = tempfile::tempdir().expect("a temporary folder");
    let words = |call: &str| call.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let tools = [
        ("make", ("Makefile", MAKEFILE), words("make -rR -s -j2")),
        ("snakemake", ("Snakefile", SNAKEFILE), words(SNAKEMAKE)),
        ("euterpe", ("g.yaml", GRAPH), [vec![env!("CARGO_BIN_EXE_euterpe").to_owned()], words("run g.yaml")].concat()),
    ];
    println!("{files} files, two jobs: made anew by `a` and `b`, seconds by the clock, seconds of CPU");
    for (name, file, call) in tools {
        let is_there = Command::new(&call[0]).arg("--version").stdout(Stdio::null()).status().is_ok();
        if !is_there {
            println!("{name}: not installed, left out");
            continue;
        }
        let tool = Tool { name, file, call, folder: top.path().join(name) };
        tool.prepare(files);
        tool.report("everything, at first", &[]);
        for (what, change, asked) in CHANGES {
            change(&tool);
            tool.report(what, &[]);
            if name == "euterpe" && !asked.is_empty() {
                tool.report(&format!("… with {}", asked.join(" ")), asked);
            }
        }
    }
}

impl Tool {
    fn source(&self, number: usize) -> PathBuf {
        self.folder.join(format!("src/t-{number:06}.txt"))
    }

    fn prepare(&self, files: usize) {
        for part in ["src", "out/a", "out/b"] {
            fs::create_dir_all(self.folder.join(part)).expect("folders");
        }
        (0..files).for_each(|n| fs::write(self.source(n), format!("sound {n}")).expect("written"));
        self.write("OPTION", "one");
        self.script("a", "cp \"$1\" \"$2\"");
        self.script("b", "cp \"$2\" \"$3\"");
    }

    /// Writes the file that tells the tool what to do, with a value for a word of it.
    fn write(&self, word: &str, value: &str) {
        fs::write(self.folder.join(self.file.0), self.file.1.replace(word, value)).expect("written");
    }

    /// A script that notes each call.
    fn script(&self, job: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let (path, log) = (self.folder.join(format!("{job}.sh")), self.folder.join(format!("{job}.log")));
        fs::write(&path, format!("#!/bin/sh\necho >> {}\n{text}\n", log.display())).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("set");
    }

    /// How often a script was called since that was asked last.
    fn calls(&self, job: &str) -> usize {
        let log = self.folder.join(format!("{job}.log"));
        let calls = fs::read_to_string(&log).map_or(0, |text| text.lines().count());
        fs::write(log, "").expect("written");
        calls
    }

    fn report(&self, what: &str, more: &[&str]) {
        let Cost { wall, cpu } = measure(|| {
            let call = Command::new(&self.call[0]).args(&self.call[1..]).args(more).current_dir(&self.folder).output();
            let called = call.expect("it starts");
            assert!(called.status.success(), "{}: {}", self.name, String::from_utf8_lossy(&called.stderr));
        });
        let [a, b] = ["a", "b"].map(|job| self.calls(job));
        println!("{:<10} {what:<44} a {a:>6}  b {b:>6}  {wall:>8.2} s  {cpu:>8.2} s", self.name);
    }
}

fn each(change: impl Fn(usize)) {
    (0..SOME).for_each(change);
}

fn set_time(path: &Path, time: SystemTime) {
    let file = File::options().append(true).open(path).expect("opened");
    file.set_times(FileTimes::new().set_modified(time)).expect("set");
}

/// Puts another file in its place, with a time of long ago, as a copy that keeps times does.
fn place_old(path: &Path) {
    let beside = path.with_extension("new");
    fs::write(&beside, "an older master").expect("written");
    set_time(&beside, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    fs::rename(beside, path).expect("moved");
}
