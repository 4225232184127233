//! Lines on standard error, above the progress bars.

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use indicatif::MultiProgress;
use tracing_subscriber::fmt::MakeWriter;

static BARS: OnceLock<MultiProgress> = OnceLock::new();

/// The progress bars of this process, which logs step aside for.
pub fn bars() -> &'static MultiProgress {
    BARS.get_or_init(MultiProgress::new)
}

/// Says a line on standard error, above the bars. Where nobody reads it any more there is nobody to tell so, and what is at
/// work goes on.
pub fn say(text: &str) {
    Aside.write_all(format!("{text}\n").as_bytes()).ok();
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
