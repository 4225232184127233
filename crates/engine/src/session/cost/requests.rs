//! Requests to buckets, by the number of works. The unit costs are those that a server which counts is met with: the tests of
//! buckets compare them.

use std::collections::BTreeMap;

use euterpe_actors::ids::StoreName;
use euterpe_actors::plan::{NodePlan, Route};
use euterpe_graph_file::plan::Location;

use super::JobCost;
use crate::session::Session;
use crate::session::forecast::Forecast;

/// How many names a request for a listing brings.
const LISTED: u64 = 1000;

/// Requests to a bucket: those that are billed alike are one number. Removing costs nothing there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// For a thousand names each.
    pub lists: u64,
    /// What asks for an object, or whether it is there.
    pub reads: u64,
    /// What puts an object, or a part of it.
    pub writes: u64,
}

impl Requests {
    /// Both.
    pub fn and(self, other: &Self) -> Self {
        Self { lists: self.lists + other.lists, reads: self.reads + other.reads, writes: self.writes + other.writes }
    }
}

impl Session {
    /// The requests to each store that is a bucket.
    pub(super) fn requests(&self, forecast: &Forecast, jobs: &[JobCost]) -> BTreeMap<StoreName, Requests> {
        let stores = &self.workspace.plan.stores;
        let buckets = stores.iter().filter(|store| matches!(store.location, Location::S3 { .. }));
        let mut requests: BTreeMap<StoreName, Requests> =
            buckets.map(|store| (store.name.clone(), Requests::default())).collect();
        add(&self.workspace.nodes, forecast, jobs, &mut requests);
        requests
    }
}

/// To look whether an output is there: where it is not, the bucket is asked for itself.
const OF_OUTPUT: u64 = 2;
/// To find a source, read it, and see that it was not replaced meanwhile: before its output is written, and after.
const OF_SOURCE: u64 = 4;
/// To look for what another job made. It is read where it was made by another node: here it is kept.
const OF_PARENT: u64 = 1;
/// To look for the output and the inputs when one of several parents has passed the entity on, and the others have not.
const OF_WAIT: u64 = 4;

fn add(nodes: &NodePlan, forecast: &Forecast, jobs: &[JobCost], requests: &mut BTreeMap<StoreName, Requests>) {
    for ((at, row), cost) in nodes.job_indices().zip(&forecast.jobs).zip(jobs) {
        let (job, works) = (nodes.job(at), cost.works);
        for output in &job.outputs {
            if let Some(of) = requests.get_mut(&output.store) {
                of.lists += (row.have + works).div_ceil(LISTED).max(1);
                of.reads += OF_OUTPUT * works;
                of.writes += works;
            }
        }
        let parents = nodes.jobs.iter().filter(|parent| parent.children.contains(&at)).count() as u64;
        if let Some(of) = requests.get_mut(&job.outputs[0].store) {
            of.reads += OF_WAIT * works * parents.saturating_sub(1);
        }
        for input in &job.inputs {
            let (store, reads) = match &input.from {
                Route::Source { store, .. } => (store, OF_SOURCE),
                Route::Job { job, output, .. } => (&nodes.job(*job).outputs[*output].store, OF_PARENT),
            };
            if let Some(of) = requests.get_mut(store) {
                of.reads += reads * works;
                if reads == OF_SOURCE {
                    of.lists += forecast.entities.div_ceil(LISTED).max(1);
                }
            }
        }
    }
}
