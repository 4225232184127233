//! Explaining: the story of one entity, job by job.

use anyhow::bail;
use euterpe_actors::accounting::Forecaster;
use euterpe_actors::ids::EntityId;
use euterpe_actors::message::Force;
use euterpe_actors::plan::JobIx;

use super::Session;
use super::story::Story;
use crate::mistake::{Mistake, find_job};

impl Session {
    /// Tells of one job for an entity, or of all jobs that take it: what is there, what is not, why, and what a run would
    /// do.
    ///
    /// # Errors
    /// [`Mistake`] for a job that is not there or does not take the entity; what keeps the stores from being read.
    pub async fn explain(&self, entity: &EntityId, job: Option<&str>) -> anyhow::Result<Vec<Story>> {
        let jobs = self.jobs_of(entity, job)?;
        let run = self.workspace.next_run().await?;
        let forecaster = Forecaster::new(self.workspace.refreshing_view(run, (Force::None, None), None).await?);
        let mut stories = Vec::with_capacity(jobs.len());
        for at in jobs {
            stories.push(Story::of(self, &forecaster, at, entity).await?);
        }
        Ok(stories)
    }

    /// The jobs that take an entity, or the one that was named.
    fn jobs_of(&self, entity: &EntityId, job: Option<&str>) -> anyhow::Result<Vec<JobIx>> {
        let plan = &self.workspace.nodes;
        let takes = |at: &JobIx| plan.job(*at).form.split(entity).is_some();
        if let Some(name) = job {
            let at = find_job(plan, name)?;
            if !takes(&at) {
                bail!(Mistake(format!("job `{name}` takes ids of the form `{}`, not `{entity}`", plan.job(at).form)));
            }
            return Ok(vec![at]);
        }
        // The jobs that start with this form of id, and what hangs below them; else all that take it.
        let mut jobs: Vec<JobIx> = plan.job_indices().filter(takes).collect();
        let most = jobs.iter().map(|at| plan.job(*at).form.specificity()).max();
        jobs.retain(|at| Some(plan.job(*at).form.specificity()) == most);
        if jobs.is_empty() {
            let forms: Vec<String> = plan.jobs.iter().map(|job| format!("`{}`", job.form)).collect();
            bail!(Mistake(format!("no job takes the id `{entity}`; the jobs' forms are {}", forms.join(", "))));
        }
        Ok(jobs)
    }
}
