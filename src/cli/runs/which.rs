//! Which run is meant: an id, the unique start of one, or `last`.

use anyhow::{Context, bail};
use euterpe_actors::ids::RunId;
use euterpe_actors::state::{LetterOwner, Manifest, StateStore};

use crate::cli::run::Mistake;

/// Why nobody can account for the inbox as for a run.
pub(super) const NO_MANIFEST: &str = "the inbox has no manifest: what other programs publish without a run is kept by \
                                      its queue until it is settled";

/// The run that `text` means.
///
/// # Errors
/// [`Mistake`] where none or several are meant; the state store's own.
pub(super) async fn find(state: &StateStore, text: &str) -> anyhow::Result<RunId> {
    if is_inbox(text) {
        bail!(Mistake(format!("{NO_MANIFEST}; `euterpe runs check GRAPH inbox` counts its dead letters")));
    }
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

/// Whether `text` means the inbox: messages by others that name no run.
pub(super) fn is_inbox(text: &str) -> bool {
    text == "inbox" || text.parse::<RunId>().is_ok_and(RunId::is_inbox)
}

/// The run that `text` means, or the inbox. A whole id is taken at its word: other programs may name a run that never
/// began here.
///
/// # Errors
/// As [`find`].
pub(in crate::cli) async fn origin(state: &StateStore, text: &str) -> anyhow::Result<LetterOwner> {
    match text.parse::<RunId>() {
        _ if is_inbox(text) => Ok(LetterOwner::Inbox),
        Ok(run) => Ok(LetterOwner::Run(run)),
        Err(_) => find(state, text).await.map(LetterOwner::from),
    }
}

/// What a run was asked to do.
///
/// # Errors
/// The state store's own.
pub(super) async fn manifest(state: &StateStore, run: RunId) -> anyhow::Result<Manifest> {
    state.manifest(run).await?.with_context(|| format!("the manifest of run {run} is gone (in {})", state.place()))
}
