//! `run`: make what is missing and follow it to the end.

mod args;
pub mod progress;
pub mod signals;
pub mod summary;

use std::{cell::Cell, convert::Infallible, sync::Arc};

use anyhow::{Context, bail};
use euterpe_actors::ids::JobName;
use euterpe_actors::memory::Presence;
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::state::{LetterFilter, Manifest, Selection, StateStore};
use tokio::sync::watch;

pub use args::{Args, Machine, Mistake, Select, find};

use crate::cli::place::Place;
use crate::cli::{Exit, Output, plan};
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::{Access, Opened, Opening, now};
use euterpe_engine::run::remote::Over;
use euterpe_engine::run::{self, Intake, Request, Stop, Tracker, remote, survey};
use progress::Progress;
use summary::Summary;

/// The most objects whose presence a run remembers; an entry takes at most 40 bytes.
pub const REMEMBERED: usize = 16 << 20;

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
    let opening = args.machine.opening(args.broker.access(false));
    let opened = Opened::open(plan, registry, &opening)?;
    actix::System::new().block_on(async { go(args, &opened, out).await })
}

impl Args {
    fn place(&self) -> Place {
        Place { graph: self.graph.clone(), state: self.machine.state.clone() }
    }
}

impl Machine {
    /// How to open a graph for these flags.
    pub fn opening(&self, access: Access) -> Opening {
        let (jobs, state) = (self.jobs.map(usize::from), self.state.clone());
        Opening { jobs, state, kept: None, access, cache: self.cache.bytes }
    }
}

async fn go(args: &Args, opened: &Opened, out: Output) -> anyhow::Result<Exit> {
    let selection = args.select.selection(&opened.nodes)?;
    let ids = args.select.source(opened, &selection)?;
    let over = args.broker.over(opened, "run").await?;
    let isolate = over.is_none() && is_suspect(&opened.state).await?;
    if over.is_none() && !selection.ping {
        opened.prepare(|job| may_reach(&opened.nodes, &selection, job)).await?;
    }
    let run = opened.next_run().await?;
    let manifest = opened.manifest(run, selection);
    let presence = Arc::new(Presence::up_to(REMEMBERED));
    survey::survey(&opened.nodes, &opened.stores, &presence, run).await?;
    opened.state.begin_run(&manifest).await.context("could not write the manifest of the run")?;
    let ping = manifest.selection.ping;
    let intake = Intake { ids, limit: args.select.limit, clock: now };
    let over_broker = over.is_some();
    let way = Following { manifest, presence, max_dead: args.max_dead, isolate, over };
    let (ended, took) = follow(opened, way, intake, out).await?;
    Summary { file: args.place().typed(), opened, run, ended: &ended, took, ping, over: over_broker }.show(out)
}

/// Whether a run of this selection may come to a job: bottom-up it comes to what lies above, else it may to any.
fn may_reach(nodes: &NodePlan, selection: &Selection, job: &JobName) -> bool {
    match selection.job.as_ref().and_then(|named| nodes.find(named.as_str())) {
        Some(named) if selection.bottom_up => {
            let is = |at: JobIx| nodes.job(at).name == *job;
            is(named) || nodes.job(named).ancestors.iter().copied().any(is)
        }
        _ => true,
    }
}

/// Runs in this process without progress or signals, to the end.
///
/// # Errors
/// What keeps the run from keeping its records, and workers that cannot begin.
pub async fn follow_quietly(opened: &Opened, way: Following, feeder: impl run::feed::Feeder) -> anyhow::Result<()> {
    let tracker = Arc::new(Tracker::new(opened.nodes.clone()));
    let (_stopper, stop) = watch::channel(Stop::No);
    tokio::select! {
        ended = run::run(request(opened, way.manifest, way.presence, tracker, way.isolate, stop), feeder) => ended.map(drop),
        why = opened.broken() => bail!("{why}"),
    }
}

fn request(
    opened: &Opened,
    manifest: Manifest,
    presence: Arc<Presence>,
    tracker: Arc<Tracker>,
    isolate: bool,
    stop: watch::Receiver<Stop>,
) -> Request {
    Request {
        plan: opened.nodes.clone(),
        stores: opened.stores.clone(),
        state: opened.state.clone(),
        manifest,
        presence,
        tracker,
        slots: opened.slots.clone(),
        scratch: opened.scratch(),
        isolate,
        stop,
        clock: now,
    }
}

/// Whether some work may kill the process: the run before was killed, perhaps by it, or a dead letter says so. Then all
/// work of this run is done in child processes.
async fn is_suspect(state: &StateStore) -> anyhow::Result<bool> {
    if let Some(last) = state.runs().await?.last()
        && state.run_end(*last).await?.is_none()
    {
        return Ok(true);
    }
    let killers = LetterFilter { reason: Some(Reason::KilledWorker), ..LetterFilter::default() };
    Ok(!state.letters(&killers).await?.is_empty())
}

/// What is run, and where.
pub struct Following {
    /// What the run is.
    pub manifest: Manifest,
    /// What is known to exist.
    pub presence: Arc<Presence>,
    /// Stop when there are so many dead letters.
    pub max_dead: Option<u64>,
    /// Whether all work is done in child processes; nodes elsewhere decide that for themselves.
    pub isolate: bool,
    /// The broker whose nodes do the work; none where this process does.
    pub over: Option<Over>,
}

/// Runs with progress and signals, until the end or until somebody stops it.
///
/// # Errors
/// What keeps the run from keeping its records.
pub async fn follow(
    opened: &Opened,
    way: Following,
    feeder: impl run::feed::Feeder,
    out: Output,
) -> anyhow::Result<(run::Ended, std::time::Duration)> {
    let Following { manifest, presence, max_dead, isolate, over } = way;
    let tracker = Arc::new(Tracker::new(opened.nodes.clone()));
    let mut progress = Progress::new(opened.nodes.clone(), tracker.clone(), out, manifest.run.to_string());
    let (stopper, stop) = watch::channel(Stop::No);
    let request = request(opened, manifest, presence, tracker.clone(), isolate, stop);
    let says = if over.is_some() { signals::ELSEWHERE } else { signals::HERE };
    let running = async {
        match over {
            None => run::run(request, feeder).await,
            Some(over) => remote::run(request, over, feeder).await,
        }
    };
    let broke = Cell::new(None);
    let stop_if_broken = async {
        broke.set(Some(opened.broken().await));
        stopper.send_replace(Stop::Now);
        std::future::pending::<Infallible>().await
    };
    let ended = tokio::select! {
        ended = running => ended,
        never = progress.show() => match never {},
        never = signals::stop_on(&stopper, says) => match never {},
        never = signals::stop_at(max_dead, &tracker, &stopper) => match never {},
        never = stop_if_broken => match never {},
    };
    let took = progress.finish();
    if let Some(why) = broke.take() {
        bail!("{why}");
    }
    Ok((ended?, took))
}
