//! This bench's own binary as the program, with a transform that makes of its input a file of its own with the same bytes.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{fs, io};

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
