//! What is kept of the log: in the file of a run, and of a node the last lines in memory, for those that ask.

use std::sync::{Arc, OnceLock};

use euterpe_engine::{LogLevel, LogLine, LogRing};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::json_lines::line;
use super::run_log;
use super::works::said;

static LAST: OnceLock<Arc<LogRing>> = OnceLock::new();

/// From now on the last lines of this process are kept.
#[cfg(feature = "amqp")]
pub fn keep_last_lines() -> Arc<LogRing> {
    LAST.get_or_init(Arc::default).clone()
}

/// Keeps each event where it is wanted.
pub(super) struct Kept;

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Kept {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let (last, is_kept) = (LAST.get(), run_log::is_kept());
        if last.is_none() && !is_kept {
            return;
        }
        let (level, (target, said)) = (*event.metadata().level(), said(event, &context));
        if is_kept {
            run_log::keep(&line(level, target.as_str(), said.clone()));
        }
        if let Some(last) = last {
            last.push(LogLine::new(jiff::Timestamp::now().as_microsecond(), level_of(level), target, said));
        }
    }
}

fn level_of(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}
