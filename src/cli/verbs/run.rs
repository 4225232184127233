//! `run`: make what is missing and follow it to the end.

use std::cell::OnceCell;
use std::net::TcpListener;
use std::time::Duration;

use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Arrivals, Engine, Opening, RunRequest, Session};

use super::plan;
use crate::cli::Exit;
use crate::cli::args::{
    BrokerArgs, GraphFile, Machine, MetricsArgs, Place, Select, TracesArgs, TracesAsked, serve_metrics, wait_for,
};
use crate::cli::page::{Output, Terminal, forecast::Planned, summary::Summary};

/// Run a graph: make every output that is missing, once, and account for every entity.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The graph.
    #[command(flatten)]
    pub graph: GraphFile,
    /// The entities and jobs.
    #[command(flatten)]
    pub select: Select,
    /// The machine.
    #[command(flatten)]
    pub machine: Machine,

    /// The broker.
    #[command(flatten)]
    pub broker: BrokerArgs,

    /// The metrics.
    #[command(flatten)]
    pub metrics: MetricsArgs,

    /// The traces.
    #[command(flatten)]
    pub traces: TracesArgs,

    /// Stop when so many entities have become dead letters.
    #[arg(long, value_name = "N")]
    pub max_dead: Option<u64>,

    /// Only say what would be done, like `plan`.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Runs the verb.
///
/// # Errors
/// What keeps the run from starting or from keeping its records.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    if args.dry_run {
        return plan::show(&args.place(), &args.select, plan::Shown::plain(Planned::Run), registry, out);
    }
    make(args, registry, out, None)
}

/// Runs; with `settled` without the files that somebody may still be writing.
///
/// # Errors
/// As [`run`].
pub(super) fn make(
    args: &Args,
    registry: &Registry,
    out: Output,
    settled: Option<(&Arrivals, Duration)>,
) -> anyhow::Result<Exit> {
    let plan = match args.graph.load_or_show(registry, out)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let access = args.broker.access(false);
    if access == Access::Share {
        args.metrics.refuse()?;
    }
    let traces = args.traces.asked()?;
    let listener = args.metrics.bind()?;
    let (metrics, sampling) = (listener.is_some(), traces.sampling());
    let memory = Some(args.select.memory.bytes);
    let opening = Opening { metrics, traces: sampling, memory, ..args.machine.opening(access) };
    let session = Engine::open(plan, registry, &opening)?;
    wait_for(follow(args, &session, settled, listener, traces, out))
}

async fn follow(
    args: &Args,
    session: &Session,
    settled: Option<(&Arrivals, Duration)>,
    listener: Option<TcpListener>,
    traces: TracesAsked,
    out: Output,
) -> anyhow::Result<Exit> {
    let (selection, ids) = args.select.resolve(session)?;
    let ids = match settled {
        Some((arrivals, settle)) => session.settled(ids, arrivals, settle),
        None => ids,
    };
    let over = args.broker.over(session, "run").await?;
    let (ping, over_broker) = (selection.ping, over.is_some());
    serve_metrics(listener, session, std::future::pending)?;
    let request = RunRequest { selection, ids, limit: args.select.limit, max_dead: args.max_dead, over };
    let export = traces.send(session, None)?;
    let terminal = Terminal::of_run(session, out);
    let ended = session.run(request, &terminal).await;
    export.finish().await;
    terminal.end_log().await;
    let ended = ended?;
    let all_read = session.workspace().state.has_all_entities(ended.run).await?;
    let (file, asked) = (args.place().typed(), args.select.typed());
    let why_none = args.select.why_none();
    Summary { file, asked, why_none, session, ended: &ended, ping, over: over_broker, all_read, resumed: false }
        .show(out)
}

impl Args {
    fn place(&self) -> Place {
        Place { graph: self.graph.clone(), state: self.machine.state.clone(), remembered: OnceCell::new() }
    }
}
