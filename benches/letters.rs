//! What very many dead letters cost: keeping one, listing all, and the verbs over them, beside a plain walk over their folder.
//!
//! `EUTERPE_LETTERS` says how many there are (by default 20,000, of seven reasons); `EUTERPE_LETTERS_IN` names a folder that is
//! to keep them, with their graph file.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use euterpe::app::App;
use euterpe_actors::ids::RunId;
use euterpe_actors::state::{LetterFilter, StateStore};
use euterpe_storage::local::{LocalSettings, LocalStorage};
use euterpe_testkit::letters::{BEGAN, REASONS, dead_letter};
use support::{Cost, measure};

/// Says that this process is the program and no bench.
const PROGRAM: &str = "EUTERPE_BENCH_PROGRAM";

const GRAPH: &str = r#"version: 1
graph: letters
stores: {in: ./in, out: ./out}
jobs:
  mel: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:mel/{id}.txt"}
"#;

fn main() -> ExitCode {
    if std::env::var_os(PROGRAM).is_some() {
        return App::new().main();
    }
    let letters = std::env::var("EUTERPE_LETTERS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let temporary = tempfile::tempdir().expect("a folder");
    let place = std::env::var_os("EUTERPE_LETTERS_IN").map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    fs::create_dir_all(place.join("in")).expect("made");
    fs::create_dir_all(place.join("out")).expect("made");
    fs::write(place.join("g.yaml"), GRAPH).expect("written");
    let folder = place.join(".euterpe/letters");
    let settings = LocalSettings { fsync: false, create: true, ..LocalSettings::default() };
    let state = StateStore::new(std::sync::Arc::new(LocalStorage::open(&folder, settings).expect("opened")));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");

    println!("letters: {letters}; seconds by the clock, and of CPU");
    row("keep, no fsync", measure(|| runtime.block_on(keep(&state, letters))), letters);
    let plain = measure(|| assert!(walked(&folder.join("dead")) >= letters));
    row("walk over the folder", plain, letters);
    let list = || runtime.block_on(state.list_letters(&LetterFilter::default())).expect("listed").len();
    row("list", measure(|| assert_eq!(list(), letters)), letters);
    for words in ["dead ls g.yaml", "dead ls g.yaml --reason timeout", "runs ls g.yaml", "explain g.yaml t-0000001"] {
        let (cost, peak) = program(&place, words);
        let (ratio, mebibytes) = (cost.wall / plain.wall, peak as f64 / 1024.0);
        println!("{words:<34} {:>8.2} s   {mebibytes:>6.1} MiB at the most   {ratio:>6.2} times the walk", cost.wall);
    }
    ExitCode::SUCCESS
}

async fn keep(state: &StateStore, letters: usize) {
    for n in 0..letters {
        let reason = REASONS[n % REASONS.len()];
        let letter = dead_letter(RunId::new(BEGAN, 1), "mel", &format!("t-{n:07}"), reason, BEGAN + n as u64);
        state.keep_letter(&letter).await.expect("kept");
    }
}

/// The plain way: every entry of every folder.
fn walked(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).expect("read").map(|entry| entry.expect("an entry"));
    entries.map(|entry| if entry.file_type().expect("a kind").is_dir() { walked(&entry.path()) } else { 1 }).sum()
}

fn row(what: &str, cost: Cost, times: usize) {
    let each = cost.wall / times as f64 * 1e6;
    println!("{what:<34} {:>8.2} s   {:>6.2} s of CPU   {each:>8.2} us each", cost.wall, cost.cpu);
}

/// Runs the program; what that took, and its memory at the most, in KiB.
fn program(place: &Path, words: &str) -> (Cost, u64) {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(words.split_whitespace()).current_dir(place).env(PROGRAM, "1").stdin(Stdio::null());
    let began = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().expect("started");
    let mut peak = 0;
    let status = loop {
        peak = memory_of(child.id()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().expect("asked") {
            break status;
        }
        thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "{words}: {status}");
    (Cost { wall: began.elapsed().as_secs_f64(), cpu: 0.0 }, peak)
}

/// The most memory that a process had so far, in KiB; none where it is gone.
fn memory_of(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
