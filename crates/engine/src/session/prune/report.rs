//! What was found, in numbers.

use std::collections::BTreeMap;

use anyhow::Error;
use euterpe_actors::ids::JobName;
use euterpe_actors::storage::StorageError;

use super::spool::Candidate;
use super::verdict::{LeftAlone, Verdict, WhyPruned};

/// So many outputs may go although they are more than those that stay: a small catalogue, or an experiment.
const FEW: u64 = 20;

/// How many examples there are of each kind.
const EXAMPLES: usize = 3;

/// How much was found of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PruneFound {
    /// How many objects.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Some of them.
    pub examples: Vec<String>,
}

impl PruneFound {
    fn add(&mut self, candidate: &Candidate, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
        if self.examples.len() < EXAMPLES {
            self.examples.push(candidate.to_string());
        }
    }
}

/// What nothing accounts for.
#[derive(Clone, Debug, Default)]
pub struct Pruned {
    /// What is to go, by job and reason.
    pub found: BTreeMap<(JobName, WhyPruned), PruneFound>,
    /// What is left alone.
    pub left: BTreeMap<LeftAlone, PruneFound>,
    /// How many objects of these stores are accounted for.
    pub kept: u64,
    /// How many were removed.
    pub removed: u64,
    /// How many were to be removed, and were accounted for again when it came to that, or gone.
    pub came_back: u64,
    /// What could not be looked at or removed.
    pub problems: Vec<String>,
}

impl Pruned {
    pub(super) fn add(&mut self, candidate: &Candidate, verdict: Result<Verdict, StorageError>) {
        match verdict {
            Ok(Verdict::Prune(job, why, bytes)) => self.found.entry((job, why)).or_default().add(candidate, bytes),
            Ok(Verdict::Leave(kind, bytes)) => self.left.entry(kind).or_default().add(candidate, bytes),
            Ok(Verdict::Keep) => self.kept += 1,
            Ok(Verdict::Pass) => {}
            Err(error) => self.problems.push(format!("{:#}", Error::from(error).context(candidate.to_string()))),
        }
    }

    /// How many are to go.
    pub fn count(&self) -> u64 {
        self.found.values().map(|found| found.count).sum()
    }

    /// Their bytes.
    pub fn bytes(&self) -> u64 {
        self.found.values().map(|found| found.bytes).sum()
    }

    /// How many are to go because their sources are gone.
    pub fn without_entity(&self) -> u64 {
        let gone = |why: WhyPruned| matches!(why, WhyPruned::SourceGone | WhyPruned::Foreign);
        self.found.iter().filter(|((_, why), _)| gone(*why)).map(|(_, found)| found.count).sum()
    }

    /// Whether that is most of what the graph has made: a disk that is not mounted looks like this.
    pub fn is_most(&self) -> bool {
        self.without_entity() > self.kept.max(FEW)
    }
}
