//! `dead ls`: dead letters, grouped by job and reason.

use std::fmt::Write;

use euterpe_actors::state::DeadLetter;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Letter, LetterGroups, Opening, Session, by_target, times};
use serde_json::json;

use super::{Which, unreadable, unreadable_letters};
use crate::cli::Exit;
use crate::cli::args::wait_for;
use crate::cli::page::Output;
use crate::cli::page::words::{columns, count, name, sentence, time};

/// List dead letters.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,

    /// A line for each job and entity instead of groups.
    #[arg(long)]
    all: bool,
}

/// How many entities a group names.
const EXAMPLES: usize = 3;

/// Lists dead letters; exit 0 whether there are any or not.
///
/// # Errors
/// A run, job or reason that is not there; what keeps the stores from being read.
pub(super) fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match args.which.place.open_as_in(args.which.run.as_deref(), registry, out, Opening::default())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let file = args.which.place.typed();
    let (good, text) = if out.json || args.all {
        let found = wait_for(args.which.letters(&session))?;
        let good = by_target(&found.iter().filter(|found| found.made_good).cloned().collect::<Vec<_>>()).len() as u64;
        let bad: Vec<Letter> = found.into_iter().filter(|found| !found.made_good).collect();
        if out.json {
            facts(&bad, good, &session, out)?;
            return Ok(Exit::Ok);
        }
        (good, if bad.is_empty() { String::new() } else { all(by_target(&bad).into_values(), &bad) })
    } else {
        let groups = wait_for(args.which.groups(&session, EXAMPLES))?;
        (groups.made_good, if groups.groups.is_empty() { String::new() } else { told(&groups, &file)? })
    };
    let mut text = match text.is_empty() {
        true => format!("no dead letters (in {})\n", session.workspace().state.place()),
        false => text,
    };
    if good > 0 {
        text += &format!(
            "{}, made good since; `euterpe dead retry {file}` clears them away\n",
            count(good, "other was", "others were")
        );
    }
    text += &unreadable_letters(&session);
    out.text(&text)?;
    Ok(Exit::Ok)
}

/// Prints a fact for each job and entity.
fn facts(bad: &[Letter], good: u64, session: &Session, out: Output) -> anyhow::Result<()> {
    let lines = by_target(bad);
    for found in lines.values() {
        let letter = &found.letter;
        out.fact(&json!({
            "job": letter.job, "entity": letter.entity, "reason": letter.reason, "text": letter.text,
            "tries": letter.tries, "millis": letter.millis, "run": letter.owner().to_string(), "can_retry": found.can_retry(session.workspace()),
            "times": times(letter, bad),
        }))?;
    }
    out.fact(&json!({
        "event": "summary", "dead": lines.len(), "made_good": good, "unreadable": unreadable(session),
    }))?;
    Ok(())
}

/// Why it is dead; and how often it came, where that was more than once.
fn why(letter: &DeadLetter, came: u64) -> String {
    let text = sentence(&letter.text);
    match came {
        0 | 1 => text,
        some => format!("{text} (came {some} times)"),
    }
}

fn all<'f>(lines: impl Iterator<Item = &'f Letter>, found: &[Letter]) -> String {
    let mut cells = vec![["job", "entity", "reason", "when", "run", "why"].map(str::to_owned).to_vec()];
    for Letter { letter, .. } in lines {
        cells.push(vec![
            letter.job.to_string(),
            name(&letter.entity),
            letter.reason.to_string(),
            time(letter.millis),
            letter.owner().to_string(),
            why(letter, times(letter, found)),
        ]);
    }
    columns(&cells, &[])
}

/// The groups, each with some examples.
fn told(told: &LetterGroups, file: &str) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for ((job, reason), group) in &told.groups {
        let when = match time(group.first) == time(group.last) {
            true => time(group.last),
            false => format!("{} to {}", time(group.first), time(group.last)),
        };
        writeln!(text, "{job}: {} {reason}, {when}", group.count)?;
        for (letter, came) in &group.examples {
            writeln!(text, "  {}: {}", name(&letter.entity), why(letter, *came))?;
        }
        let more = group.count - group.examples.len() as u64;
        if more > 0 {
            writeln!(text, "  and {more} more (--all shows each)")?;
        }
    }
    write!(text, "\n`euterpe dead show {file} ID` shows all of a letter")?;
    if told.can_retry > 0 {
        write!(text, "; `euterpe dead retry {file}` tries again")?;
    }
    writeln!(text)?;
    if told.cannot_retry > 0 {
        writeln!(
            text,
            "{} cannot be tried again: no message was ever made, or the graph has no such job; `euterpe dead drop {file} ID` \
                 removes them",
            count(told.cannot_retry, "letter", "letters")
        )?;
    }
    if told.unseen > 0 {
        writeln!(
            text,
            "of {} it was not looked whether they were made good since, for there are too many; `euterpe dead retry {file}` \
                 finds out",
            count(told.unseen, "letter", "letters")
        )?;
    }
    Ok(text)
}
