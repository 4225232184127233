//! Logs, and lines for the person at the terminal, on standard error; they never break the progress bars.
//!
//! What is logged of a run is kept in a file beside its records, too, and how far transforms say they are is remembered for
//! the bars. What a process counts is served to Prometheus.

mod aside;
mod fractions;
mod metrics_server;
mod run_log;

use std::io;

use tracing_subscriber::{
    EnvFilter,
    filter::{FilterExt, Targets, filter_fn},
    fmt,
    prelude::*,
    registry,
};

use aside::Aside;

pub use aside::{bars, say};
pub use fractions::fraction_of;
pub use metrics_server::{bind_metrics, serve_metrics};
pub use run_log::{begin_run_log, end_run_log};

/// Modules of libraries that log secrets: the broker's user; variables and profiles as they are read, an address with its
/// password among them; programs that tell credentials, with their arguments.
const TELLTALES: [&str; 3] = ["lapin", "aws_runtime::env_config", "aws_config::credential_process"];

/// Starts logging: warnings and errors of ours (the libraries' reach us as errors and are told once), with `verbose` 1 also
/// what transforms print, log and measure and each failed try, with 2 everything of ours; or what `EUTERPE_LOG` says (`info`,
/// `euterpe=debug`, …).
///
/// Some of what libraries log is never shown, whatever is asked for (`TELLTALES`).
///
/// A second call in one process does nothing.
pub fn start(verbose: u8) {
    let ours = match verbose {
        0 => "warn",
        1 => "warn,euterpe=info",
        _ => "warn,euterpe=debug",
    };
    let usual = || EnvFilter::new(format!("{ours},symphonia=off,symphonia_core=off,async_rs=off"));
    let filter = match std::env::var("EUTERPE_LOG") {
        Ok(said) if !said.trim().is_empty() => EnvFilter::try_new(said).unwrap_or_else(|_| usual()),
        _ => usual(),
    };
    let colour = io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    let discreet = || filter_fn(|said| !TELLTALES.iter().any(|module| said.target().starts_with(module)));
    let logs = fmt::layer().with_writer(Aside).with_ansi(colour).with_target(false).without_time().compact();
    let kept = fmt::layer().with_writer(run_log::Kept).with_ansi(false).with_target(false).compact();
    let of_ours = Targets::new().with_target("euterpe", tracing::Level::INFO);
    let said = Targets::new().with_target("euterpe_processes", tracing::Level::DEBUG);
    let layers = registry()
        .with(logs.with_filter(filter.and(discreet())))
        .with(kept.with_filter(of_ours.and(discreet())))
        .with(fractions::Fractions.with_filter(said));
    if layers.try_init().is_err() {
        tracing::debug!("logging was started before");
    }
}
