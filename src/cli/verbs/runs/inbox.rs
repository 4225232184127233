//! `runs check inbox`: what can be said of messages by others, which belong to no run.

use std::collections::BTreeMap;

use euterpe_actors::outcome::Reason;
use euterpe_engine::{Session, Which, by_target, times};
use serde_json::json;

use super::NO_MANIFEST;
use crate::cli::Exit;
use crate::cli::args::wait_for;
use crate::cli::page::{Output, words::count};

/// The reasons that a body which is no message may have.
const OF_BODIES: [Reason; 4] = [Reason::Malformed, Reason::UnknownJob, Reason::UnknownVersion, Reason::GivenUpByBroker];

/// Counts the inbox's dead letters, one for each job and entity: exit 0 without any, 4 with some.
///
/// # Errors
/// What keeps the stores from being read.
pub(super) fn check(session: &Session, file: &str, out: Output) -> anyhow::Result<Exit> {
    let (reasons, messages) = wait_for(counted(session))?;
    let targets: u64 = reasons.values().sum();
    let exit = if targets == 0 { Exit::Ok } else { Exit::DeadLetters };
    if out.json {
        out.fact(
            &json!({"run": "inbox", "manifest": false, "dead": targets, "messages": messages, "reasons": reasons}),
        )?;
        return Ok(exit);
    }
    let mut text = NO_MANIFEST.to_owned();
    if targets == 0 {
        text += "; it has no dead letters";
    } else {
        let reasons: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let letters = count(targets, "dead letter", "dead letters");
        let more = if messages > targets { format!(" of {messages} messages") } else { String::new() };
        text += &format!("; it has {letters}{more} ({})\n", reasons.join(", "));
        text += &format!("`euterpe dead ls {file} --run inbox` shows them");
    }
    out.text(&text)?;
    Ok(exit)
}

/// How many dead letters there are by reason, and of how many messages. Those of bodies that are no message are read, for they say
/// how often these came.
async fn counted(session: &Session) -> anyhow::Result<(BTreeMap<Reason, u64>, u64)> {
    let which = |reason| Which { run: Some("inbox".to_owned()), reason, ..Which::default() };
    let mut reasons: BTreeMap<Reason, u64> = BTreeMap::new();
    for ((_, reason), group) in session.letter_groups(&which(None), 0).await?.groups {
        *reasons.entry(reason).or_default() += group.count;
    }
    let mut messages = 0;
    for (reason, count) in &reasons {
        if !OF_BODIES.contains(reason) {
            messages += count;
            continue;
        }
        let mut letters = session.letters(&which(Some(*reason))).await?;
        letters.retain(|found| !found.made_good);
        messages += by_target(&letters).values().map(|found| times(&found.letter, &letters)).sum::<u64>();
    }
    Ok((reasons, messages))
}
