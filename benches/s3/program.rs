//! This bench's own binary as the program, with a transform that makes of its input a file of its own with the same bytes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use euterpe::app::App;
use euterpe_actors::outcome::Fault;
use euterpe_actors::storage::Content;
use euterpe_actors::transform::blocking::{Compute, blocking};
use euterpe_actors::transform::{Product, Work};

use super::server::{SECRET, USER};

/// Says that this process is the program and no bench.
const PROGRAM: &str = "EUTERPE_BENCH_PROGRAM";

/// Whether this process was started as the program.
pub fn is_program() -> bool {
    std::env::var_os(PROGRAM).is_some()
}

/// The program.
pub fn main() -> ExitCode {
    let hand_on = |work: &Work| {
        let content = &work.input("in")?.object.content;
        copied(work, content).map(Product::file).map_err(|error| Fault::failed(error.to_string()))
    };
    let hand_on = blocking("hand-on", move || Ok(Box::new(hand_on) as Box<dyn Compute>));
    App::new().transform("bench.hand_on", hand_on).main()
}

fn copied(work: &Work, content: &Content) -> io::Result<PathBuf> {
    let place = work.scratch.path()?.join("made");
    match content {
        Content::File(path) => fs::copy(path, &place).map(|_| ())?,
        Content::Bytes(bytes) => fs::write(&place, bytes)?,
    }
    Ok(place)
}

/// The program, told to do something in a folder, as the user of the server.
pub fn command(folder: &Path, words: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(words.split_whitespace()).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    command.env(PROGRAM, "1").env("AWS_ACCESS_KEY_ID", USER).env("AWS_SECRET_ACCESS_KEY", SECRET);
    command
}

/// Runs a command that is to end well: how many seconds it took, and its highest resident set in bytes.
pub fn watched(mut command: Command) -> (f64, u64) {
    let began = Instant::now();
    let mut run = command.spawn().expect("this binary");
    let mut peak = 0;
    while run.try_wait().expect("asked").is_none() {
        peak = peak.max(highest(&run).unwrap_or(0));
        thread::sleep(Duration::from_millis(5));
    }
    assert!(run.wait().expect("ended").success(), "{command:?} failed");
    (began.elapsed().as_secs_f64(), peak)
}

/// The highest resident set so far of a process that may have ended, in bytes.
fn highest(run: &Child) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", run.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    let digits = line.trim_matches(|c: char| !c.is_ascii_digit());
    digits.parse::<u64>().map(|kib| kib * 1024).map_err(io::Error::other)
}
