//! `runs check inbox`: what can be said of messages by others, which belong to no run.

use std::collections::BTreeMap;

use euterpe_actors::outcome::Reason;
use euterpe_engine::{Session, Which, by_target, times};
use serde_json::json;

use super::NO_MANIFEST;
use crate::cli::Exit;
use crate::cli::args::wait_for;
use crate::cli::page::{Output, words::count};

/// Counts the inbox's dead letters, one for each job and entity: exit 0 without any, 4 with some.
///
/// # Errors
/// What keeps the stores from being read.
pub(super) fn check(session: &Session, file: &str, out: Output) -> anyhow::Result<Exit> {
    let mut letters = wait_for(session.letters(&Which { run: Some("inbox".to_owned()), ..Which::default() }))?;
    letters.retain(|found| !found.made_good);
    let targets = by_target(&letters);
    let mut reasons: BTreeMap<Reason, usize> = BTreeMap::new();
    for found in targets.values() {
        *reasons.entry(found.letter.reason).or_default() += 1;
    }
    let messages: u64 = targets.values().map(|found| times(&found.letter, &letters)).sum();
    let exit = if targets.is_empty() { Exit::Ok } else { Exit::DeadLetters };
    if out.json {
        out.fact(&json!({"run": "inbox", "manifest": false, "dead": targets.len(), "messages": messages, "reasons": reasons}))?;
        return Ok(exit);
    }
    let mut text = NO_MANIFEST.to_owned();
    if targets.is_empty() {
        text += "; it has no dead letters";
    } else {
        let reasons: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let letters = count(targets.len() as u64, "dead letter", "dead letters");
        let more = if messages > targets.len() as u64 { format!(" of {messages} messages") } else { String::new() };
        text += &format!("; it has {letters}{more} ({})\n", reasons.join(", "));
        text += &format!("`euterpe dead ls {file} --run inbox` shows them");
    }
    out.text(&text)?;
    Ok(exit)
}
