//! The end of a run in one process: whether its outputs lie where they were written. A folder that another one replaced
//! meanwhile has only what was made since.

use anyhow::{Context, ensure};

use super::running::{Running, Stop};
use super::seen::look_for_what_is_done;
use crate::workspace::Workspace;

/// Looks for what is done where another folder took the place of one that is written to; else nothing has to be looked for,
/// because this process wrote it. Whether it was brought to its end.
///
/// # Errors
/// What keeps the stores or the records from being read. A run that did not feed all of its entities (`fed_all`) cannot tell
/// which are missing.
pub async fn look_again(workspace: &Workspace, running: &Running, fed_all: bool) -> anyhow::Result<bool> {
    let mut replaced = Vec::new();
    for name in workspace.written_stores() {
        let asked = workspace.stores.get(name).replacements().await;
        let times =
            asked.with_context(|| format!("it is not known whether all that was made is still in store `{name}`"));
        if times? > 0 {
            replaced.push(format!("`{name}`"));
        }
    }
    if replaced.is_empty() {
        return Ok(true);
    }
    let stores = replaced.join(", ");
    ensure!(
        fed_all,
        "another folder took the place of that of store {stores} meanwhile; `euterpe runs check` tells what is missing"
    );
    tracing::warn!("another folder took the place of that of store {stores} meanwhile; looking for what is done");
    let mut stop = running.stopped();
    tokio::select! {
        biased;
        () = Stop::Drain.is_told(&mut stop) => Ok(false),
        looked = look_for_what_is_done(workspace, running) => looked.map(|_| true),
    }
}
