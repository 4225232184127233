//! `dead retry`: what failed is tried again, with all who waited for it.

use std::collections::BTreeSet;

use euterpe_actors::transform::Registry;
use euterpe_engine::{Letter, Opening, Retried, Session, by_target};
use serde_json::json;

use super::{Which, unreadable};
use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, CacheArgs, TracesArgs, wait_for};
use crate::cli::page::words::{count, name, sentence};
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

    #[command(flatten)]
    traces: TracesArgs,

    /// Only say what would be tried again.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Tries dead letters again, and follows them to the end: exit 0 if all were made good, 4 if letters remain.
///
/// # Errors
/// A run, job or reason that is not there, an id without a dead letter; what keeps the records from being kept.
pub(super) fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let place = &args.which.place;
    let (access, cache) = (args.broker.access(args.dry_run), args.cache.bytes);
    let traces = args.traces.asked()?;
    let (workers, sampling) = (args.jobs.map(usize::from), traces.sampling());
    let opening = Opening { workers, access, cache, traces: sampling, ..Opening::default() };
    let session = match place.open_as_in(args.which.run.as_deref(), registry, out, opening)? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    wait_for(async {
        let letters = args.which.known_letters(&session).await?;
        if args.dry_run {
            return say_what_would(&session, &letters, out);
        }
        let over = args.broker.over(&session, "retry").await?;
        let export = traces.send(&session, None)?;
        let retried = session.retry(letters, over, &Terminal::of_retry(out)).await;
        export.finish().await;
        show(&retried?, unreadable(&session), &place.typed(), out)
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
            out.text(&format!("{job}({}){note}", name(entity)))?;
        }
    }
    if !out.json {
        let (can, cannot): (Vec<&&Letter>, Vec<&&Letter>) =
            targets.values().partition(|found| found.can_retry(session.workspace()));
        let mut text = format!("would try again {}", count(can.len() as u64, "job of an entity", "jobs of entities"));
        if !cannot.is_empty() {
            text += &format!("; {} cannot be tried again", cannot.len());
        }
        out.text(&text)?;
    }
    Ok(Exit::Ok)
}

fn show(retried: &Retried, unreadable: u64, file: &str, out: Output) -> anyhow::Result<Exit> {
    let none_left = retried.left.is_empty() && retried.hopeless.is_empty() && unreadable == 0;
    let exit = match (retried.complete, none_left) {
        (false, _) => Exit::Interrupted,
        (true, true) => Exit::Ok,
        (true, false) => Exit::DeadLetters,
    };
    let hopeless = by_target(&retried.hopeless).len();
    if out.json {
        let left: Vec<_> = by_target(&retried.left)
            .into_iter()
            .map(|((job, entity), found)| json!({"job": job, "entity": entity, "reason": found.letter.reason}))
            .collect();
        out.fact(&json!({
            "event": "summary", "retried": retried.targets, "made_good": retried.good, "left": left,
            "cannot_retry": hopeless, "complete": retried.complete,
            "unreadable": unreadable, "out_of_date": retried.out_of_date,
        }))?;
        return Ok(exit);
    }
    let mut text = match retried.targets {
        0 if retried.hopeless.is_empty() => "no such dead letters; nothing to try again\n".to_owned(),
        0 => "nothing to try again\n".to_owned(),
        targets => format!("{} tried again\n", count(targets as u64, "job of an entity", "jobs of entities")),
    };
    for ((job, entity), found) in &by_target(&retried.left) {
        let (reason, why) = (found.letter.reason, sentence(&found.letter.text));
        text += &format!("  {job}({}): {reason}: {why}\n", name(entity));
    }
    if !retried.hopeless.is_empty() {
        let letters = count(hopeless as u64, "letter", "letters");
        let kinds: BTreeSet<_> =
            retried.hopeless.iter().map(|Letter { letter, .. }| (&letter.job, letter.reason)).collect();
        let drops: Vec<String> = kinds
            .into_iter()
            .map(|(job, reason)| format!("`euterpe dead drop {file} --job {job} --reason {reason}`"))
            .collect();
        text += &format!(
            "{letters} cannot be tried again: no message was ever made, or the graph has no such job any more; run \
                 what it should have been, then {}\n",
            drops.join(" and ")
        );
    }
    if unreadable > 0 {
        let letters = count(unreadable, "letter", "letters");
        text += &format!("{letters} cannot be read and stay; `euterpe gc {file} --unreadable` removes such\n");
    }
    if let Some(first) = retried.out_of_date.first() {
        let targets = count(retried.out_of_date.len() as u64, "job of an entity", "jobs of entities");
        text += &format!(
            "of {targets}, such as {}({}), the inputs changed since the run that made them, and a retry does not make those anew; \
                 `euterpe run {file}` does\n",
            first.job,
            name(first.entity.as_str())
        );
    }
    text += match exit {
        Exit::Ok if retried.targets == 0 => "",
        Exit::Ok if !retried.out_of_date.is_empty() => "",
        Exit::Ok => "all is made good\n",
        Exit::Interrupted => "stopped; the dead letters are kept, retry goes on where this stopped\n",
        _ => "dead letters remain\n",
    };
    out.text(&text)?;
    Ok(exit)
}
