//! `logs`: what transforms print and log, and why tries fail: of all nodes over a broker, or of a run in its records.

mod page;
mod recorded;
mod stored_line;

use euterpe_actors::ids::EntityId;
#[cfg(feature = "amqp")]
use euterpe_actors::ids::RunId;
use euterpe_actors::transform::Registry;
use euterpe_engine::{LogFilter, LogLevel, Mistake, Session};
use euterpe_graph_file::units;
use jiff::Timestamp;

use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, Place, wait_for};
use crate::cli::page::Output;
use crate::telemetry;
use page::Shown;

/// Show what transforms print and log, warnings, tries that failed and why: of all nodes over a broker, where one is named,
/// else of a run in its records.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,

    /// Of this job only.
    #[arg(value_name = "JOB")]
    job: Option<String>,

    #[command(flatten)]
    broker: BrokerArgs,

    /// Of this entity only; may be given several times.
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,

    /// Of this run only; without a broker by default the newest run.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,

    /// Go on with the lines that come later, until ctrl-c; without a broker until the run has ended.
    #[arg(short = 'f', long)]
    follow: bool,

    /// Only the last so many lines of what is there.
    #[arg(short = 'n', long, value_name = "N")]
    tail: Option<usize>,

    /// Only lines since then: a time with its unit before now, such as 10m, or 2026-11-29T10:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,

    /// Only lines that are at least so serious.
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t)]
    level: Level,
}

/// How serious the lines are that are kept.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Level {
    /// Stores, machines and workers in trouble, what transforms call an error.
    Error,
    /// And warnings.
    Warn,
    /// And what is printed, logged and measured, and tries that failed.
    #[default]
    Info,
}

/// Reads a time: how long ago, or when.
///
/// # Errors
/// What is wrong with it.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let ago = units::duration(text).and_then(|ago| Timestamp::now().checked_sub(ago).ok());
    ago.ok_or_else(|| {
        format!("`{text}` is no time; write how long ago, such as 10m, or when, such as 2026-11-29T10:00:00Z")
    })
}

/// Shows lines until there are no more, nobody reads them, or ctrl-c.
///
/// # Errors
/// A job, an id or a run that is not there; a broker that cannot be used; a run that keeps no log.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    match args.place.look(registry, out)? {
        Ok(session) => wait_for(show(args, &session, out)),
        Err(exit) => Ok(exit),
    }
}

async fn show(args: &Args, session: &Session, out: Output) -> anyhow::Result<Exit> {
    let mut shown = Shown::new(out);
    tokio::select! {
        ended = show_all(args, session, &mut shown) => ended?,
        interrupted = tokio::signal::ctrl_c() => return interrupted.map(|()| Exit::Ok).map_err(Into::into),
    }
    if shown.is_nothing() && !args.follow {
        telemetry::say("no line fits what was asked for");
    }
    Ok(Exit::Ok)
}

async fn show_all(args: &Args, session: &Session, shown: &mut Shown) -> anyhow::Result<()> {
    let filter = args.filter(session)?;
    #[cfg(feature = "amqp")]
    if let Some(dial) = args.broker.dial("logs")? {
        let run = match &args.run {
            Some(run) => Some(find_run(session, run).await?.to_string()),
            None => None,
        };
        return session.logs(&dial, LogFilter { run, ..filter }, args.follow, shown).await;
    }
    #[cfg(not(feature = "amqp"))]
    args.broker.none()?;
    let run = session.find_run(args.run.as_deref().unwrap_or("last")).await?;
    recorded::show(session, run, &filter, args.follow, shown).await
}

/// The run that is meant. A whole id is taken at its word: other programs may name a run that never began here.
#[cfg(feature = "amqp")]
async fn find_run(session: &Session, text: &str) -> anyhow::Result<RunId> {
    match text.parse() {
        Ok(run) => Ok(run),
        Err(_) => session.find_run(text).await,
    }
}

impl Args {
    fn filter(&self, session: &Session) -> Result<LogFilter, Mistake> {
        let id = |id: &String| match EntityId::of_name(id) {
            Ok(id) => Ok(id.to_string()),
            Err(bad) => Err(Mistake(format!("`{}` cannot be an entity: {bad}", id.escape_debug()))),
        };
        let job = self.job.as_deref().map(|job| session.job(job)).transpose()?;
        let level = match self.level {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
        };
        Ok(LogFilter {
            job: job.map(|job| job.to_string()),
            entities: self.ids.iter().map(id).collect::<Result<_, _>>()?,
            since: self.since.map(Timestamp::as_microsecond),
            tail: self.tail,
            ..LogFilter::from_level(level)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_how_long_ago_or_when() {
        let second = |text: &str| since(text).map(Timestamp::as_second);
        assert_eq!(second("1970-01-01T00:01:00Z"), Ok(60));
        let ago = Timestamp::now().as_second() - second("10m").expect("a time");
        assert!((599..=601).contains(&ago), "{ago}");
        assert!(second("yesterday").is_err_and(|why| why.contains("`yesterday` is no time")));
    }
}
