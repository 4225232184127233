//! `gc`: what is left behind is shown and removed; outputs, and records of what is not done, stay.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use super::{Bench, chain};

/// One job that never ends once it has written something.
const ENDLESS: &str = r#"
version: 1
graph: endless
stores: {in: ./in, out: ./out}
jobs:
  a:
    use: command
    with: {argv: [sh, -c, 'echo half > "$2"; exec tail --pid $PPID -f /dev/null', sh, "{input}", "{output}"]}
    in: {text: "in:{id}.txt"}
    out: "out:a/{id}.txt"
"#;

fn kind(bench: &Bench, words: &str, kind: &str) -> (u64, u64) {
    let said = bench.call(&format!("--json gc g.yaml {words}")).ends(0).last();
    let number = |what: &str| said["kinds"][kind][what].as_u64().unwrap_or_else(|| panic!("{kind}: {said}"));
    (number("count"), number("bytes"))
}

/// A file of five bytes that was written so many seconds ago.
fn write_ago(path: &Path, seconds: u64) {
    std::fs::write(path, "12345").expect("written");
    let file = File::options().write(true).open(path).expect("opened");
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).expect("set");
}

fn runs(bench: &Bench) -> Vec<String> {
    let facts = bench.call("--json runs ls g.yaml").ends(0).facts();
    facts.iter().map(|run| run["run"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn what_a_killed_process_left_is_shown_and_then_removed_and_a_living_one_keeps_its_own() {
    let bench = Bench::new(ENDLESS);
    bench.write("in/x.txt", "x");
    let mut run = bench.start("run g.yaml");
    let started = Instant::now();
    while kind_of_living(&bench) == 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "the work did not begin");
        std::thread::sleep(Duration::from_millis(20)); // a deadline against a real process
    }
    assert_eq!(kind(&bench, "-n", "scratch_of_dead_processes"), (0, 0), "it lives");
    let refused = bench.call("gc g.yaml").ends(1);
    assert!(refused.err.contains(&format!("process {}", run.id())), "{refused:?}");
    run.kill().expect("killed");
    run.wait().expect("ended");
    for words in ["-n", "-n", ""] {
        assert_eq!(kind(&bench, words, "scratch_of_dead_processes"), (1, 5), "{words}");
    }
    assert_eq!(kind(&bench, "-n", "scratch_of_dead_processes"), (0, 0));
    assert!(bench.files(".euterpe/endless/scratch").is_empty() && bench.files(".euterpe/endless/alive").is_empty());
}

/// How many files the work has in its private folders.
fn kind_of_living(bench: &Bench) -> usize {
    let written = |file: &&String| {
        std::fs::metadata(bench.path(&format!(".euterpe/endless/scratch/{file}"))).is_ok_and(|file| file.len() == 5)
    };
    bench.files(".euterpe/endless/scratch").iter().filter(written).count()
}

#[test]
fn a_run_sweeps_what_killed_ones_of_its_machine_left() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml").ends(0);
    let graph = std::fs::read_dir(bench.path(".euterpe")).expect("a folder").next().expect("one").expect("an entry");
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let dead = graph.path().join(format!("scratch/home-{machine}-999999999-1/work"));
    std::fs::create_dir_all(&dead).expect("made");
    bench.call("run g.yaml").ends(0);
    assert!(!dead.exists());
}

#[test]
fn old_temporary_files_of_stores_are_removed_and_objects_are_not() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml").ends(0);
    let before = bench.files("out");
    for (name, age) in [("old", 90_000), ("young", 3_600)] {
        let path = format!("out/a/.euterpe-tmp-{name}");
        write_ago(&bench.path(&path), age);
    }
    assert_eq!(kind(&bench, "-n", "temporary_files"), (1, 5));
    assert_eq!(kind(&bench, "-n --older-than 30m", "temporary_files"), (2, 10));
    assert_eq!(kind(&bench, "", "temporary_files"), (1, 5));
    assert!(bench.has("out/a/.euterpe-tmp-young") && !bench.has("out/a/.euterpe-tmp-old"));
    kind(&bench, "--older-than 0s", "temporary_files");
    assert_eq!(bench.files("out"), before);
}

#[test]
fn claims_of_nodes_that_died_go_once_they_are_old_and_nothing_is_made_for_looking() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml").ends(0);
    assert_eq!(kind(&bench, "", "claims_of_dead_nodes"), (0, 0));
    let state = std::fs::read_dir(bench.path(".euterpe")).expect("a folder").next().expect("one").expect("an entry");
    let claims = state.path().join("claims");
    assert!(!claims.exists());
    std::fs::create_dir_all(claims.join("a")).expect("made");
    for (name, age) in [("old", 90_000), ("held", 0)] {
        write_ago(&claims.join("a").join(name), age);
    }
    for words in ["-n", "-n --older-than 0s", ""] {
        assert_eq!(kind(&bench, words, "claims_of_dead_nodes"), (1, 5), "{words}");
    }
    assert!(claims.join("a/held").exists() && !claims.join("a/old").exists());
}

#[test]
fn records_of_runs_go_once_they_are_old_and_only_where_nothing_is_open_or_dead() {
    let bench = chain();
    bench.call("run g.yaml x").ends(0); // done
    bench.call("run g.yaml").ends(4); // y is dead
    bench.call("run g.yaml z").ends(0); // done
    bench.call("run g.yaml x").ends(0); // the newest
    let all = runs(&bench);
    assert_eq!(all.len(), 4);
    assert_eq!(kind(&bench, "", "records_of_runs").0, 0, "they are young");
    let told = kind(&bench, "-n --runs-older-than 0s", "records_of_runs");
    assert!(told.0 == 2 && told.1 > 500, "{told:?}");
    assert_eq!(runs(&bench), all, "removed what was only to be shown");
    std::fs::remove_file(bench.path("out/c/z.txt")).expect("removed"); // that one is open again
    let shown = bench.call("gc g.yaml --runs-older-than 0s").ends(0);
    assert!(shown.out.starts_with("removed") && shown.out.contains("records of runs"), "{shown:?}");
    assert_eq!(runs(&bench), [&all[1], &all[2], &all[3]].map(Clone::clone));
    bench.call("runs resume g.yaml").ends(2); // a run must be named
    bench.call(&format!("runs resume g.yaml {}", all[2])).ends(0);
    bench.write("fix/y", "fixed");
    bench.call("dead retry g.yaml").ends(0);
    assert_eq!(kind(&bench, "--runs-older-than 0s", "records_of_runs").0, 2);
    assert_eq!(runs(&bench), [all[3].clone()]);
    bench.call("runs check g.yaml last").ends(0);
}
