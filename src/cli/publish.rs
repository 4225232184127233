//! `publish`: send entity messages to a graph's queues and return.

use std::sync::Arc;

use anyhow::Context;
use euterpe_actors::memory::Presence;
use serde_json::json;

use super::broker::BrokerArgs;
use super::place::{Place, wait_for};
use super::run::{REMEMBERED, Select};
use super::words::count;
use super::{Exit, Output, plan};
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::{Access, Opened, now};
use euterpe_engine::run::{Intake, Tracker, remote, survey};

/// Send entities to the nodes of a graph and return; `run` also follows them to the end.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    select: Select,
    #[command(flatten)]
    broker: BrokerArgs,

    /// Leave out entities whose outputs are all there, as a listing of the stores shows.
    #[arg(long)]
    missing_only: bool,

    /// Only say what would be done, like `plan`.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Publishes.
///
/// # Errors
/// A broker that cannot be used; ids that cannot be read; a manifest that cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    if args.dry_run {
        return plan::show(&args.place, &args.select, registry, out);
    }
    match args.place.open(registry, out, None, Access::Share, 0)? {
        Ok(opened) => wait_for(go(args, &opened, out)),
        Err(exit) => Ok(exit),
    }
}

async fn go(args: &Args, opened: &Opened, out: Output) -> anyhow::Result<Exit> {
    let selection = args.select.selection(&opened.nodes)?;
    let ids = args.select.source(opened, &selection)?;
    let dial = args.broker.needed("publish")?;
    let over = args.broker.open(opened, dial, super::broker::PATIENCE).await?;
    let run = opened.next_run().await?;
    let manifest = opened.manifest(run, selection);
    let presence = Arc::new(Presence::up_to(REMEMBERED));
    if args.missing_only {
        survey::survey(&opened.nodes, &opened.stores, &presence, run).await?;
    }
    opened.state.begin_run(&manifest).await.context("could not write the manifest of the run")?;
    let tracker = Arc::new(Tracker::new(opened.nodes.clone()));
    let intake = Intake { ids, limit: args.select.limit, clock: now };
    let (plan, state) = (opened.nodes.clone(), opened.state.clone());
    let line = remote::Unfollowed { plan, state, manifest, presence, tracker: tracker.clone() };
    let passed = line.publish(&over, intake).await?;
    over.amqp.close().await;
    let tally = tracker.tally();
    // Of an entity that is left out, all jobs are counted as there.
    let left_out = tally.jobs.iter().map(|job| job.exists).max().unwrap_or(0);
    let sent = tally.entities - tally.bad_names - left_out;
    if out.json {
        out.fact(&json!({
            "event": "published", "run": run, "entities": tally.entities, "sent": sent, "finished": left_out,
            "bad_names": tally.bad_names, "passed_over": passed.other,
        }))?;
    } else {
        let file = args.place.typed();
        let mut text = format!("published {}, run {run}\n", count(sent, "entity", "entities"));
        if left_out > 0 {
            text += &format!("left out {}: all outputs are there\n", count(left_out, "entity", "entities"));
        }
        if tally.bad_names > 0 {
            let names = count(tally.bad_names, "name", "names");
            text += &format!("{names} cannot be ids; see `euterpe dead ls {file} --run {run}`\n");
        }
        text += &format!(
            "`euterpe status {file}` shows the nodes at work, `euterpe runs check {file} {run}` what is done\n"
        );
        out.text(&text)?;
    }
    Ok(if tally.bad_names > 0 { Exit::DeadLetters } else { Exit::Ok })
}
