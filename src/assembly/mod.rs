//! From the graph file's plan to the plan of a node: the only place that sees both configuration and actors.

mod catalog;
mod opened;

use euterpe_actors::plan::JobSpec;
use euterpe_actors::transform::TransformFactory;

pub use opened::{Access, Opened, Opening, STATE_FOLDER, now, salt};

use crate::config::plan::{Job, Plan};
use crate::transform::isolated::{Recipe, isolated};
use crate::transform::{OpenContext, OutputShape, Registry};

/// What the actors need to know of each job, parents first; `factory` opens a job's transform.
///
/// `cores` are the workers of a job whose pool does not name a number.
///
/// # Errors
/// The first error of `factory`.
pub fn to_specs<E>(
    plan: &Plan,
    cores: usize,
    mut factory: impl FnMut(&Job) -> Result<TransformFactory, E>,
) -> Result<Vec<JobSpec>, E> {
    let spec = |job: &Job| {
        Ok(JobSpec {
            name: job.name.clone(),
            form: job.form.clone(),
            inputs: job.inputs.clone(),
            outputs: job.outputs.clone(),
            transform: factory(job)?,
            workers: job.workers.unwrap_or(cores).max(1),
            timeout: job.timeout,
            retry: job.retry,
            claim: job.claim,
            settings: job.settings_digest(),
        })
    };
    plan.jobs.iter().map(spec).collect()
}

/// Opens the transform of a job of `plan`.
///
/// # Errors
/// What is wrong with its options; the checks of the graph file have told the same before.
pub fn open(registry: &Registry, plan: &Plan, job: &Job) -> anyhow::Result<TransformFactory> {
    let entry = registry.find(&job.transform);
    let entry = entry.ok_or_else(|| anyhow::anyhow!("no transform named `{}`", job.transform))?;
    let context = OpenContext {
        inputs: job.inputs.iter().map(|input| input.name.to_string()).collect(),
        outputs: job.shapes().into_iter().map(|(name, suffix)| OutputShape { name, suffix }).collect(),
        timeout: job.timeout,
        folder: plan.folder.clone(),
    };
    let here = entry.open(&job.options, &context).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("job `{}` cannot be opened: {}", job.name, problems.join("; "))
    })?;
    if entry.has_own_process() {
        return Ok(here);
    }
    let (transform, with) = (job.transform.clone(), job.options.clone());
    Ok(isolated(here, Recipe { transform, with, context, memory: job.memory }, job.isolate))
}
