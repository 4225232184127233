//! Stamps: which run made an object, and the runs of all that it was made from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{JobName, RunId};

/// Travels with an object: a run for its job and for each ancestor job, and the hash of its content.
///
/// Written as JSON, so that a person can read it off the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The job that made the object.
    pub job: JobName,
    /// The run for that job and for each ancestor: for an ancestor the oldest among the inputs.
    pub runs: BTreeMap<JobName, RunId>,
    /// BLAKE3 of the content in hexadecimal; filled in by the store when it writes.
    #[serde(default)]
    pub hash: String,
}

impl Stamp {
    /// The run that made the object itself.
    pub fn run(&self) -> Option<RunId> {
        self.runs.get(&self.job).copied()
    }

    /// Whether each of `jobs` was run by `run` or later on the way to this object.
    pub fn covers<'a>(&self, jobs: impl IntoIterator<Item = &'a JobName>, run: RunId) -> bool {
        jobs.into_iter().all(|job| self.runs.get(job).is_some_and(|r| *r >= run))
    }

    /// Whether writing `self` over `placed` would lower a run: nothing may go backwards.
    ///
    /// The object's own run decides; where it is equal, the ancestors' do.
    pub fn is_older_than(&self, placed: &Stamp) -> bool {
        let order = self.run().cmp(&placed.run());
        order.is_lt()
            || (order.is_eq() && placed.runs.iter().any(|(job, run)| self.runs.get(job).is_some_and(|r| r < run)))
    }

    /// The text form.
    ///
    /// # Panics
    /// Never: names, ids and text always have a JSON form.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a stamp is plain names and text")
    }

    /// Reads the text form; an object whose stamp cannot be read counts as foreign.
    pub fn from_text(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}
