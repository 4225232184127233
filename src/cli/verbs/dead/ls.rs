//! `dead ls`: dead letters, grouped by job and reason.

use std::collections::BTreeMap;
use std::fmt::Write;

use euterpe_actors::ids::JobName;
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::DeadLetter;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Letter, Opening, Workspace, by_target, times};
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
    let found = wait_for(args.which.letters(&session))?;
    let good = by_target(&found.iter().filter(|found| found.made_good).cloned().collect::<Vec<_>>()).len();
    let bad: Vec<Letter> = found.into_iter().filter(|found| !found.made_good).collect();
    let (lines, file) = (by_target(&bad), args.which.place.typed());
    if out.json {
        for found in lines.values() {
            let letter = &found.letter;
            out.fact(&json!({
                "job": letter.job, "entity": letter.entity, "reason": letter.reason, "text": letter.text,
                "tries": letter.tries, "millis": letter.millis, "run": letter.owner().to_string(), "can_retry": found.can_retry(session.workspace()),
                "times": times(letter, &bad),
            }))?;
        }
        let unreadable = unreadable(&session);
        out.fact(&json!({"event": "summary", "dead": lines.len(), "made_good": good, "unreadable": unreadable}))?;
        return Ok(Exit::Ok);
    }
    let mut text = match lines.is_empty() {
        true => format!("no dead letters (in {})\n", session.workspace().state.place()),
        false if args.all => all(lines.into_values(), &bad),
        false => groups(lines.into_values(), &bad, &file, session.workspace())?,
    };
    if good > 0 {
        text += &format!(
            "{}, made good since; `euterpe dead retry {file}` clears them away\n",
            count(good as u64, "other was", "others were")
        );
    }
    text += &unreadable_letters(&session);
    out.text(&text)?;
    Ok(Exit::Ok)
}

/// Why it is dead; and how often it came, where that was more than once.
fn why(letter: &DeadLetter, found: &[Letter]) -> String {
    let text = sentence(&letter.text);
    match times(letter, found) {
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
            why(letter, found),
        ]);
    }
    columns(&cells, &[])
}

fn groups<'f>(
    lines: impl Iterator<Item = &'f Letter>,
    every: &[Letter],
    file: &str,
    workspace: &Workspace,
) -> Result<String, std::fmt::Error> {
    let mut groups: BTreeMap<(JobName, Reason), Vec<&Letter>> = BTreeMap::new();
    let (mut can, mut cannot) = (0, 0);
    for found in lines {
        *if found.can_retry(workspace) { &mut can } else { &mut cannot } += 1;
        groups.entry((found.letter.job.clone(), found.letter.reason)).or_default().push(found);
    }
    let mut text = String::new();
    for ((job, reason), found) in &groups {
        writeln!(text, "{job}: {} {reason}", found.len())?;
        for Letter { letter, .. } in found.iter().take(EXAMPLES) {
            writeln!(text, "  {}: {}", name(&letter.entity), why(letter, every))?;
        }
        if found.len() > EXAMPLES {
            writeln!(text, "  and {} more (--all shows each)", found.len() - EXAMPLES)?;
        }
    }
    write!(text, "\n`euterpe dead show {file} ID` shows all of a letter")?;
    if can > 0 {
        write!(text, "; `euterpe dead retry {file}` tries again")?;
    }
    writeln!(text)?;
    if cannot > 0 {
        writeln!(
            text,
            "{} cannot be tried again: no message was ever made, or the graph has no such job; `euterpe dead drop {file} ID` \
                 removes them",
            count(cannot, "letter", "letters")
        )?;
    }
    Ok(text)
}
