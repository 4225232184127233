//! The runs that a graph's state knows: which one is meant, and what is recorded of each.

use std::collections::HashMap;

use anyhow::{Context, bail};
use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::message::Force;
use euterpe_actors::refresh::Refresh;
use euterpe_actors::state::{LetterFilter, LetterOwner, Manifest, RunEnd, Selection, manifest_key};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Session;
use crate::mistake::Mistake;
use crate::run::survey::dated_again;

/// How many records are read at once: each may take a bucket's time.
const AT_ONCE: usize = 16;

/// What is recorded of a run.
#[derive(Debug)]
pub struct RunRecord {
    /// What it was asked to do.
    pub manifest: Manifest,
    /// How it ended; none where it goes on or its process died.
    pub end: Option<RunEnd>,
    /// Whether it is known to have read all of its ids: what it did not read is in no number here.
    pub all_read: bool,
    /// How many dead letters of it lie there now, one for each job and entity.
    pub letters: usize,
    /// Whether everything came to an end although no record says that it was brought there.
    pub is_over: bool,
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
        let (runs, letters) = (state.runs().await?, self.letters_by_owner().await?);
        for run in
            state.runs_without_manifest().await?.iter().filter(|lost| runs.last().is_none_or(|last| last < *lost))
        {
            tracing::warn!("{}", without_manifest(*run, &state.place()));
        }
        let read = |run: RunId| async move {
            let (manifest, end, all_read) =
                futures::join!(state.manifest(run), state.run_end(run), state.has_all_entities(run));
            anyhow::Ok((manifest?, end?, all_read?))
        };
        let read: Vec<_> = runs.into_iter().map(read).collect();
        let mut read = stream::iter(read).buffered(AT_ONCE);
        let mut records = Vec::new();
        while let Some((manifest, end, all_read)) = read.try_next().await? {
            let Some(manifest) = manifest else { continue };
            let letters = letters.get(&LetterOwner::from(manifest.run)).copied().unwrap_or(0);
            records.push(RunRecord { manifest, end, all_read, letters, is_over: false });
        }
        let mut unended =
            records.iter_mut().filter(|record| !record.end.as_ref().is_some_and(|end| end.complete)).peekable();
        if unended.peek().is_some() {
            // One listing for all of them. What former recipes made is looked at where a run was to make that anew.
            let refresh = Refresh { recipes: Force::All, ..Refresh::default() };
            let now = dated_again(&self.workspace, self.workspace.next_run().await?, Some(&refresh)).await?;
            for record in unended {
                record.is_over = self.is_over(&record.manifest, &now).await?;
            }
        }
        Ok(records)
    }

    /// How many dead letters each run has, and the inbox.
    async fn letters_by_owner(&self) -> anyhow::Result<HashMap<LetterOwner, usize>> {
        let (mut letters, mut counted) = (HashMap::new(), None);
        let list = self.workspace.state.list_letters(&LetterFilter::default()).await?;
        for one in list.iter() {
            // They are in order: those of one job and entity follow each other.
            if !counted.is_some_and(|counted| one.is_beside(&counted)) {
                *letters.entry(one.owner()).or_default() += 1;
                counted = Some(one);
            }
        }
        Ok(letters)
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
            // Not the one before: that is not what was asked about.
            if let Some(lost) = state.runs_without_manifest().await?.last()
                && runs.last().is_none_or(|last| last < lost)
            {
                bail!(without_manifest(*lost, &place));
            }
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
    /// A manifest that is gone or cannot be read; the state store's own.
    pub async fn manifest(&self, run: RunId) -> anyhow::Result<Manifest> {
        let state = &self.workspace.state;
        let found = state.manifest(run).await?;
        found.with_context(|| match state.unreadable().get(&manifest_key(run)) {
            Some(why) => format!(
                "what run {run} was asked to do is not known: {why}; `euterpe gc GRAPH --unreadable` removes the record"
            ),
            None => without_manifest(run, &state.place()),
        })
    }
}

fn without_manifest(run: RunId, place: &str) -> String {
    format!(
        "the manifest of run {run} is gone (in {place}), so what it was asked to do is not known; put it back from a backup, or run \
         the ids anew, and name other runs by their ids"
    )
}

/// What a run was asked to do, in words for people.
pub fn asked(selection: &Selection) -> String {
    let list = |jobs: &[JobName]| jobs.iter().map(|job| job.as_str()).collect::<Vec<_>>().join(",");
    let mut text = match (&selection.job, selection.bottom_up) {
        (None, _) => "whole graph".to_owned(),
        (Some(job), false) => format!("from {job} down"),
        (Some(job), true) => format!("{job} and what it needs"),
    };
    if let Some(only) = &selection.only {
        text += &format!(", only {}", list(only));
    }
    match &selection.force {
        Force::None => {}
        Force::Jobs(jobs) => text += &format!(", redoing {}", list(jobs)),
        Force::All => text += ", redoing all",
    }
    match selection.refresh.as_ref().map_or(&Force::None, |refresh| &refresh.recipes) {
        Force::None => {}
        Force::Jobs(jobs) => text += &format!(", making anew what changed in {}", list(jobs)),
        Force::All => text += ", making anew whatever changed",
    }
    if selection.ping {
        text += ", ping";
    }
    text
}
