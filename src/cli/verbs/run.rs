//! `run`: make what is missing and follow it to the end.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Engine, RunRequest, Session};

use super::plan;
use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, GraphFile, Machine, Place, Select, wait_for};
use crate::cli::page::{Output, Terminal, summary::Summary};

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
        return plan::show(&args.place(), &args.select, registry, out);
    }
    let plan = match args.graph.load_or_show(registry, out)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let session = Engine::open(plan, registry, &args.machine.opening(args.broker.access(false)))?;
    wait_for(follow(args, &session, out))
}

async fn follow(args: &Args, session: &Session, out: Output) -> anyhow::Result<Exit> {
    let (selection, ids) = args.select.resolve(session)?;
    let over = args.broker.over(session, "run").await?;
    let (ping, over_broker) = (selection.ping, over.is_some());
    let request = RunRequest { selection, ids, limit: args.select.limit, max_dead: args.max_dead, over };
    let ended = session.run(request, &Terminal { out }).await?;
    Summary { file: args.place().typed(), session, ended: &ended, ping, over: over_broker }.show(out)
}

impl Args {
    fn place(&self) -> Place {
        Place { graph: self.graph.clone(), state: self.machine.state.clone() }
    }
}
