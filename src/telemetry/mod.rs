//! Logs, and lines for the person at the terminal, on standard error; they never break the progress bars.
//!
//! What is logged of a run is kept in a file beside its records, too, the last lines of a node for those that ask, and how far
//! transforms say they are is remembered for the bars. What a process counts is served to Prometheus; the traces of its work
//! are sent to a collector.

mod aside;
mod fractions;
mod json_lines;
mod kept;
mod metrics_server;
#[cfg(feature = "otlp")]
mod otlp;
mod run_log;
mod works;

use std::io;

use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt, Targets, filter_fn},
    fmt,
    prelude::*,
    registry,
};

use aside::Aside;
use json_lines::JsonLines;
use works::{Works, is_work};

pub use aside::{bars, say, say_error, says_json};
pub use fractions::fraction_of;
#[cfg(feature = "amqp")]
pub use kept::keep_last_lines;
pub use metrics_server::{bind_metrics, serve_metrics};
#[cfg(feature = "otlp")]
pub use otlp::{Exporter, TraceSettings};
pub use run_log::{begin_run_log, end_run_log};

/// Modules of libraries that log secrets: the broker's user; variables and profiles as they are read, an address with its
/// password among them; programs that tell credentials, with their arguments.
const TELLTALES: [&str; 3] = ["lapin", "aws_runtime::env_config", "aws_config::credential_process"];

/// How lines on standard error are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object in each line, for programs.
    Json,
}

/// Starts logging: warnings and errors of ours (the libraries' reach us as errors and are told once), with `verbose` 1 also
/// what transforms print, log and measure and each failed try, with 2 everything of ours; or what `EUTERPE_LOG` says (`info`,
/// `euterpe=debug`, …).
///
/// As JSON, all that this process says on standard error is an object in each line, also that something panicked.
///
/// Some of what libraries log is never shown, whatever is asked for (`TELLTALES`).
///
/// A second call in one process does nothing.
pub fn start(verbose: u8, format: LogFormat) {
    let ours = match verbose {
        0 => "warn",
        1 => "warn,euterpe=info",
        _ => "warn,euterpe=debug",
    };
    let usual = || EnvFilter::new(format!("{ours},symphonia=off,symphonia_core=off,async_rs=off,lofty=off"));
    let filter = match std::env::var("EUTERPE_LOG") {
        Ok(said) if !said.trim().is_empty() => EnvFilter::try_new(said).unwrap_or_else(|_| usual()),
        _ => usual(),
    };
    let colour = io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none();
    let discreet = || filter_fn(|said| !TELLTALES.iter().any(|module| said.target().starts_with(module)));
    let text = || fmt::layer().with_writer(Aside).with_ansi(colour).with_target(false).without_time().compact();
    let logs: Box<dyn Layer<Registry> + Send + Sync> = match format {
        // Lines of text name the job and the entity themselves, where that matters.
        LogFormat::Text => text().with_filter(filter.and(discreet()).and(filter_fn(|said| !is_work(said)))).boxed(),
        // Whatever is asked for, it is known of each line whose it is.
        LogFormat::Json => JsonLines(Aside).with_filter(filter.or(filter_fn(is_work)).and(discreet())).boxed(),
    };
    let of_ours = Targets::new().with_target("euterpe", tracing::Level::INFO);
    let said = Targets::new().with_target("euterpe_processes", tracing::Level::DEBUG);
    let layers = registry()
        .with(logs)
        .with(Works.with_filter(filter_fn(is_work)))
        .with(kept::Kept.with_filter(of_ours.and(discreet())))
        .with(fractions::Fractions.with_filter(said));
    if layers.try_init().is_err() {
        tracing::debug!("logging was started before");
    }
    if format == LogFormat::Json {
        aside::say_json();
        std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    }
}
