//! A job while it is being checked: from its written form, part by part, to the job of the plan.

use std::collections::BTreeMap;
use std::time::Duration;

use euterpe_actors::ids::{InputName, JobName};
use euterpe_actors::plan::{InputPlan, JobIx, OutputPlan, Route};
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::template::EntityForm;
use euterpe_actors::transform::Entry;

use crate::plan::{Job, Patterns, Python};
use crate::problem::Findings;
use crate::wording::printable;
use crate::written::{self, Claim, GraphFile, Isolation};

/// How long a try may take where the file does not say.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A job on its way from written to checked. A part that could not be resolved is `None`, and its problem is among the
/// findings.
pub struct Draft<'w> {
    /// The job as written.
    pub written: &'w written::Job,
    /// Its path in the file, such as `jobs.mix`.
    pub path: String,
    /// Its name.
    pub name: Option<JobName>,
    /// The form of its entities.
    pub form: Option<EntityForm>,
    /// The transform of the registry that it names. For a Python function it is `worker`, if the registry has it: a Python
    /// function can read the same extensions as any other program.
    pub entry: Option<&'w Entry>,
    /// The Python function that it names.
    pub python: Option<Python>,
    /// Its inputs, in the order of the file. A parent is named by its number in the file.
    pub inputs: Vec<Option<InputPlan>>,
    /// The patterns of its sources.
    pub patterns: BTreeMap<InputName, Patterns>,
    /// Its outputs, in the order of the file.
    pub outputs: Vec<Option<OutputPlan>>,
}

impl<'w> Draft<'w> {
    /// Begins with a written job: checks its name and the form of its entities.
    pub fn begin(job: &'w written::Job, findings: &Findings) -> Self {
        let path = format!("jobs.{}", printable(&job.name.value));
        let name = JobName::new(&job.name.value);
        if let Err(error) = &name {
            findings.add(job.name.position, path.clone(), error.to_string());
        }
        let form = match &job.entity {
            None => Some(EntityForm::default()),
            Some(text) => match EntityForm::parse(&text.value) {
                Ok(form) => Some(form),
                Err(error) => {
                    findings.add(text.position, format!("{path}.entity"), error.to_string());
                    None
                }
            },
        };
        Self {
            written: job,
            path,
            name: name.ok(),
            form,
            entry: None,
            python: None,
            patterns: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// The numbers of its parents in the file.
    pub fn parents(&self) -> Vec<usize> {
        let parent = |input: &InputPlan| match &input.from {
            Route::Job { job, .. } => Some(job.0),
            Route::Source { .. } => None,
        };
        self.inputs.iter().flatten().filter_map(parent).collect()
    }

    /// Whether its output was written as `out`.
    pub fn has_single_out(&self) -> bool {
        matches!(self.written.outputs.as_slice(), [one] if one.name.value == "out" && one.name.position == one.to.position)
    }

    /// The path of an output: `jobs.mix.out`, or `jobs.mix.outputs.left`.
    pub fn output_path(&self, name: &str) -> String {
        if self.has_single_out() {
            format!("{}.out", self.path)
        } else {
            format!("{}.outputs.{}", self.path, printable(name))
        }
    }

    /// The checked job; `None` where a part of it is missing. `order` holds the numbers in the file in the order of the plan.
    pub fn finish(&self, file: &GraphFile, order: &[usize]) -> Option<Job> {
        let mut inputs = self.inputs.iter().cloned().collect::<Option<Vec<InputPlan>>>()?;
        for input in &mut inputs {
            if let Route::Job { job, .. } = &mut input.from {
                *job = JobIx(order.iter().position(|at| *at == job.0)?);
            }
        }
        let written = self.written;
        let (own, defaults) = (written.settings, file.defaults);
        let retry = RetryPolicy::default();
        Some(Job {
            name: self.name.clone()?,
            position: written.name.position,
            transform: match &written.work {
                Some(written::Work::Use(name) | written::Work::Python(name, _)) => name.value.clone(),
                None => return None,
            },
            python: self.python.clone(),
            options: written.with.options.clone(),
            form: self.form.clone()?,
            inputs,
            patterns: self.patterns.clone(),
            outputs: self.outputs.iter().cloned().collect::<Option<Vec<_>>>()?,
            output_names: written.outputs.iter().map(|output| output.name.value.clone()).collect(),
            workers: written.pool.workers,
            memory: written.pool.memory,
            recycle_after: written.pool.recycle_after,
            timeout: self.timeout(file),
            retry: RetryPolicy {
                retries: own.retries.or(defaults.retries).unwrap_or(retry.retries),
                backoff: own.backoff.or(defaults.backoff).unwrap_or(retry.backoff),
            },
            claim: own.claim.or(defaults.claim).unwrap_or(Claim::Auto) == Claim::Auto,
            isolate: own.isolation.or(defaults.isolation) == Some(Isolation::Process),
            version: written.version.clone(),
        })
    }

    /// How long one try may take.
    pub fn timeout(&self, file: &GraphFile) -> Duration {
        self.written.settings.timeout.or(file.defaults.timeout).unwrap_or(TIMEOUT)
    }
}
