//! `node`: serve a graph's queues on this machine until told to stop.

mod health;

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use euterpe_actors::ids::JobName;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Beat, Engine, Mistake, NodeRequest, Opening, Session, Stop, watch_queues};
use euterpe_graph_file::plan::Location;
use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::cli::Exit;
use crate::cli::args::{
    BrokerArgs, CacheArgs, GraphFile, MetricsArgs, TracesArgs, TracesAsked, duration, serve_metrics, wait_for,
};
use crate::cli::page::{Output, signals};
use crate::telemetry;
use health::{HealthFile, Word};

/// A node that is started before its broker waits for it: they come up together.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// Serve a graph's queues on this machine until SIGTERM or ctrl-c; a second one ends it at once.
#[derive(Debug, clap::Args)]
#[command(mut_arg("graph", |graph| graph.required(false).required_unless_present("health")))]
pub struct Args {
    /// The graph.
    #[command(flatten)]
    graph: Option<GraphFile>,
    #[command(flatten)]
    broker: BrokerArgs,

    /// Workers over all pools; by default as many as the machine has cores.
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,

    /// Where manifests and dead letters of graphs lie, by name, which all nodes share: a folder or `s3://bucket/prefix`; by
    /// default `.euterpe` beside the graph file.
    #[arg(long, value_name = "PLACE", env = "EUTERPE_STATE", value_parser = Location::parse)]
    state: Option<Location>,

    #[command(flatten)]
    cache: CacheArgs,

    #[command(flatten)]
    metrics: MetricsArgs,

    #[command(flatten)]
    traces: TracesArgs,

    /// Serve these jobs only; other nodes serve the rest.
    #[arg(long = "jobs", value_name = "JOB,…", value_delimiter = ',')]
    served: Option<Vec<String>>,

    /// How long what is in hand may take once the node is told to stop; what is longer goes back to its queue.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    grace: Duration,

    /// What this node calls itself in reports and dead letters; by default the machine's name and the process.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Serve nothing; say whether the nodes of this user on this machine, or in this container, serve: exit code 0 if all of
    /// them do.
    #[arg(long, conflicts_with = "graph")]
    health: bool,

    /// With --health: a node that is starting, or waits for its broker, is well too; only one that hangs is not.
    #[arg(long, requires = "health", conflicts_with = "graph")]
    alive: bool,
}

/// Serves until told to stop.
///
/// # Errors
/// A broker that cannot be used, a job that is not there, what keeps stores and transforms from being opened.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let graph = match &args.graph {
        Some(graph) if !args.health => graph,
        _ => return health::answer(args.alive, out), // without a graph file nothing else may be asked
    };
    let plan = match graph.load_or_show(registry, out)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let (workers, state) = (args.workers.map(usize::from), args.state.clone());
    let traces = args.traces.asked()?;
    let listener = args.metrics.bind()?;
    let (metrics, sampling) = (listener.is_some(), traces.sampling());
    let (access, cache) = (Access::Share, args.cache.bytes);
    let opening = Opening { workers, state, access, cache, metrics, traces: sampling, ..Opening::default() };
    let session = Engine::open(plan, registry, &opening)?;
    wait_for(serve(args, &session, listener, traces))
}

async fn serve(
    args: &Args,
    session: &Session,
    listener: Option<TcpListener>,
    traces: TracesAsked,
) -> anyhow::Result<Exit> {
    let (name, logs) = (args.name.clone().unwrap_or_else(own_name), Some(telemetry::keep_last_lines()));
    let beat = beat();
    let dial = args.broker.needed(&name)?;
    let of =
        |names: &Vec<String>| names.iter().map(|name| session.job(name)).collect::<Result<Vec<JobName>, Mistake>>();
    let jobs = args.served.as_ref().map(of).transpose()?;
    let workspace = session.workspace();
    workspace.prepare(|job| jobs.as_ref().is_none_or(|jobs| jobs.contains(job))).await?;
    let url = dial.url.to_string();
    serve_metrics(listener, session, queues_of(session, &dial))?;
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
    let export = traces.send(session, Some(&name))?;
    let request = NodeRequest { name: name.clone(), jobs, grace: args.grace, stop, beat, logs };
    let served = tokio::select! {
        served = session.serve(request, over) => served,
        never = stop_on_signals() => match never {},
    };
    export.finish().await;
    served?;
    telemetry::say(&format!("{name} has ended"));
    Ok(Exit::Ok)
}

/// Looks at the queues for the metrics, where any are served.
fn queues_of(
    session: &Session,
    dial: &euterpe_amqp::ConnectionSettings,
) -> impl FnOnce() -> BoxFuture<'static, Infallible> + Send + 'static {
    let workspace = session.workspace();
    let (metrics, dial, graph) = (workspace.metrics.clone(), dial.clone(), workspace.plan.graph.clone());
    move || match metrics {
        Some(metrics) => Box::pin(watch_queues(metrics, dial, graph)),
        None => Box::pin(std::future::pending()),
    }
}

/// What tells `node --health` how this node is, as long as it is kept. A node that cannot tell it serves all the same.
fn beat() -> Beat {
    let unkept = |error| {
        tracing::warn!("`node --health` will not know this node: {error}; set TMPDIR to a folder that can be written")
    };
    let file = HealthFile::make().map_err(unkept).ok();
    Arc::new(move |connected| {
        let Some(file) = &file else { return };
        let word = if connected { Word::Serves } else { Word::Waits };
        if let Err(error) = file.say(word) {
            tracing::debug!(%error, "could not tell how this node is");
        }
    })
}

/// The machine's name and the process: unique among the nodes of a cluster, for people.
fn own_name() -> String {
    let system = rustix::system::uname();
    format!("{}-{}", system.nodename().to_string_lossy(), std::process::id())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Command;

    #[test]
    fn a_node_is_told_its_graph_file_and_health_is_asked_without_one() {
        let reads = |words: &[&str]| Command::try_parse_from([&["euterpe", "node"], words].concat()).is_ok();
        assert!(reads(&["g.yaml"]) && reads(&["--health"]) && reads(&["--health", "--allow-plaintext"]));
        assert!(reads(&["--health", "--alive"]) && !reads(&["--alive", "g.yaml"]));
        assert!(!reads(&[]) && !reads(&["--health", "g.yaml"]));
    }
}
