//! Is an output fresh for a message, or is it to be redone? Force compares runs on stamps; it is not a flag.

use crate::ids::{JobName, RunId};
use crate::message::Force;
use crate::mutants::{Mutant, active};
use crate::plan::{JobIx, NodePlan};
use crate::storage::ObjectInfo;

/// What a message demands of a job's output beyond its being there.
#[derive(Debug)]
pub struct Demand<'p> {
    job: &'p JobName,
    forced: Vec<&'p JobName>,
    run: RunId,
}

impl<'p> Demand<'p> {
    /// What `force` of `run` demands of an output of the job at `at`: that the job and its ancestors, as far as `force`
    /// names them, ran in `run` or later.
    pub fn new(plan: &'p NodePlan, at: JobIx, force: &Force, run: RunId) -> Self {
        let job = &plan.job(at).name;
        let forced = match force {
            Force::None => Vec::new(),
            _ => {
                let above = plan.job(at).ancestors.iter().map(|a| &plan.job(*a).name);
                std::iter::once(job).chain(above).filter(|name| force.names(name)).collect()
            }
        };
        Self { job, forced, run }
    }

    /// Whether it is enough that the output is there.
    pub fn is_presence(&self) -> bool {
        self.forced.is_empty()
    }

    /// Whether an object that is there is fresh. A foreign object is fresh only where nothing is forced.
    pub fn is_met_by(&self, found: &ObjectInfo) -> bool {
        if active(Mutant::BareForce) {
            let bare_flag = self.forced.contains(&self.job);
            return !bare_flag || found.stamp.as_ref().and_then(|s| s.run()).is_some_and(|run| run >= self.run);
        }
        self.forced.is_empty()
            || found.stamp.as_ref().is_some_and(|stamp| stamp.covers(self.forced.iter().copied(), self.run))
    }
}
