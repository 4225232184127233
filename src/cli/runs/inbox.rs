//! `runs check inbox`: what can be said of messages by others, which belong to no run.

use std::collections::BTreeMap;

use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{LetterFilter, LetterOwner};
use serde_json::json;

use super::which::NO_MANIFEST;
use crate::cli::dead::found;
use crate::cli::place::wait_for;
use crate::cli::words::count;
use crate::cli::{Exit, Output};
use euterpe_engine::assembly::Opened;

/// Counts the inbox's dead letters, one for each job and entity: exit 0 without any, 4 with some.
///
/// # Errors
/// What keeps the stores from being read.
pub(super) fn check(opened: &Opened, file: &str, out: Output) -> anyhow::Result<Exit> {
    let filter = LetterFilter { run: Some(LetterOwner::Inbox), ..LetterFilter::default() };
    let mut letters = wait_for(found::of(opened, &filter))?;
    letters.retain(|found| !found.made_good);
    let targets = found::by_target(&letters);
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    for found in targets.values() {
        *reasons.entry(found.letter.reason).or_default() += 1;
    }
    let exit = if targets.is_empty() { Exit::Ok } else { Exit::DeadLetters };
    if out.json {
        out.fact(&json!({"run": "inbox", "manifest": false, "dead": targets.len(), "reasons": reasons}))?;
        return Ok(exit);
    }
    let mut text = NO_MANIFEST.to_owned();
    if targets.is_empty() {
        text += "; it has no dead letters";
    } else {
        let reasons: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let letters = count(targets.len() as u64, "dead letter", "dead letters");
        text += &format!("; it has {letters} ({})\n", reasons.join(", "));
        text += &format!("`euterpe dead ls {file} --run inbox` shows them");
    }
    out.text(&text)?;
    Ok(exit)
}
