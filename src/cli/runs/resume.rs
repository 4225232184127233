//! `runs resume`: publishes again what is open of a run, and follows it to the end.

use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use euterpe_actors::accounting::{TargetStatus, resume_messages};
use euterpe_actors::memory::Presence;
use euterpe_actors::message::Target;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::{Manifest, RunEnd};

use super::check::{Account, accountant};
use super::{One, which};
use crate::cli::broker::BrokerArgs;
use crate::cli::cache::CacheArgs;
use crate::cli::place::wait_for;
use crate::cli::run::{Following, REMEMBERED, follow, summary::Summary};
use crate::cli::{Exit, Output};
use crate::telemetry;
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::{Opened, now, salt};
use euterpe_engine::run::feed::{Feeder, Line};
use euterpe_engine::run::ids::Passed;
use euterpe_engine::run::survey;

/// Publish again what is open of a run, and follow it to the end.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    one: One,

    /// Workers over all pools; by default as many as the machine has cores.
    #[arg(short = 'j', long = "jobs", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    #[command(flatten)]
    cache: CacheArgs,

    #[command(flatten)]
    broker: BrokerArgs,

    /// Stop when so many entities have become dead letters.
    #[arg(long, value_name = "N")]
    max_dead: Option<u64>,

    /// Only say what is open, like `check`.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Resumes a run.
///
/// # Errors
/// A run that is not there; what keeps it from keeping its records.
pub(super) fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let place = &args.one.place;
    let opened = match place.open(registry, out, args.jobs, args.broker.access(args.dry_run), args.cache.bytes)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    wait_for(go(args, &opened, out))
}

async fn go(args: &Args, opened: &Opened, out: Output) -> anyhow::Result<Exit> {
    let file = args.one.place.typed();
    let run = which::find(&opened.state, &args.one.run).await?;
    let manifest = which::manifest(&opened.state, run).await?;
    if args.dry_run {
        return Account::of(opened, &manifest, false).await?.show(&file, out);
    }
    if manifest.digest != opened.nodes.digest {
        telemetry::say("the graph has changed since this run; going on by the graph as it is today");
    }
    if args.broker.broker.is_none() {
        opened.prepare(|_| true).await?;
    }
    let before = opened.state.run_end(run).await?;
    let is_clean = before.is_some();
    let presence = Arc::new(Presence::up_to(REMEMBERED));
    survey::survey(&opened.nodes, &opened.stores, &presence, run).await?;
    opened.state.reopen_run(run).await.context("could not reopen the run")?;
    let open = Open { accountant: accountant(opened, &manifest).await?, wave: salt() };
    let ping = manifest.selection.ping;
    let over = args.broker.over(opened, "resume").await?;
    let over_broker = over.is_some();
    let way = Following { manifest: manifest.clone(), presence, max_dead: args.max_dead, isolate: !is_clean, over };
    let (ended, took) = follow(opened, way, open, out).await?;
    let account = Account::of(opened, &manifest, false).await?;
    opened.state.end_run(run, &end_record(&account, before.as_ref(), ended.complete)).await?;
    let exit = Summary { file: file.clone(), opened, run, ended: &ended, took, ping, over: over_broker }.show(out)?;
    let accounted = account.show(&file, out)?;
    Ok(if exit == Exit::Interrupted { exit } else { accounted })
}

/// The run's end record after all, over all of its entities and not only over those that were open.
fn end_record(account: &Account, before: Option<&RunEnd>, complete: bool) -> RunEnd {
    let jobs = account.jobs.iter().map(|(job, standings)| {
        let mut counts = before.and_then(|end| end.jobs.get(job)).copied().unwrap_or_default();
        counts.done = standings.done.saturating_sub(counts.exists);
        (counts.skipped, counts.dead) = (standings.skipped, standings.dead);
        (job.clone(), counts)
    });
    RunEnd { millis: now(), complete, entities: account.entities, jobs: jobs.collect() }
}

/// Feeds what is open of a run, chunk by chunk, all in one fresh wave.
struct Open {
    accountant: euterpe_actors::accounting::Accountant,
    wave: u64,
}

#[async_trait(?Send)]
impl Feeder for Open {
    async fn feed(&mut self, line: &Line) -> anyhow::Result<Passed> {
        let manifest: &Manifest = &line.manifest;
        for chunk in line.state.chunks(manifest.run).await? {
            for entity in line.state.chunk(&chunk).await? {
                let standings = self.accountant.entity(&manifest.selection, &entity).await?;
                let open: Vec<JobIx> = standings
                    .iter()
                    .filter(|(_, standing)| *standing == TargetStatus::Open)
                    .map(|(at, _)| *at)
                    .collect();
                if open.is_empty() {
                    continue;
                }
                let target = |at: &JobIx| Target { job: line.plan.job(*at).name.clone(), entity: entity.clone() };
                let targets: Vec<Target> = open.iter().map(target).collect();
                let messages = resume_messages(&line.plan, manifest, &targets, self.wave, || line.next_id());
                line.tracker.expect(&open);
                line.send(&entity, &open, &messages).await?;
            }
        }
        Ok(Passed::default())
    }
}
