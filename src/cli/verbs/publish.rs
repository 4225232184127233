//! `publish`: send entity messages to a graph's queues and return.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Opening, PublishRequest, Session};
use serde_json::json;

use super::plan;
use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, PATIENCE, Place, Select, TracesArgs, TracesAsked, wait_for};
use crate::cli::page::{
    Output,
    forecast::Planned,
    words::{count, passed_over},
};

/// Send entities to the nodes of a graph and return; `run` also follows them to the end.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    select: Select,
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    traces: TracesArgs,

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
        let of = Planned::Publishing { missing_only: args.missing_only };
        return plan::show(&args.place, &args.select, plan::Shown::plain(of), registry, out);
    }
    let traces = args.traces.asked()?;
    let opening = Opening { access: Access::Share, traces: traces.sampling(), ..args.select.memory.opening() };
    match args.place.open(registry, out, opening)? {
        Ok(session) => wait_for(publish(args, &session, traces, out)),
        Err(exit) => Ok(exit),
    }
}

async fn publish(args: &Args, session: &Session, traces: TracesAsked, out: Output) -> anyhow::Result<Exit> {
    let (selection, ids) = args.select.resolve(session)?;
    let over = args.broker.open(session, args.broker.needed("publish")?, PATIENCE).await?;
    let request = PublishRequest { selection, ids, limit: args.select.limit, missing_only: args.missing_only };
    let export = traces.send(session, None)?;
    let published = session.publish(request, over).await;
    export.finish().await;
    let published = published?;
    let run = published.run;
    if out.json {
        out.fact(&json!({
            "event": "published", "run": run, "entities": published.tally.entities, "sent": published.sent, "finished": published.left_out,
            "bad_names": published.tally.bad_names, "passed_over": published.passed.total(),
            "passed_over_by_kind": published.passed.kinds(), "problems": published.problems,
        }))?;
    } else {
        let file = args.place.typed();
        let mut text = format!("published {}, run {run}\n", count(published.sent, "entity", "entities"));
        if published.left_out > 0 {
            text += &format!("left out {}: all outputs are there\n", count(published.left_out, "entity", "entities"));
        }
        if published.tally.bad_names > 0 {
            let names = count(published.tally.bad_names, "name", "names");
            text += &format!("{names} cannot be ids; see `euterpe dead ls {file} --run {run}`\n");
        }
        for problem in &published.problems {
            text += &format!("{problem}\n");
        }
        text += &passed_over(&published.passed);
        text += &format!(
            "`euterpe status {file}` shows the nodes at work, `euterpe runs check {file} {run}` what is done\n"
        );
        out.text(&text)?;
    }
    Ok(if published.tally.bad_names > 0 { Exit::DeadLetters } else { Exit::Ok })
}
