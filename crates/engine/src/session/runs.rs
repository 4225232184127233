//! The runs that a graph's state knows: which one is meant, and what is recorded of each.

use anyhow::{Context, bail};
use euterpe_actors::ids::RunId;
use euterpe_actors::state::{LetterFilter, LetterOwner, Manifest, RunEnd};

use super::Session;
use crate::mistake::Mistake;

/// What is recorded of a run.
#[derive(Debug)]
pub struct RunRecord {
    /// What it was asked to do.
    pub manifest: Manifest,
    /// How it ended; none where it goes on or its process died.
    pub end: Option<RunEnd>,
    /// How many dead letters of it lie there now.
    pub letters: usize,
}

/// Whether `text` means the inbox: messages by others that name no run.
pub fn is_inbox(text: &str) -> bool {
    text == "inbox" || text.parse::<RunId>().is_ok_and(RunId::is_inbox)
}

impl Session {
    /// The records of all runs, the oldest first.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn runs(&self) -> anyhow::Result<Vec<RunRecord>> {
        let state = &self.workspace.state;
        let mut records = Vec::new();
        for run in state.runs().await? {
            let Some(manifest) = state.manifest(run).await? else { continue };
            let end = state.run_end(run).await?;
            let of_it = LetterFilter { run: Some(run.into()), ..LetterFilter::default() };
            records.push(RunRecord { manifest, end, letters: state.letter_keys(&of_it).await?.len() });
        }
        Ok(records)
    }

    /// The run that `text` means: its id, the unique start of one, or `last`.
    ///
    /// # Errors
    /// [`Mistake`] where none or several are meant; the state store's own.
    pub async fn find_run(&self, text: &str) -> anyhow::Result<RunId> {
        let state = &self.workspace.state;
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
                bail!(Mistake(format!(
                    "no run `{text}` (in {place}); `euterpe runs ls` shows them, `last` is the newest"
                )))
            }
            [one, .., last] => {
                let count = fits.len();
                bail!(Mistake(format!("{count} runs start with `{text}`, from {one} to {last}; write more of the id")))
            }
        }
    }

    /// The run that `text` means, or the inbox. A whole id is taken at its word: other programs may name a run that never
    /// began here.
    ///
    /// # Errors
    /// As [`Session::find_run`].
    pub async fn find_origin(&self, text: &str) -> anyhow::Result<LetterOwner> {
        match text.parse::<RunId>() {
            _ if is_inbox(text) => Ok(LetterOwner::Inbox),
            Ok(run) => Ok(LetterOwner::Run(run)),
            Err(_) => self.find_run(text).await.map(LetterOwner::from),
        }
    }

    /// What a run was asked to do.
    ///
    /// # Errors
    /// A manifest that is gone; the state store's own.
    pub async fn manifest(&self, run: RunId) -> anyhow::Result<Manifest> {
        let state = &self.workspace.state;
        state.manifest(run).await?.with_context(|| format!("the manifest of run {run} is gone (in {})", state.place()))
    }
}
