//! Lines on standard error, above the progress bars.

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use indicatif::MultiProgress;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use super::json_lines::sentence;

static BARS: OnceLock<MultiProgress> = OnceLock::new();
/// Set where lines are JSON.
static JSON: OnceLock<()> = OnceLock::new();

/// From now on each line is JSON.
pub(super) fn say_json() {
    JSON.get_or_init(|| ());
}

/// Whether each line on standard error is JSON: then nothing else may be drawn there.
pub fn says_json() -> bool {
    JSON.get().is_some()
}

/// The progress bars of this process, which logs step aside for.
pub fn bars() -> &'static MultiProgress {
    BARS.get_or_init(MultiProgress::new)
}

/// Says a line on standard error, above the bars. Where nobody reads it any more there is nobody to tell so, and what is at
/// work goes on.
pub fn say(text: &str) {
    let line = if says_json() { sentence(Level::INFO, text) } else { format!("{text}\n") };
    Aside.write_all(line.as_bytes()).ok();
}

/// Says why the program fails, as [`say`] does.
pub fn say_error(text: &str) {
    let line = if says_json() { sentence(Level::ERROR, text) } else { format!("error: {text}\n") };
    Aside.write_all(line.as_bytes()).ok();
}

/// Writes lines above the bars.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aside;

impl<'w> MakeWriter<'w> for Aside {
    type Writer = Self;
    fn make_writer(&'w self) -> Self {
        *self
    }
}

impl Write for Aside {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match BARS.get() {
            Some(bars) => bars.suspend(|| io::stderr().write_all(line))?,
            None => io::stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
