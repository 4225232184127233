//! `dead drop`: what failed is given up, and counts as skipped from now on.

use anyhow::bail;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Mistake, Opening, by_target};
use serde_json::json;

use super::{Which, letters, unreadable_letters};
use crate::cli::Exit;
use crate::cli::args::wait_for;
use crate::cli::page::Output;
use crate::cli::page::words::name;

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

/// Gives up dead letters. Of those whose output is there by now, what hangs on them and is missing is given up; those that no
/// entity has are only removed.
///
/// # Errors
/// Where all are meant and nobody said so; an id without a dead letter; what keeps the records from being written.
pub(super) fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let place = &args.which.place;
    if args.which.is_all() && !args.all {
        bail!(Mistake("say which: IDs, --run, --job or --reason; or --all".into()));
    }
    let opening = Opening { access: if args.dry_run { Access::Look } else { Access::Share }, ..Opening::default() };
    let session = match place.open_as_in(args.which.run.as_deref(), registry, out, opening)? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let dropped = wait_for(async {
        let dropped = args.which.known_letters(&session).await?;
        session.refuse_other_files(&dropped).await?;
        for letter in dropped.iter().filter(|_| !args.dry_run) {
            session.give_up(letter).await?;
        }
        anyhow::Ok(dropped)
    })?;
    let targets = by_target(&dropped);
    if out.json {
        for ((job, entity), found) in &targets {
            let reason = found.letter.reason;
            out.fact(&json!({"job": job, "entity": entity, "reason": reason, "dropped": !args.dry_run}))?;
        }
        return Ok(Exit::Ok);
    }
    let mut text = String::new();
    for (job, entity) in targets.keys() {
        text += &format!("{job}({})\n", name(entity));
    }
    let letters = letters(&dropped);
    text += &match args.dry_run {
        _ if dropped.is_empty() => "no such dead letters; nothing to give up\n".to_owned(),
        true => format!("would give up {letters}\n"),
        false => {
            format!("gave up {letters}; they count as skipped until what the job reads, or its settings, change\n")
        }
    };
    text += &unreadable_letters(&session);
    out.text(&text)?;
    Ok(Exit::Ok)
}
