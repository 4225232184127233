//! `node`: serve a graph's queues on this machine until told to stop.

use std::time::Duration;

use euterpe_actors::ids::JobName;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Engine, Mistake, NodeRequest, Opening, Session, Stop};
use euterpe_graph_file::plan::Location;
use tokio::sync::watch;

use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, CacheArgs, GraphFile, duration, wait_for};
use crate::cli::page::{Output, signals};
use crate::telemetry;

/// A node that is started before its broker waits for it: they come up together.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Serve a graph's queues on this machine until SIGTERM or ctrl-c; a second one ends it at once.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The graph.
    #[command(flatten)]
    graph: GraphFile,
    #[command(flatten)]
    broker: BrokerArgs,

    /// Workers over all pools; by default as many as the machine has cores.
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,

    /// Where manifests and dead letters of graphs lie, by name, which all nodes share: a folder or `s3://bucket/prefix`; by
    /// default `.euterpe` beside the graph file.
    #[arg(long, value_name = "PLACE", value_parser = Location::parse)]
    state: Option<Location>,

    #[command(flatten)]
    cache: CacheArgs,

    /// Serve these jobs only; other nodes serve the rest.
    #[arg(long = "jobs", value_name = "JOB,…", value_delimiter = ',')]
    served: Option<Vec<String>>,

    /// How long what is in hand may take once the node is told to stop; what is longer goes back to its queue.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    grace: Duration,

    /// What this node calls itself in reports and dead letters; by default the machine's name and the process.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Serves until told to stop.
///
/// # Errors
/// A broker that cannot be used, a job that is not there, what keeps stores and transforms from being opened.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let plan = match args.graph.load_or_show(registry, out)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let (workers, state) = (args.workers.map(usize::from), args.state.clone());
    let opening = Opening { workers, state, access: Access::Share, cache: args.cache.bytes, ..Opening::default() };
    let session = Engine::open(plan, registry, &opening)?;
    wait_for(serve(args, &session))
}

async fn serve(args: &Args, session: &Session) -> anyhow::Result<Exit> {
    let name = args.name.clone().unwrap_or_else(own_name);
    let dial = args.broker.needed(&name)?;
    let of =
        |names: &Vec<String>| names.iter().map(|name| session.job(name)).collect::<Result<Vec<JobName>, Mistake>>();
    let jobs = args.served.as_ref().map(of).transpose()?;
    let workspace = session.workspace();
    workspace.prepare(|job| jobs.as_ref().is_none_or(|jobs| jobs.contains(job))).await?;
    let url = dial.url.to_string();
    let (stopper, stop) = watch::channel(Stop::No);
    let stop_on_signals = || {
        let stop = |how| {
            stopper.send_replace(how);
        };
        signals::stop_on(|| *stopper.borrow(), stop, signals::NODE)
    };
    let mut stopped = stop.clone();
    let over = tokio::select! {
        over = args.broker.open(session, dial, PATIENCE) => over?,
        never = stop_on_signals() => match never {},
        () = Stop::Drain.is_told(&mut stopped) => return Ok(Exit::Ok),
    };
    let count: usize = workspace.nodes.jobs.iter().map(|job| job.workers).sum();
    telemetry::say(&format!(
        "{name} serves graph {} over {url} ({}): {}, {count} workers; ctrl-c or SIGTERM ends it",
        workspace.plan.graph,
        over.version(),
        match &jobs {
            None => format!("all {} jobs", workspace.nodes.jobs.len()),
            Some(jobs) => jobs.iter().map(|job| job.as_str()).collect::<Vec<_>>().join(", "),
        },
    ));
    let request = NodeRequest { name: name.clone(), jobs, grace: args.grace, stop };
    tokio::select! {
        served = session.serve(request, over) => served?,
        never = stop_on_signals() => match never {},
    }
    telemetry::say(&format!("{name} has ended"));
    Ok(Exit::Ok)
}

/// The machine's name and the process: unique among the nodes of a cluster, for people.
fn own_name() -> String {
    let system = rustix::system::uname();
    format!("{}-{}", system.nodename().to_string_lossy(), std::process::id())
}
