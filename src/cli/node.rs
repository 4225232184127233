//! `node`: serve a graph's queues on this machine until told to stop.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use euterpe_actors::memory::Presence;
use futures::FutureExt;
use tokio::sync::watch;

use super::broker::{BrokerArgs, duration};
use super::cache::CacheArgs;
use super::run::{Mistake, REMEMBERED, find, signals};
use super::{Exit, GraphFile, Output};
use crate::cli::place::wait_for;
use crate::telemetry;
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::{Access, Opened, Opening, now, salt};
use euterpe_engine::run::Stop;
use euterpe_engine::run::serve::{Serving, serve};
use euterpe_engine::run::survey::survey;
use euterpe_graph_file::{place, plan::Location};
use euterpe_storage::s3::Cache;

/// How long a node lists what exists before it begins to work.
const LISTING: Duration = Duration::from_secs(30);

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
    #[arg(long, value_name = "PLACE", value_parser = place)]
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
    let jobs = args.workers.map(usize::from);
    let opening =
        Opening { jobs, state: args.state.clone(), kept: None, access: Access::Share, cache: args.cache.bytes };
    let opened = Opened::open(plan, registry, &opening)?;
    wait_for(go(args, &opened))
}

async fn go(args: &Args, opened: &Opened) -> anyhow::Result<Exit> {
    let name = args.name.clone().unwrap_or_else(own_name);
    let dial = args.broker.needed(&name)?;
    let jobs = match &args.served {
        None => None,
        Some(names) => {
            let job = |name: &String| Ok(opened.nodes.job(find(&opened.nodes, name)?).name.clone());
            Some(names.iter().map(job).collect::<Result<Vec<_>, Mistake>>()?)
        }
    };
    opened.prepare(|job| jobs.as_ref().is_none_or(|jobs| jobs.contains(job))).await?;
    let url = dial.url.to_string();
    let (stopper, stop) = watch::channel(Stop::No);
    let mut stopped = stop.clone();
    // A node that is started before its broker waits for it: they come up together.
    let opening = args.broker.open(opened, dial, Duration::from_secs(24 * 3600));
    let over = tokio::select! {
        over = opening => over?,
        never = signals::stop_on(&stopper, signals::NODE) => match never {},
        _ = stopped.wait_for(|stop| *stop > Stop::No) => return Ok(Exit::Ok),
    };
    let count: usize = opened.nodes.jobs.iter().map(|job| job.workers).sum();
    telemetry::say(&format!(
        "{name} serves graph {} over {url} ({}): {}, {count} workers; ctrl-c or SIGTERM ends it",
        opened.plan.graph,
        over.amqp.version(),
        match &jobs {
            None => format!("all {} jobs", opened.nodes.jobs.len()),
            Some(jobs) => jobs.iter().map(|job| job.as_str()).collect::<Vec<_>>().join(", "),
        },
    ));
    let cache = opened.cache.clone();
    let presence = Arc::new(Presence::up_to(REMEMBERED));
    let serving = Serving {
        plan: opened.nodes.clone(),
        stores: opened.stores.clone(),
        state: opened.state.clone(),
        amqp: over.amqp,
        jobs,
        claims: opened.claims(&name)?,
        presence: presence.clone(),
        slots: opened.slots.clone(),
        scratch: opened.scratch(),
        spared: Arc::new(move || cache.as_ref().map_or(0, Cache::spared)),
        name: name.clone(),
        salt: salt(),
        grace: args.grace,
        stop,
        clock: now,
    };
    let listing = warm(opened, &presence).fuse();
    tokio::pin!(listing);
    let work = async {
        // A catalogue may be so large that work should not wait for all of it, and the end of the node not at all.
        tokio::select! {
            () = &mut listing => {}
            () = tokio::time::sleep(LISTING) => tracing::info!("what exists is still being listed; work begins meanwhile"),
            _ = stopped.wait_for(|stop| *stop > Stop::No) => {}
        }
        let listed = async {
            listing.await;
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            () = serve(serving) => {}
            never = listed => match never {},
        }
    };
    tokio::select! {
        () = work => {}
        why = opened.broken() => bail!("{why}"),
        never = signals::stop_on(&stopper, signals::NODE) => match never {},
    }
    telemetry::say(&format!("{name} has ended"));
    Ok(Exit::Ok)
}

/// Learns what exists by listing it, as of the newest run: what that run or an earlier one has queued is then not looked
/// for one by one. Later runs look for themselves.
async fn warm(opened: &Opened, presence: &Arc<Presence>) {
    let listed = async {
        let Some(run) = opened.state.runs().await?.last().copied() else { return anyhow::Ok(()) };
        survey(&opened.nodes, &opened.stores, presence, run).await?;
        tracing::info!(outputs = presence.len(), most = REMEMBERED, "what exists is known");
        Ok(())
    };
    if let Err(error) = listed.await {
        tracing::warn!("what exists could not be listed, and is looked for one by one: {error:#}");
    }
}

/// The machine's name and the process: unique among the nodes of a cluster, for people.
fn own_name() -> String {
    let system = rustix::system::uname();
    format!("{}-{}", system.nodename().to_string_lossy(), std::process::id())
}
