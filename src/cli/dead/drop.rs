//! `dead drop`: what failed is given up, and counts as skipped from now on.

use anyhow::bail;
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::SkipRecord;
use serde_json::json;

use super::Which;
use super::found::{self, Found};
use crate::cli::place::wait_for;
use crate::cli::run::Mistake;
use crate::cli::words::{count, plain};
use crate::cli::{Exit, Output};
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::{Access, Opened, now};

/// Give up what failed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,

    /// All of them.
    #[arg(long)]
    all: bool,

    /// Only say what would be given up.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Gives up dead letters. Those whose output is there by now, and those that no entity has, are only removed.
///
/// # Errors
/// Where all are meant and nobody said so; what keeps the records from being written.
pub(super) fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let place = &args.which.place;
    if args.which.is_all() && !args.all {
        bail!(Mistake("say which: IDs, --run, --job or --reason; or --all".into()));
    }
    let opened = match place.open(registry, out, None, if args.dry_run { Access::Look } else { Access::Share }, 0)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let dropped = wait_for(async {
        let mut dropped = Vec::new();
        for found in found::find(&opened, &args.which).await? {
            if !args.dry_run {
                give_up(&opened, &found).await?;
            }
            dropped.push(found);
        }
        anyhow::Ok(dropped)
    })?;
    if out.json {
        for Found { letter, .. } in &dropped {
            out.fact(&json!({
                "job": letter.job, "entity": letter.entity, "reason": letter.reason, "dropped": !args.dry_run,
            }))?;
        }
        return Ok(Exit::Ok);
    }
    let mut text = String::new();
    for (job, entity) in found::by_target(&dropped).keys() {
        text += &format!("{job}({})\n", plain(entity, false));
    }
    let letters = count(dropped.len() as u64, "dead letter", "dead letters");
    text += &match args.dry_run {
        true => format!("would give up {letters}\n"),
        false => format!("gave up {letters}; the entities count as skipped until the settings of the job change\n"),
    };
    out.text(&text)?;
    Ok(Exit::Ok)
}

/// The skip record first: dying between the two leaves both, and nothing unaccounted for.
async fn give_up(opened: &Opened, found: &Found) -> anyhow::Result<()> {
    let letter = &found.letter;
    let at = opened.nodes.find(letter.job.as_str());
    if let (Some(at), Ok(entity), Some(_), false) =
        (at, EntityId::new(&letter.entity), &letter.message, found.made_good)
    {
        let skip = SkipRecord {
            run: letter.run.unwrap_or(RunId::NEVER),
            job: letter.job.clone(),
            entity,
            reason: Reason::Dropped,
            text: format!("given up after {}: {}", letter.reason, letter.text),
            settings: opened.nodes.job(at).settings,
            millis: now(),
        };
        opened.state.keep_skip(&skip).await?;
    }
    opened.state.remove(&found.key).await?;
    Ok(())
}
