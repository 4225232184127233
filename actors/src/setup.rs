//! What a run or a node means by its words: which graph, what each job does, which places the stores are.
//!
//! A message carries the digest of its publisher's setup. A node whose own setup has another digest reads the publisher's
//! from the records, and works on the message only where both mean the same by its job.

mod differences;
mod identity;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{JobName, StoreName};
use crate::message::{GraphDigest, SetupDigest};
use crate::plan::{NodePlan, Route};

pub use differences::Difference;
pub use identity::is_empty;

/// What a run or a node means by its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Jobs, edges, entity forms and output templates.
    pub graph: GraphDigest,
    /// Its jobs.
    pub jobs: BTreeMap<JobName, JobSetup>,
    /// The stores that its jobs read and write.
    pub stores: BTreeMap<StoreName, StoreIdentity>,
    /// Where its records lie.
    pub state: StoreIdentity,
}

/// A setup with its digest: what a node compares each message with.
#[derive(Debug)]
pub struct OwnSetup {
    /// The setup.
    pub setup: Setup,
    /// Its digest.
    pub digest: SetupDigest,
}

/// What one job means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSetup {
    /// Digest of its entity form, its inputs and its outputs, in hexadecimal.
    shape: String,
    /// Digest of what its transform does: its name, its options, its code. In hexadecimal.
    recipe: String,
    /// The stores that it reads and writes.
    stores: Vec<StoreName>,
}

/// Which place a store is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreIdentity {
    /// What the store says of itself; nothing where nobody wrote that there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its folder or URL. It decides only where one of two stores has no id.
    pub place: String,
    /// Whether a store that is only read held nothing: what shows where a disk is not mounted yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_empty: bool,
    /// Whether links that lead out of a folder are followed; none for a bucket, and where a former version does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows_links: Option<bool>,
}

impl StoreIdentity {
    /// Whether both are the same place, as far as they can tell.
    pub fn is(&self, other: &Self) -> bool {
        match (&self.id, &other.id) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => self.place == other.place,
        }
    }

    /// Whether another store lies in its place, as it is seen later. A place that does not say which one it is counts as the
    /// same.
    pub fn is_replaced_by(&self, now: &Self) -> bool {
        self.id.is_some() && now.id.is_some() && self.id != now.id
    }

    /// What tells it from others.
    fn key(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.place)
    }
}

impl Setup {
    /// The setup of `plan`, whose jobs have these recipes and whose stores are these places.
    pub fn new(
        plan: &NodePlan,
        recipe: impl Fn(&JobName) -> String,
        stores: BTreeMap<StoreName, StoreIdentity>,
        state: StoreIdentity,
    ) -> Self {
        let job = |at| {
            let job = plan.job(at);
            let mut stores: Vec<StoreName> = job.outputs.iter().map(|output| output.store.clone()).collect();
            stores.extend(job.inputs.iter().map(|input| match &input.from {
                Route::Source { store, .. } => store.clone(),
                Route::Job { job, output, .. } => plan.job(*job).outputs[*output].store.clone(),
            }));
            stores.sort_unstable();
            stores.dedup();
            (
                job.name.clone(),
                JobSetup { shape: format!("{:016x}", plan.shape(at)), recipe: recipe(&job.name), stores },
            )
        };
        Self { graph: plan.digest, jobs: plan.job_indices().map(job).collect(), stores, state }
    }

    /// The setup as a node's or publisher's own.
    pub fn own(self) -> OwnSetup {
        OwnSetup { digest: self.digest(), setup: self }
    }

    /// Its digest: equal for two setups that mean the same.
    pub fn digest(&self) -> SetupDigest {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        let mut put = |text: &str| {
            hasher.update(text.as_bytes());
            hasher.update(b"\n");
        };
        put(&format!("{:016x}", self.graph.0));
        for (name, job) in &self.jobs {
            [name.as_str(), &job.shape, &job.recipe].into_iter().for_each(&mut put);
        }
        for (name, store) in &self.stores {
            [name.as_str(), store.key()].into_iter().for_each(&mut put);
            if store.is_empty {
                put("empty");
            }
            if store.follows_links == Some(true) {
                put("follows links");
            }
        }
        put(self.state.key());
        SetupDigest(hasher.digest().max(1))
    }
}
