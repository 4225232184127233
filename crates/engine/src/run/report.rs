//! What nodes report: how each message ended, for whoever follows its run; how each job is, for whoever asks.
//!
//! Reports are kept nowhere and may be lost. Nothing rests on them: who misses some looks at storage.

use std::collections::BTreeMap;

use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::outcome::{Outcome, Reason};
use euterpe_actors::setup::Setup;
use serde::{Deserialize, Serialize};

/// How messages of one run ended on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    /// The node.
    pub node: String,
    /// The run.
    pub run: RunId,
    /// How many reports of this run this node sent before.
    pub number: u64,
    /// In the order in which they ended.
    pub notes: Vec<Note>,
}

/// How one message ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Its job.
    pub job: JobName,
    /// Its entity.
    pub entity: EntityId,
    /// The conclusion.
    pub outcome: Outcome,
    /// Why, where the outcome has a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The same as a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Tries that failed before.
    #[serde(default, skip_serializing_if = "is_none")]
    pub attempt: u32,
    /// How long the transform worked for it, in milliseconds; none where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
}

fn is_none(attempts: &u32) -> bool {
    *attempts == 0
}

/// How one node is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    /// Its name.
    pub node: String,
    /// For how many seconds it has served.
    pub seconds: u64,
    /// Whether it takes no more: it was told to stop.
    pub draining: bool,
    /// Bytes of buckets that it read from its own disk instead of downloading them.
    #[serde(default)]
    pub not_downloaded_bytes: u64,
    /// The jobs that it serves.
    pub jobs: BTreeMap<JobName, JobReport>,
    /// What it means by its words; nodes of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<Setup>,
    /// The version of its program; nodes of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// How one job is on one node. Counts are since the node started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    /// Its workers.
    pub workers: usize,
    /// Entities that a transform is working on.
    pub in_work: usize,
    /// For how many seconds the longest of these has been worked on.
    pub longest: u64,
    /// Which entity that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longest_entity: Option<EntityId>,
    /// For how many seconds the message that came last had waited in its queue.
    #[serde(default)]
    pub waited: u64,
    /// Made.
    pub done: u64,
    /// There before.
    pub exists: u64,
    /// Declined.
    pub skipped: u64,
    /// Failed for good.
    pub dead: u64,
    /// Tries that failed and were followed by another.
    pub retried: u64,
    /// Messages that were put off.
    pub parked: u64,
    /// What its worker processes said of their packages, by name, each with its version; empty until one has begun.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packages: BTreeMap<String, String>,
}

/// The key of the reports of a run.
pub fn run_key(run: RunId) -> String {
    format!("run.{run}")
}

/// The key of the reports of all runs.
pub const ANY_RUN: &str = "run.#";

/// The key of the reports of nodes.
pub const NODE_KEY: &str = "node";
