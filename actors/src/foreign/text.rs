//! Texts by other programs: shortened for people, and read as ids of runs.

use crate::ids::RunId;

pub(super) fn run_id(text: &str) -> Result<RunId, String> {
    text.parse().map_err(|_| format!("`{}` is not a run id, such as 20261123-063012.345-1a2b3c4d", shortened(text)))
}

/// The start of a text by another program, escaped so that it cannot control a terminal.
pub(super) fn shortened(text: &str) -> String {
    let (mut chars, mut short) = (text.chars(), String::new());
    short.extend(chars.by_ref().take(120).flat_map(char::escape_debug));
    if chars.next().is_some() { short + "…" } else { short }
}
