//! Texts by other programs: shortened for people, and read as ids of runs.

use crate::ids::RunId;

pub(super) fn run_id(text: &str) -> Result<RunId, String> {
    text.parse().map_err(|_| format!("`{}` is not a run id, such as 20261123-063012.345-1a2b3c4d", shortened(text)))
}

/// By how much a run that another program names may lie ahead of a node's clock, in milliseconds: an hour.
const AHEAD: u64 = 3_600_000;

/// What is wrong with a run of another program that lies in the future. Taken, it would be later than all that follow.
pub(crate) fn run_ahead(run: RunId, now: u64) -> Option<String> {
    let ahead = run.millis() > now.saturating_add(AHEAD);
    ahead
        .then(|| format!("the run {run} is in the future; write the time at which the run began, or leave the run out"))
}

/// The start of a text by another program, escaped so that it cannot control a terminal.
pub(super) fn shortened(text: &str) -> String {
    let (mut chars, mut short) = (text.chars(), String::new());
    short.extend(chars.by_ref().take(120).flat_map(char::escape_debug));
    if chars.next().is_some() { short + "…" } else { short }
}
