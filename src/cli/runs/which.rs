//! Which run is meant: an id, the unique start of one, or `last`.

use anyhow::{Context, bail};
use euterpe_actors::ids::RunId;
use euterpe_actors::state::{Manifest, StateStore};

use crate::cli::run::Mistake;

/// The run that `text` means.
///
/// # Errors
/// [`Mistake`] where none or several are meant; the state store's own.
pub(in crate::cli) async fn find(state: &StateStore, text: &str) -> anyhow::Result<RunId> {
    let runs = state.runs().await?;
    let place = state.place();
    if text == "last" {
        return runs.last().copied().ok_or_else(|| Mistake(format!("there is no run yet (in {place})")).into());
    }
    let fits: Vec<RunId> = runs.into_iter().filter(|run| run.to_string().starts_with(text)).collect();
    match fits.as_slice() {
        [one] => Ok(*one),
        [] => {
            let text = text.escape_debug();
            bail!(Mistake(format!("no run `{text}` (in {place}); `euterpe runs ls` shows them, `last` is the newest")))
        }
        [one, .., last] => {
            let count = fits.len();
            bail!(Mistake(format!("{count} runs start with `{text}`, from {one} to {last}; write more of the id")))
        }
    }
}

/// What a run was asked to do.
///
/// # Errors
/// The state store's own.
pub(super) async fn manifest(state: &StateStore, run: RunId) -> anyhow::Result<Manifest> {
    state.manifest(run).await?.with_context(|| format!("the manifest of run {run} is gone (in {})", state.place()))
}
