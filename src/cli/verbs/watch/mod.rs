//! `watch`: runs the graph whenever its sources change.

mod wake;

use std::time::Duration;

use euterpe_actors::state::Selection;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Arrivals, Engine, Opening, Session};
use euterpe_graph_file::Problems;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::run;
use crate::cli::Exit;
use crate::cli::args::{
    BrokerArgs, GraphFile, Machine, MetricsArgs, Select, TracesArgs, duration, show_problems, wait_for,
};
use crate::cli::page::Output;
use crate::cli::page::interrupts::Interrupts;
use crate::cli::page::words::count;
use crate::telemetry;
use wake::Wake;

/// How often the sources are listed where the system does not tell of changes.
const UNTOLD: Duration = Duration::from_secs(2);
/// How often they are listed where it does: a network file system tells nothing of what others do.
const TOLD: Duration = Duration::from_secs(60);
/// What is there already waits so long at the most for what is still being written.
const MOST_SETTLE: Duration = Duration::from_secs(10);
/// So long after a listing follows the next one at the earliest: while much is copied, all of it is news.
const REST: Duration = Duration::from_secs(1);

/// Run a graph whenever its sources change: files that come, that are written to again, that go.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphFile,

    /// Run these jobs only, and what is missing for them.
    #[arg(long, value_name = "JOB,…", value_delimiter = ',')]
    only: Option<Vec<String>>,

    /// Take a file in a folder once nobody has touched it for so long: one that is still being copied is not read.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    settle: Duration,

    /// List the sources so often, also where nothing tells of changes; by default every 2s, or every 60s where the system tells of
    /// changes in all folders of the sources.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    every: Option<Duration>,

    /// Run once, without files that are still being written, and end: for cron.
    #[arg(long)]
    once: bool,

    #[command(flatten)]
    machine: Machine,

    #[command(flatten)]
    broker: BrokerArgs,
}

/// What is said of a graph file that is edited while it is watched.
const INVALID: &str = "the graph file is not valid";

/// Watches until it is stopped; with `--once` it ends as `run` does.
///
/// # Errors
/// What keeps the first listing or a run from starting. What does so later is told, and tried again.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let interrupts = Interrupts::listen()?;
    let mut former: Option<Arrivals> = None;
    let mut told = Told::default();
    loop {
        let looked = look(args, registry, out, &interrupts, (former.as_ref(), &mut told));
        let arrivals = match looked {
            Ok(Looked::News(arrivals)) => arrivals,
            Ok(Looked::Stopped) => return Ok(Exit::Ok),
            Ok(Looked::Invalid(problems)) if former.is_none() => {
                show_problems(&problems, out)?;
                return Ok(Exit::GraphInvalid);
            }
            Err(error) if former.is_none() => return Err(error),
            Ok(Looked::Invalid(problems)) => {
                if told.trouble(INVALID.to_owned()) {
                    show_problems(&problems, out)?;
                }
                wait_for(pause(&interrupts, UNTOLD))?;
                continue;
            }
            Err(error) => {
                told.trouble(format!("{error:#}"));
                wait_for(pause(&interrupts, UNTOLD))?;
                continue;
            }
        };
        match run::make(&args.of_run(), registry, out, Some((&arrivals, args.settle))) {
            Ok(exit) if args.once => return Ok(exit),
            Ok(_) if interrupts.came() => return Ok(Exit::Interrupted),
            // It became so since the sources were looked at: what is news stays news.
            Ok(Exit::GraphInvalid) => {
                told.trouble(INVALID.to_owned());
                wait_for(pause(&interrupts, UNTOLD))?;
            }
            Ok(_) => {
                told.well();
                tell_gone(args, former.as_ref(), &arrivals);
                former = Some(arrivals);
            }
            Err(error) if args.once || former.is_none() => return Err(error),
            Err(error) => {
                told.trouble(format!("{error:#}"));
                wait_for(pause(&interrupts, UNTOLD))?;
            }
        }
    }
}

/// Tells that there are fewer sources than before.
fn tell_gone(args: &Args, former: Option<&Arrivals>, now: &Arrivals) {
    let gone = former.map_or(0, |former| former.files().saturating_sub(now.files()));
    if gone > 0 {
        let (gone, file) = (count(gone, "source", "sources"), args.graph.graph.display());
        telemetry::say(&format!("{gone} fewer than before; `euterpe prune {file}` shows what is left of them"));
    }
}

/// What became of looking at the sources.
enum Looked {
    /// They are not what they were.
    News(Arrivals),
    /// Somebody asked to stop.
    Stopped,
    /// The graph file is not valid.
    Invalid(Problems),
}

/// Looks at the sources until they are not what they were.
fn look(
    args: &Args,
    registry: &Registry,
    out: Output,
    interrupts: &Interrupts,
    (former, told): (Option<&Arrivals>, &mut Told),
) -> anyhow::Result<Looked> {
    if interrupts.came() {
        return Ok(Looked::Stopped);
    }
    // Opened anew each time, without the state: another verb may have it between two runs, and the graph file may be another.
    let plan = match args.graph.load(registry) {
        Ok(plan) => plan,
        Err(problems) => return Ok(Looked::Invalid(problems)),
    };
    let session =
        Engine::open(plan, registry, &Opening { access: Access::Look, ..args.machine.opening(Access::Look) })?;
    let (selection, _) = args.select().resolve(&session)?;
    let folders = session.source_folders(&selection);
    let wake = Wake::at(folders.as_deref()); // before the first listing, so that nothing is missed in between
    let every = args.every.unwrap_or(if wake.is_told() { TOLD } else { UNTOLD });
    wait_for(async {
        tokio::select! {
            news = news(&session, &selection, args.settle, every, (former, told, out), &wake) => news.map(Looked::News),
            () = interrupts.wait() => Ok(Looked::Stopped),
        }
    })
}

async fn news(
    session: &Session,
    selection: &Selection,
    settle: Duration,
    every: Duration,
    (former, told, out): (Option<&Arrivals>, &mut Told, Output),
    wake: &Wake,
) -> anyhow::Result<Arrivals> {
    let mut first_news: Option<Instant> = None;
    loop {
        let pause = match session.arrivals(selection, settle).await {
            Ok(arrivals) if former.is_none_or(|former| !arrivals.is_same(former)) => {
                // What is being written is most often all that there is: it is waited for, however much more comes.
                let waited = first_news.get_or_insert_with(Instant::now).elapsed();
                if former.is_none() || arrivals.being_written() == 0 || waited > settle.min(MOST_SETTLE) {
                    return Ok(arrivals);
                }
                settle.min(MOST_SETTLE)
            }
            Ok(arrivals) => {
                told.well();
                told.idle(arrivals.files(), out)?;
                if arrivals.being_written() > 0 { settle.max(REST) } else { every }
            }
            Err(error) if former.is_none() => return Err(error),
            Err(error) => {
                told.trouble(format!("{error:#}"));
                UNTOLD
            }
        };
        sleep(REST.min(pause)).await;
        tokio::select! {
            () = wake.wait() => {}
            () = sleep(pause.saturating_sub(REST)) => {}
        }
    }
}

async fn pause(interrupts: &Interrupts, time: Duration) -> anyhow::Result<()> {
    tokio::select! {
        () = interrupts.wait() => {}
        () = sleep(time) => {}
    }
    Ok(())
}

/// What was said of how it goes, so that it is said once.
#[derive(Default)]
struct Told {
    trouble: Option<String>,
    idle: bool,
}

impl Told {
    /// Tells of something that keeps the watcher from its work; whether it is another thing than before.
    fn trouble(&mut self, text: String) -> bool {
        self.idle = false;
        let is_news = self.trouble.as_ref() != Some(&text);
        if is_news {
            tracing::warn!("{text}; tried again until it works");
            self.trouble = Some(text);
        }
        is_news
    }

    fn well(&mut self) {
        if self.trouble.take().is_some() {
            telemetry::say("it goes on");
        }
    }

    fn idle(&mut self, sources: u64, out: Output) -> anyhow::Result<()> {
        if std::mem::replace(&mut self.idle, true) {
            return Ok(());
        }
        if out.json {
            out.fact(&json!({"event": "watching", "sources": sources}))?;
        } else {
            telemetry::say(&format!("watching {}; ctrl-c ends it", count(sources, "source", "sources")));
        }
        Ok(())
    }
}

impl Args {
    fn select(&self) -> Select {
        Select { only: self.only.clone(), ..Select::default() }
    }

    fn of_run(&self) -> run::Args {
        run::Args {
            graph: self.graph.clone(),
            select: self.select(),
            machine: self.machine.clone(),
            broker: self.broker.clone(),
            metrics: MetricsArgs::default(),
            traces: TracesArgs::default(),
            max_dead: None,
            dry_run: false,
        }
    }
}
