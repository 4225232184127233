//! `dead retry`: what failed is tried again, with all who waited for it.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Letter, Retried, Session, by_target};
use serde_json::json;

use super::Which;
use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, CacheArgs, wait_for};
use crate::cli::page::words::{count, plain};
use crate::cli::page::{Output, Terminal};

/// Try again what failed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,

    /// Workers over all pools; by default as many as the machine has cores.
    #[arg(short = 'j', long = "jobs", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    #[command(flatten)]
    cache: CacheArgs,

    #[command(flatten)]
    broker: BrokerArgs,

    /// Only say what would be tried again.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Tries dead letters again, and follows them to the end: exit 0 if all were made good, 4 if letters remain.
///
/// # Errors
/// A run, job or reason that is not there; what keeps the records from being kept.
pub(super) fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let place = &args.which.place;
    let session = match place.open(registry, out, args.jobs, args.broker.access(args.dry_run), args.cache.bytes)? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    wait_for(async {
        let letters = args.which.letters(&session).await?;
        if args.dry_run {
            return say_what_would(&session, &letters, out);
        }
        let over = args.broker.over(&session, "retry").await?;
        let retried = session.retry(letters, over, &Terminal { out }).await?;
        show(&retried, &place.typed(), out)
    })
}

fn say_what_would(session: &Session, letters: &[Letter], out: Output) -> anyhow::Result<Exit> {
    let targets = by_target(letters);
    for ((job, entity), found) in &targets {
        let can = found.can_retry(session.workspace());
        let good = found.made_good;
        if out.json {
            out.fact(&json!({"job": job, "entity": entity, "can_retry": can, "made_good": good}))?;
        } else {
            let note = match (can, good) {
                (false, _) => "  cannot be tried again: no message, or no such job in the graph",
                (true, true) => "  made good since: who waited is told",
                (true, false) => "",
            };
            out.text(&format!("{job}({}){note}", plain(entity, false)))?;
        }
    }
    if !out.json {
        out.text(&format!("would try again {}", count(targets.len() as u64, "job of an entity", "jobs of entities")))?;
    }
    Ok(Exit::Ok)
}

fn show(retried: &Retried, file: &str, out: Output) -> anyhow::Result<Exit> {
    let exit = match (retried.complete, retried.left.is_empty() && retried.hopeless.is_empty()) {
        (false, _) => Exit::Interrupted,
        (true, true) => Exit::Ok,
        (true, false) => Exit::DeadLetters,
    };
    if out.json {
        let left: Vec<_> = retried
            .left
            .iter()
            .map(|f| json!({"job": f.letter.job, "entity": f.letter.entity, "reason": f.letter.reason}))
            .collect();
        out.fact(&json!({
            "event": "summary", "retried": retried.targets, "made_good": retried.good, "left": left,
            "cannot_retry": retried.hopeless.len(), "complete": retried.complete,
        }))?;
        return Ok(exit);
    }
    let mut text = match retried.targets {
        0 => "nothing to try again\n".to_owned(),
        targets => format!("{} tried again\n", count(targets as u64, "job of an entity", "jobs of entities")),
    };
    for ((job, entity), found) in &by_target(&retried.left) {
        let (reason, why) = (found.letter.reason, plain(&found.letter.text, false));
        text += &format!("  {job}({}): {reason}: {why}\n", plain(entity, false));
    }
    if !retried.hopeless.is_empty() {
        let letters = count(retried.hopeless.len() as u64, "letter", "letters");
        text += &format!(
            "{letters} cannot be tried again: no message was ever made, or the graph has no such job any more; run \
                 what it should have been, then `euterpe dead drop {file} --reason {}`\n",
            retried.hopeless[0].letter.reason
        );
    }
    text += match exit {
        Exit::Ok => "all is made good\n",
        Exit::Interrupted => "stopped; the dead letters are kept, retry goes on where this stopped\n",
        _ => "dead letters remain\n",
    };
    out.text(&text)?;
    Ok(exit)
}
