//! Manifests: what a run was asked to do, written before its messages.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::store::StateStore;
use crate::ids::{EntityId, JobName, RunId};
use crate::message::{Force, GraphDigest};
use crate::points::reach;
use crate::storage::{Content, StorageError, StorageErrorKind};

/// What a run was asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The run.
    pub run: RunId,
    /// The name of the graph.
    pub graph: String,
    /// The digest of the graph, as messages carry it.
    pub digest: GraphDigest,
    /// What was asked for.
    pub selection: Selection,
    /// The wave of its top-down messages.
    pub wave: u64,
    /// The graph as it was resolved, for people.
    pub resolved: serde_json::Value,
}

/// Which jobs of an entity are wanted, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Selection {
    /// The job that was named; none where each entity goes to the jobs that start the graph.
    pub job: Option<JobName>,
    /// Make that job's output and pass nothing on.
    pub bottom_up: bool,
    /// The jobs that the wave may reach, or all.
    pub only: Option<Vec<JobName>>,
    /// The jobs to redo.
    pub force: Force,
    /// Travel without work.
    pub ping: bool,
}

/// How a run ended. A run without this record is still running or ended uncleanly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// When, in milliseconds after the Unix epoch.
    pub millis: u64,
    /// Whether every entity came to its end; `false` after an interruption.
    pub complete: bool,
    /// How many entities it had.
    pub entities: u64,
    /// What became of them, for each job.
    pub jobs: BTreeMap<JobName, Counts>,
}

/// What became of a job's entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Counts {
    /// Made in this run.
    pub done: u64,
    /// There before.
    pub exists: u64,
    /// Declined.
    pub skipped: u64,
    /// Failed for good, here or at an ancestor.
    pub dead: u64,
}

/// The key of a chunk of a run's entities.
pub fn chunk_key(run: RunId, chunk: u64) -> String {
    format!("runs/{run}/entities/{chunk:08}.txt")
}

impl StateStore {
    /// Writes the manifest of a run, before its first entity.
    ///
    /// # Errors
    /// The store's own; then the run must not start.
    pub async fn begin_run(&self, manifest: &Manifest) -> Result<(), StorageError> {
        reach("before_manifest");
        self.put(&format!("runs/{}/manifest.json", manifest.run), manifest).await?;
        reach("after_manifest");
        Ok(())
    }

    /// Adds a chunk of entities, before their messages. Chunks are numbered from 0.
    ///
    /// # Errors
    /// The store's own; then the chunk's messages must not be published.
    pub async fn add_entities(&self, run: RunId, chunk: u64, entities: &[EntityId]) -> Result<(), StorageError> {
        let mut text = String::with_capacity(entities.len() * 24);
        for entity in entities {
            text.push_str(entity.as_str()); // an id holds no control characters, so no line break
            text.push('\n');
        }
        let key = chunk_key(run, chunk);
        self.storage.store(&key, Content::Bytes(Bytes::from(text)), None).await.map(|_| ())
    }

    /// Records that all entities of a run stand in its chunks: there are `entities` of them.
    ///
    /// # Errors
    /// The store's own.
    pub async fn close_entities(&self, run: RunId, entities: u64) -> Result<(), StorageError> {
        self.put(&format!("runs/{run}/read.json"), &serde_json::json!({ "entities": entities })).await
    }

    /// Whether all entities of a run stand in its chunks: otherwise it was ended while it still read them.
    ///
    /// # Errors
    /// The store's own.
    pub async fn has_all_entities(&self, run: RunId) -> Result<bool, StorageError> {
        self.has(&format!("runs/{run}/read.json")).await
    }

    /// Records that a run ended.
    ///
    /// # Errors
    /// The store's own.
    pub async fn end_run(&self, run: RunId, end: &RunEnd) -> Result<(), StorageError> {
        reach("before_end");
        self.put(&format!("runs/{run}/end.json"), end).await?;
        reach("after_end");
        Ok(())
    }

    /// Removes the record of a run's end, when it goes on.
    ///
    /// # Errors
    /// The store's own.
    pub async fn reopen_run(&self, run: RunId) -> Result<(), StorageError> {
        self.remove(&format!("runs/{run}/end.json")).await
    }

    /// The runs that have a manifest, oldest first.
    ///
    /// # Errors
    /// The store's own.
    pub async fn runs(&self) -> Result<Vec<RunId>, StorageError> {
        let mut runs = Vec::new();
        self.storage
            .list("runs/", &mut |page| {
                runs.extend(page.iter().filter_map(|listed| {
                    listed.path.strip_prefix("runs/")?.strip_suffix("/manifest.json")?.parse::<RunId>().ok()
                }));
                true
            })
            .await?;
        runs.sort_unstable();
        Ok(runs)
    }

    /// The manifest of a run.
    ///
    /// # Errors
    /// The store's own.
    pub async fn manifest(&self, run: RunId) -> Result<Option<Manifest>, StorageError> {
        self.get(&format!("runs/{run}/manifest.json")).await
    }

    /// How a run ended, if it did.
    ///
    /// # Errors
    /// The store's own.
    pub async fn run_end(&self, run: RunId) -> Result<Option<RunEnd>, StorageError> {
        self.get(&format!("runs/{run}/end.json")).await
    }

    /// The keys of a run's chunks of entities, in order.
    ///
    /// # Errors
    /// The store's own.
    pub async fn chunks(&self, run: RunId) -> Result<Vec<String>, StorageError> {
        self.keys(&format!("runs/{run}/entities/")).await
    }

    /// The entities of one chunk.
    ///
    /// # Errors
    /// The store's own, and where the chunk is damaged.
    pub async fn chunk(&self, key: &str) -> Result<Vec<EntityId>, StorageError> {
        let object = self.storage.open(key).await?;
        let damaged = |text: String| StorageError::new(StorageErrorKind::Unavailable, "read", key, text);
        let bytes = object.content.read().map_err(|error| damaged(error.to_string()))?;
        let text = std::str::from_utf8(&bytes).map_err(|error| damaged(error.to_string()))?;
        text.lines().map(|line| EntityId::new(line).map_err(|error| damaged(error.to_string()))).collect()
    }
}
