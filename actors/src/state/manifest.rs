//! Manifests: what a run was asked to do, written before its messages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::store::StateStore;
use crate::ids::{EntityId, JobName, RunId};
use crate::message::{Force, GraphDigest};
use crate::points::reach;
use crate::refresh::Refresh;
use crate::storage::{Content, StorageError};

/// What a run was asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The run.
    pub run: RunId,
    /// The name of the graph.
    pub graph: String,
    /// The name of its file, where there is one; none in manifests of former versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The digest of the graph, as messages carry it.
    pub digest: GraphDigest,
    /// What was asked for.
    pub selection: Selection,
    /// The wave of its top-down messages.
    pub wave: u64,
    /// The graph as it was resolved, for people.
    pub resolved: serde_json::Value,
    /// The stores that were put elsewhere than the graph file says, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given: BTreeMap<String, String>,
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
    /// What is made anew although it is there; none where the graph file decides, as in manifests of former versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Refresh>,
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
    /// The longest works, the slowest first; none where the record is of a version that did not note them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slowest: Vec<Slow>,
}

/// One work that took long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slow {
    /// The job.
    pub job: JobName,
    /// The entity.
    pub entity: EntityId,
    /// How long one try took, in milliseconds.
    pub millis: u64,
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
    /// How long its works took, added up, in milliseconds; failed tries count too.
    #[serde(default)]
    pub millis: u64,
}

/// The key of a run's manifest.
pub fn manifest_key(run: RunId) -> String {
    format!("runs/{run}/manifest.json")
}

/// The ids of a run in numbers, whatever their order: how many, and a sum over them, so that one that is lost, added or
/// another one is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdSum {
    /// How many there are.
    pub count: u64,
    sum: u64,
}

impl IdSum {
    /// Adds an id.
    pub fn add(&mut self, id: &EntityId) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(xxhash_rust::xxh3::xxh3_64(id.as_str().as_bytes()));
    }
}

/// That a run has read all of its ids.
#[derive(Serialize, Deserialize)]
struct AllRead {
    /// Entities that it met.
    entities: u64,
    /// Former versions did not record them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ids: Option<IdSum>,
}

fn read_key(run: RunId) -> String {
    format!("runs/{run}/read.json")
}

/// The key of the log of a run: an object in each line.
pub fn log_key(run: RunId) -> String {
    format!("runs/{run}/log.jsonl")
}

/// The key of the log that a former version kept of a run: text for people.
fn former_log_key(run: RunId) -> String {
    format!("runs/{run}/log.txt")
}

impl StateStore {
    /// The key under which the log of a run lies, also where a former version wrote it; none where it has none.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn find_log(&self, run: RunId) -> Result<Option<String>, StorageError> {
        for key in [log_key(run), former_log_key(run)] {
            if self.storage().look(&key).await?.is_some() {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// Writes the manifest of a run, before its first entity.
    ///
    /// # Errors
    /// The store's own; then the run must not start.
    pub async fn begin_run(&self, manifest: &Manifest) -> Result<(), StorageError> {
        reach("before_manifest");
        self.put(&manifest_key(manifest.run), manifest).await?;
        reach("after_manifest");
        Ok(())
    }

    /// Records that all entities of a run stand in its chunks: `entities` were met, and these ids written.
    ///
    /// # Errors
    /// The store's own.
    pub async fn close_entities(&self, run: RunId, entities: u64, ids: IdSum) -> Result<(), StorageError> {
        self.put(&read_key(run), &AllRead { entities, ids: Some(ids) }).await
    }

    /// The ids that the chunks of a run hold where nothing was lost of them. None where that was not recorded: by former
    /// versions, or by a run that was ended while it still read ids.
    ///
    /// # Errors
    /// The store's own.
    pub async fn written_ids(&self, run: RunId) -> Result<Option<IdSum>, StorageError> {
        let record: Option<AllRead> = self.get(&read_key(run)).await?;
        Ok(record.and_then(|record| record.ids))
    }

    /// Whether all entities of a run stand in its chunks: otherwise it was ended while it still read them, or the record of
    /// it is damaged.
    ///
    /// # Errors
    /// The store's own.
    pub async fn has_all_entities(&self, run: RunId) -> Result<bool, StorageError> {
        Ok(self.get::<AllRead>(&read_key(run)).await?.is_some())
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

    /// Keeps the log of a run that was written to a file.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keep_log(&self, run: RunId, file: &Path) -> Result<(), StorageError> {
        self.storage.store(&log_key(run), Content::File(file.to_owned()), None).await.map(|_| ())
    }

    /// The runs that have a manifest, oldest first.
    ///
    /// # Errors
    /// The store's own.
    pub async fn runs(&self) -> Result<Vec<RunId>, StorageError> {
        let mut runs = Vec::new();
        self.storage
            .list("runs/", &mut |page| {
                runs.extend(page.paths().filter_map(|path| {
                    path.strip_prefix("runs/")?.strip_suffix("/manifest.json")?.parse::<RunId>().ok()
                }));
                true
            })
            .await?;
        runs.sort_unstable();
        Ok(runs)
    }

    /// All runs that have any record, oldest first.
    ///
    /// # Errors
    /// The store's own.
    pub async fn known_runs(&self) -> Result<BTreeSet<RunId>, StorageError> {
        let run = |key: &String| key.strip_prefix("runs/")?.split('/').next()?.parse().ok();
        Ok(self.keys("runs/").await?.iter().filter_map(run).collect())
    }

    /// Runs whose ids are there, and whose manifest is not: somebody removed it, or lost it. Oldest first.
    ///
    /// # Errors
    /// The store's own.
    pub async fn runs_without_manifest(&self) -> Result<BTreeSet<RunId>, StorageError> {
        let (mut with_ids, mut with_manifest) = (BTreeSet::new(), BTreeSet::new());
        for key in self.keys("runs/").await? {
            let Some((run, record)) = key.strip_prefix("runs/").and_then(|key| key.split_once('/')) else { continue };
            let Ok(run) = run.parse::<RunId>() else { continue };
            match record {
                "manifest.json" => drop(with_manifest.insert(run)),
                "read.json" => drop(with_ids.insert(run)),
                _ if record.starts_with("entities/") => drop(with_ids.insert(run)),
                _ => {}
            }
        }
        Ok(&with_ids - &with_manifest)
    }

    /// The manifest of a run, if it is there and can be read.
    ///
    /// # Errors
    /// The store's own.
    pub async fn manifest(&self, run: RunId) -> Result<Option<Manifest>, StorageError> {
        self.get(&manifest_key(run)).await
    }

    /// How a run ended, if it did and its record can be read.
    ///
    /// # Errors
    /// The store's own.
    pub async fn run_end(&self, run: RunId) -> Result<Option<RunEnd>, StorageError> {
        self.get(&format!("runs/{run}/end.json")).await
    }
}
