//! What changes between runs and while they go on: the sources, and what the jobs do.

use std::collections::{BTreeMap, BTreeSet};

use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::plan::JobIx;

use super::graph;

/// What the sources and the jobs are at the moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    /// The number of each job's recipe, by the index of the job; empty where no job changes.
    pub(super) recipes: Vec<u32>,
    /// How often each source was replaced.
    pub(super) sources: BTreeMap<EntityId, u32>,
    /// The jobs that make the same bytes of the same inputs each time.
    pub(super) repeating: BTreeSet<JobIx>,
    /// How many sources were replaced in all.
    pub(super) replaced: u64,
}

impl Versions {
    /// Whether anything may change.
    pub(super) fn are_many(&self) -> bool {
        !self.recipes.is_empty()
    }

    /// The number of a job's recipe of today.
    pub(super) fn recipe(&self, job: JobIx) -> u32 {
        self.recipes.get(job.0).copied().unwrap_or(0)
    }

    /// The recipe of each job of today, as nodes name it.
    pub(super) fn named_recipes(&self) -> BTreeMap<JobName, String> {
        self.recipes.iter().enumerate().map(|(at, number)| (graph::name(at), format!("r{number}"))).collect()
    }

    /// What a source holds now.
    pub(super) fn source(&self, track: &EntityId) -> String {
        match self.sources.get(track) {
            None | Some(0) => format!("source {track}"),
            Some(number) => format!("source {track} v{number}"),
        }
    }

    /// Whether this is what the source of a track holds, or once held.
    pub(super) fn is_source_of(track: &EntityId, text: &str) -> bool {
        let version = text.strip_prefix(&format!("source {track}"));
        version.is_some_and(|version| version.is_empty() || version.starts_with(" v"))
    }

    /// Replaces a source. Returns what it holds then.
    pub(super) fn replace(&mut self, track: &EntityId) -> String {
        *self.sources.entry(track.clone()).or_default() += 1;
        self.replaced += 1;
        self.source(track)
    }
}
