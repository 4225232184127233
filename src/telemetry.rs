//! Logs, and lines for the person at the terminal, on standard error; they never break the progress bars.

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use indicatif::MultiProgress;
use tracing_subscriber::{
    EnvFilter,
    filter::filter_fn,
    fmt::{self, MakeWriter},
    prelude::*,
    registry,
};

static BARS: OnceLock<MultiProgress> = OnceLock::new();

/// Modules of libraries that log secrets: the broker's user; variables and profiles as they are read, an address with its
/// password among them; programs that tell credentials, with their arguments.
const TELLTALES: [&str; 3] = ["lapin", "aws_runtime::env_config", "aws_config::credential_process"];

/// The progress bars of this process, which logs step aside for.
pub fn bars() -> &'static MultiProgress {
    BARS.get_or_init(MultiProgress::new)
}

/// Says a line on standard error, above the bars. Where nobody reads it any more there is nobody to tell so, and what is at
/// work goes on.
pub fn say(text: &str) {
    Aside.write_all(format!("{text}\n").as_bytes()).ok();
}

/// Starts logging: warnings and errors of ours (the libraries' reach us as errors and are told once), or what `EUTERPE_LOG` says (`info`, `euterpe=debug`, …).
///
/// Some of what libraries log is never shown, whatever is asked for (`TELLTALES`).
///
/// A second call in one process does nothing.
pub fn start() {
    let filter = EnvFilter::try_from_env("EUTERPE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,symphonia=off,symphonia_core=off,async_rs=off"));
    let colour = io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    let discreet = filter_fn(|said| !TELLTALES.iter().any(|module| said.target().starts_with(module)));
    let logs = fmt::layer().with_writer(Aside).with_ansi(colour).with_target(false).without_time().compact();
    if registry().with(filter).with(discreet).with(logs).try_init().is_err() {
        tracing::debug!("logging was started before");
    }
}

/// Writes lines above the bars.
#[derive(Clone, Copy, Debug)]
struct Aside;

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
