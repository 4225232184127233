//! The setups of other publishers that a node has read, and which of their differences it has told.

use std::sync::Arc;

use dashmap::{DashMap, DashSet};

use crate::message::SetupDigest;
use crate::plan::JobIx;
use crate::setup::Setup;

/// How many setups are remembered; each edit of a graph file makes one.
const MOST: usize = 256;

/// Setups that are not this node's own.
#[derive(Debug, Default)]
pub(crate) struct OtherSetups {
    read: DashMap<SetupDigest, Arc<Setup>>,
    told: DashSet<(SetupDigest, JobIx)>,
    fit: DashSet<(SetupDigest, JobIx)>,
}

impl OtherSetups {
    /// A setup that was read before.
    pub fn known(&self, digest: SetupDigest) -> Option<Arc<Setup>> {
        self.read.get(&digest).map(|setup| setup.clone())
    }

    /// Remembers one. That there is none is never remembered.
    pub fn learn(&self, digest: SetupDigest, setup: Arc<Setup>) {
        if self.read.len() >= MOST {
            self.read.clear();
        }
        self.read.insert(digest, setup);
    }

    /// Remembers that a setup means the same by a job as this node's own.
    pub fn fits(&self, digest: SetupDigest, job: JobIx) {
        if self.fit.len() >= MOST * 64 {
            self.fit.clear();
        }
        self.fit.insert((digest, job));
    }

    /// Whether that is remembered.
    pub fn is_fit(&self, digest: SetupDigest, job: JobIx) -> bool {
        self.fit.contains(&(digest, job))
    }

    /// Whether a difference is to be told: once for each setup and job.
    pub fn is_news(&self, digest: SetupDigest, job: JobIx) -> bool {
        if self.told.len() >= MOST * 64 {
            self.told.clear();
        }
        self.told.insert((digest, job))
    }
}
