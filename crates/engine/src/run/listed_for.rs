//! For whom a source is listed: the jobs that read their ids from it. A name in it whose id goes to others alone is not theirs.

use std::sync::Arc;

use euterpe_actors::ids::EntityId;
use euterpe_actors::plan::{JobIx, NodePlan};

/// The jobs for which a source is listed.
#[derive(Clone, Debug)]
pub struct ListedFor {
    plan: Arc<NodePlan>,
    jobs: Vec<JobIx>,
    /// Whether every id goes to these jobs, whatever its form.
    goes_here: bool,
}

/// To whom an id goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GoesTo {
    /// To one of the jobs.
    Them,
    /// To jobs whose form is more specific than that of this one, which could take it.
    Others(String),
    /// None of the jobs could take it; a sentence that says why.
    Unfit(String),
}

impl ListedFor {
    /// Lists for `job`. With `is_named` the run starts at a job that somebody named, and all ids go there.
    pub(super) fn new(plan: Arc<NodePlan>, job: JobIx, is_named: bool) -> Self {
        // Where all jobs that start a run take every id, it goes to all of them.
        let mut forms = plan.job_indices().filter(|at| !plan.has_same_parent(*at)).map(|at| &plan.job(at).form);
        let goes_here = is_named || forms.all(|form| form.names().is_empty());
        Self { plan, jobs: vec![job], goes_here }
    }

    /// Lists for another job of the same graph too.
    pub(super) fn add(&mut self, job: JobIx) {
        if !self.jobs.contains(&job) {
            self.jobs.push(job);
        }
    }

    /// To whom an id of the source goes.
    pub(super) fn goes(&self, id: &EntityId) -> GoesTo {
        if self.goes_here || self.plan.origins_of(id).iter().any(|at| self.jobs.contains(at)) {
            return GoesTo::Them;
        }
        let mut jobs = self.jobs.iter().map(|at| self.plan.job(*at));
        if let Some(job) = jobs.clone().find(|job| job.form.split(id).is_some()) {
            return GoesTo::Others(job.name.to_string());
        }
        let why = jobs.next().map(|job| format!("job `{}` takes ids of the form `{}`", job.name, job.form));
        GoesTo::Unfit(why.unwrap_or_default())
    }
}
