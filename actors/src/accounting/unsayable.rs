//! What a run asked for and the graph at hand cannot say: jobs that are gone, ids that no job takes. It is open, never done.

use crate::addressing::origins;
use crate::ids::{EntityId, JobName};
use crate::message::Force;
use crate::plan::NodePlan;
use crate::state::Selection;

/// The jobs that a selection names and that the graph has no more. A ping asks for no job.
pub fn gone_jobs(plan: &NodePlan, selection: &Selection) -> Vec<JobName> {
    if selection.ping {
        return Vec::new();
    }
    let forced: &[JobName] = match &selection.force {
        Force::Jobs(jobs) => jobs,
        Force::None | Force::All => &[],
    };
    let named = selection.job.iter().chain(selection.only.iter().flatten()).chain(forced);
    let mut gone: Vec<JobName> = named.filter(|job| plan.find(job.as_str()).is_none()).cloned().collect();
    gone.sort_unstable();
    gone.dedup();
    gone
}

/// Whether an entity of a selection has a form that its job, or any job, takes. A named job that is gone takes none.
pub fn is_taken(plan: &NodePlan, selection: &Selection, entity: &EntityId) -> bool {
    let origins = origins(plan, selection, entity);
    !origins.is_empty() && origins.iter().all(|at| plan.job(*at).form.split(entity).is_some())
}
