//! "Nothing to do": a second `run`, and a `plan`, over a finished catalogue of 100,000 entities × 3 jobs on local folders,
//! beside `make -rR` on the same files (without `-rR` make spends nearly all of its time on built-in rules).
//!
//! Each of make's rounds and ours looks at all four files of each entity. Compared is CPU time. A bare walk says what nobody can
//! go below who looks at the time of each file: it reads the folders, asks the system for the time of each name in them, and does
//! nothing else.

mod support;

use std::{fmt::Write, fs, path::Path, process::Command};

use support::{measure, median};

const ROUNDS: usize = 3;

/// The folders of the catalogue.
const PARTS: [&str; 4] = ["src", "out/a", "out/b", "out/c"];

fn main() {
    let entities: usize = std::env::var("EUTERPE_ENTITIES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    prepare(folder.path(), entities);
    println!("nothing to do: {entities} entities x 3 jobs, 4 files each, medians of {ROUNDS} rounds");
    let euterpe = env!("CARGO_BIN_EXE_euterpe");
    let make = cpu(folder.path(), "make", &["-rR", "-s", "all"]);
    let run = cpu(folder.path(), euterpe, &["run", "graph.yaml"]);
    let plan = cpu(folder.path(), euterpe, &["plan", "graph.yaml"]);
    let walk = median((0..ROUNDS).map(|_| measure(|| bare_walk(folder.path(), entities)).cpu).collect());
    let per = 1000.0 / entities as f64;
    println!("make -rR      {make:>7.3} s CPU, {:.4} s per 1,000 entities", make * per);
    for (name, cpu) in [("a bare walk ", walk), ("euterpe run ", run), ("euterpe plan", plan)] {
        println!("{name}  {cpu:>7.3} s CPU, {:.4} s per 1,000 entities, {:.2} of make's", cpu * per, cpu / make);
    }
    println!("aim: at most a third of make's CPU");
}

/// Looks at the time of each file of the catalogue.
fn bare_walk(folder: &Path, entities: usize) {
    let mut latest = std::time::UNIX_EPOCH;
    let mut count = 0;
    for part in PARTS {
        for file in fs::read_dir(folder.join(part)).expect("a folder") {
            let time =
                file.and_then(|file| file.metadata()).and_then(|file| file.modified()).expect("a file with a time");
            latest = latest.max(time);
            count += 1;
        }
    }
    assert_eq!(count, 4 * entities, "all files are there, the last of {latest:?}");
}

/// The median cost of a command, in seconds of CPU; says what it took by the clock.
fn cpu(folder: &Path, program: &str, arguments: &[&str]) -> f64 {
    let once = || {
        measure(|| {
            let ran = Command::new(program).args(arguments).current_dir(folder).output().expect("it starts");
            assert!(ran.status.success(), "{program}: {}", String::from_utf8_lossy(&ran.stderr));
        })
    };
    let costs: Vec<_> = (0..ROUNDS).map(|_| once()).collect();
    let of = |figure: fn(&support::Cost) -> f64| median(costs.iter().map(figure).collect());
    println!(
        "({:.2} s by the clock: {} {})",
        of(|cost| cost.wall),
        program.rsplit('/').next().unwrap_or(program),
        arguments[0]
    );
    of(|cost| cost.cpu)
}

/// The files of a finished catalogue, older ones first, with a graph file and a makefile that say the same.
fn prepare(folder: &Path, entities: usize) {
    for part in PARTS {
        fs::create_dir_all(folder.join(part)).expect("folders");
        for n in 0..entities {
            fs::write(folder.join(format!("{part}/t-{n:06}.json")), "{}").expect("written");
        }
    }
    let mut graph = "version: 1\ngraph: bench\nstores: {src: ./src, out: ./out}\njobs:\n".to_owned();
    for (job, input) in [("a", "\"src:{id}.json\""), ("b", "a"), ("c", "a")] {
        writeln!(graph, "  {job}: {{use: json.merge, in: {{x: {input}}}, out: \"out:{job}/{{id}}.json\"}}")
            .expect("written");
    }
    fs::write(folder.join("graph.yaml"), graph).expect("written");
    let makefile = "ids := $(notdir $(wildcard src/*.json))\n\
        all: $(addprefix out/a/,$(ids)) $(addprefix out/b/,$(ids)) $(addprefix out/c/,$(ids))\n\
        out/a/%.json: src/%.json ; cp $< $@\n\
        out/b/%.json: out/a/%.json ; cp $< $@\n\
        out/c/%.json: out/a/%.json ; cp $< $@\n";
    fs::write(folder.join("Makefile"), makefile).expect("written");
}
