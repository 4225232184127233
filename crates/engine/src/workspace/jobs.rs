//! The jobs of a plan as the actors need them, each with its transform opened.

use std::path::PathBuf;
use std::sync::Arc;

use euterpe_actors::outcome::Fault;
use euterpe_actors::plan::JobSpec;
use euterpe_actors::storage::Stores;
use euterpe_actors::transform::TransformFactory;

use euterpe_actors::transform::{OpenContext, OptionProblem, Registry};
#[cfg(feature = "python")]
use euterpe_graph_file::plan as config;
use euterpe_graph_file::plan::{Job, Plan};
use euterpe_processes::{
    COMMAND, JobCode, Launcher, TransformSpec, WORKER, command_transform, isolated, worker_launcher,
};
#[cfg(feature = "python")]
use euterpe_processes::{Interpreter, PythonFunction};

#[cfg(not(feature = "python"))]
use super::without_python;

/// What the actors need to know of each job, parents first; `factory` opens a job's transform.
///
/// `cores` are the workers of a job whose pool does not name a number.
///
/// # Errors
/// The first error of `factory`.
pub(super) fn to_specs<E>(
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

/// The same, with outputs named as their stores can hold it.
pub(super) fn with_names(mut specs: Vec<JobSpec>, stores: &Stores) -> Vec<JobSpec> {
    for output in specs.iter_mut().flat_map(|spec| &mut spec.outputs) {
        output.key = output.key.clone().in_store(stores.get(&output.store).name_rules());
    }
    specs
}

/// Where the transforms of a graph work.
#[derive(Clone, Debug)]
pub struct Workplace {
    /// The cores that all pools share.
    pub cores: usize,
    /// Where environments and packages of worker processes lie, for all graphs of a state folder.
    pub kept: PathBuf,
    /// Where private folders are made.
    pub scratch: PathBuf,
}

/// The transform of a job, opened.
pub(super) struct Transforming {
    /// Builds it for each worker.
    pub factory: TransformFactory,
    /// What starts its worker processes, where it has such.
    pub launcher: Option<Arc<Launcher>>,
    /// The files that it is made of, where it has such.
    pub code: Option<Arc<JobCode>>,
}

/// Opens the transform of a job of `plan`.
///
/// # Errors
/// What is wrong with its options; the checks of the graph file have told the same before.
pub(super) fn open(registry: &Registry, plan: &Plan, job: &Job, place: &Workplace) -> anyhow::Result<Transforming> {
    let context = context(plan, job, place);
    let refused = |problems: Vec<OptionProblem>| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("job `{}` cannot be opened: {}", job.name, problems.join("; "))
    };
    let by_workers = |launcher: Arc<Launcher>| Transforming {
        factory: launcher.factory(),
        code: Some(launcher.code().clone()),
        launcher: Some(launcher),
    };
    if let Some(written) = &job.python {
        #[cfg(not(feature = "python"))]
        let launcher = Err(without_python::refusal(written));
        #[cfg(feature = "python")]
        let launcher =
            python(&job.transform, written).launcher(&job.options, &context, &place.kept, registry.samples());
        let problem = |fault: Fault| refused(vec![OptionProblem::new("", fault.text)]);
        return launcher.map(by_workers).map_err(problem);
    }
    if job.transform == WORKER {
        return worker_launcher(&job.options, &context, registry.samples()).map(by_workers).map_err(refused);
    }
    if job.transform == COMMAND {
        let (factory, code) = command_transform(&job.options, &context).map_err(refused)?;
        return Ok(Transforming { factory, launcher: None, code: Some(code) });
    }
    let entry = registry.find(&job.transform);
    let entry = entry.ok_or_else(|| anyhow::anyhow!("no transform named `{}`", job.transform))?;
    let here = entry.open(&job.options, &context).map_err(refused)?;
    if entry.has_own_process() {
        return Ok(Transforming { factory: here, launcher: None, code: None });
    }
    let (transform, with) = (job.transform.clone(), job.options.clone());
    let factory = isolated(here, TransformSpec { transform, with, context, memory: job.memory }, job.isolate);
    Ok(Transforming { factory, launcher: None, code: None })
}

fn context(plan: &Plan, job: &Job, place: &Workplace) -> OpenContext {
    OpenContext {
        job: job.name.to_string(),
        inputs: job.inputs.iter().map(|input| input.name.to_string()).collect(),
        optional: job.optional_inputs(),
        outputs: job.shapes(),
        timeout: job.timeout,
        folder: plan.folder.clone(),
        threads: threads(job, place),
        memory: job.memory,
        recycle_after: job.recycle_after,
        homes: place.scratch.clone(),
    }
}

/// How many threads one worker of a job may start: the pool's share of the cores.
pub fn threads(job: &Job, place: &Workplace) -> usize {
    (place.cores / job.workers.unwrap_or(place.cores).max(1)).max(1)
}

/// A Python function of the plan as a transform.
#[cfg(feature = "python")]
pub fn python(written: &str, python: &config::Python) -> PythonFunction {
    PythonFunction {
        written: written.to_owned(),
        file: python.file.clone(),
        function: python.function.clone(),
        interpreter: match &python.interpreter {
            config::Interpreter::Machine => Interpreter::Machine,
            config::Interpreter::Program(program) => Interpreter::Program(program.clone()),
            config::Interpreter::Venv(folder) => Interpreter::Venv(folder.clone()),
            config::Interpreter::Requirements(file) => Interpreter::Requirements(file.clone()),
        },
        variables: python.variables.clone(),
        inherit: python.inherit.clone(),
    }
}
