//! `dead drop`: what failed is given up, and counts as skipped from now on.

use anyhow::bail;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Letter, Mistake, by_target};
use serde_json::json;

use super::Which;
use crate::cli::Exit;
use crate::cli::args::wait_for;
use crate::cli::page::Output;
use crate::cli::page::words::{count, plain};

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
    let session = match place.open(registry, out, None, if args.dry_run { Access::Look } else { Access::Share }, 0)? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let dropped = wait_for(async {
        let dropped = args.which.letters(&session).await?;
        for letter in dropped.iter().filter(|_| !args.dry_run) {
            session.give_up(letter).await?;
        }
        anyhow::Ok(dropped)
    })?;
    if out.json {
        for Letter { letter, .. } in &dropped {
            out.fact(&json!({
                "job": letter.job, "entity": letter.entity, "reason": letter.reason, "dropped": !args.dry_run,
            }))?;
        }
        return Ok(Exit::Ok);
    }
    let mut text = String::new();
    for (job, entity) in by_target(&dropped).keys() {
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
