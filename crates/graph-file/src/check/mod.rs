//! Checks the written form and resolves it into a plan: one file for each kind of rule.

mod clash;
mod edges;
mod outputs;
mod pattern;
mod python;
mod references;
mod stores;
mod transforms;

use std::path::Path;
use std::time::Duration;

use euterpe_actors::ids::JobName;
use euterpe_actors::plan::{InputPlan, JobIx, OutputPlan, Route};
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::template::EntityForm;

use super::cases::{self, Wrong};
use super::catalog::Facts;
use super::plan::{Job, Plan, Python, Store};
use super::problem::{Findings, printable};
use super::written::{self, Claim, GraphFile, Isolation};
use super::{Surroundings, folder_of};
use crate::order;
pub(super) use stores::bucket;

/// The most jobs of a graph.
const MOST_JOBS: usize = 500;
/// The longest path of a graph, in edges: a request carries one frame for each.
const MOST_DEPTH: usize = 32;
/// How long a try may take where the file does not say.
const TIMEOUT: Duration = Duration::from_secs(600);

/// A job on its way from written to checked. What could not be resolved is none, and its problem is told.
struct Draft<'w> {
    written: &'w written::Job,
    path: String,
    name: Option<JobName>,
    form: Option<EntityForm>,
    facts: Option<Facts>,
    python: Option<Python>,
    /// As in the file; a parent is a place in the file.
    inputs: Vec<Option<InputPlan>>,
    outputs: Vec<Option<OutputPlan>>,
}

/// Checks a whole file. None only where nothing can be planned; what is wrong goes to `findings`.
pub fn check(file: &GraphFile, path: &Path, around: Surroundings<'_>, findings: &Findings) -> Option<Plan> {
    let folder = folder_of(path);
    if let Some(graph) = &file.graph
        && let Err(error) = JobName::new(&graph.value)
    {
        findings.add(graph.place, "graph", error.to_string());
    }
    if file.jobs.len() > MOST_JOBS {
        let place = file.jobs[MOST_JOBS].name.place;
        findings.add(place, "jobs", format!("a graph has at most {MOST_JOBS} jobs; split it"));
        return None;
    }
    let stores = stores::stores(file, &folder, around, findings);
    let mut drafts: Vec<Draft<'_>> = file.jobs.iter().map(|job| draft(job, findings)).collect();
    transforms::find(&mut drafts, around.catalog, &folder, findings);
    outputs::read(&mut drafts, &stores, findings);
    references::resolve(&mut drafts, &stores, findings);
    let timeouts: Vec<Duration> = file.jobs.iter().map(|job| timeout_of(job, file)).collect();
    transforms::check(&drafts, around.catalog, &timeouts, &folder, findings);
    edges::check(&drafts, findings);
    clash::check(&drafts, &stores, findings);
    let order = in_order(&drafts, findings)?;
    let jobs = order.iter().map(|at| finish(&drafts[*at], file, &order)).collect::<Option<Vec<Job>>>()?;
    let stores: Vec<Store> = stores.into_iter().filter_map(|store| store.checked).collect();
    let graph = file.graph.as_ref()?.value.clone();
    let mut wrong = Vec::new();
    let tests = file.tests.as_ref().map(|tests| cases::read(&tests.value, &jobs, &stores, &mut wrong));
    for (Wrong { path, message }, tests) in wrong.into_iter().zip(file.tests.iter().cycle()) {
        findings.add(tests.place, path, message);
    }
    let tests = tests.unwrap_or_default();
    Some(Plan { file: path.to_owned(), folder, graph, stores, jobs, tests })
}

fn timeout_of(job: &written::Job, file: &GraphFile) -> Duration {
    job.settings.timeout.or(file.defaults.timeout).unwrap_or(TIMEOUT)
}

/// Checks the names of a job and the form of its entities.
fn draft<'w>(job: &'w written::Job, findings: &Findings) -> Draft<'w> {
    let path = format!("jobs.{}", printable(&job.name.value));
    let name = JobName::new(&job.name.value);
    if let Err(error) = &name {
        findings.add(job.name.place, path.clone(), error.to_string());
    }
    let form = match &job.entity {
        None => Some(EntityForm::default()),
        Some(text) => match EntityForm::parse(&text.value) {
            Ok(form) => Some(form),
            Err(error) => {
                findings.add(text.place, format!("{path}.entity"), error.to_string());
                None
            }
        },
    };
    Draft {
        written: job,
        path,
        name: name.ok(),
        form,
        facts: None,
        python: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
    }
}

/// The jobs with parents first; cycles and too long paths are problems.
fn in_order(drafts: &[Draft<'_>], findings: &Findings) -> Option<Vec<usize>> {
    let parents: Vec<Vec<usize>> = drafts.iter().map(parents_of).collect();
    let order = match order::order(&parents) {
        Ok(order) => order,
        Err(cycles) => {
            for cycle in cycles {
                let name = |at: &usize| printable(&drafts[*at].written.name.value);
                let mut names: Vec<String> = cycle.iter().map(name).collect();
                names.push(name(&cycle[0]));
                let message = format!("a cycle: {}; take one of these edges away", names.join(" → "));
                let first = &drafts[cycle[0]];
                findings.add(first.written.name.place, format!("{}.in", first.path), message);
            }
            return None;
        }
    };
    let depths = order::depths(&order, &parents);
    for (at, depth) in depths.iter().enumerate() {
        if *depth == MOST_DEPTH + 1 {
            let draft = &drafts[at];
            let message = format!("more than {MOST_DEPTH} jobs lie above this one in a row; join some of them");
            findings.add(draft.written.name.place, draft.path.clone(), message);
        }
    }
    Some(order)
}

fn parents_of(draft: &Draft<'_>) -> Vec<usize> {
    let parent = |input: &InputPlan| match &input.from {
        Route::Job { job, .. } => Some(job.0),
        Route::Source { .. } => None,
    };
    draft.inputs.iter().flatten().filter_map(parent).collect()
}

/// The checked job; none where a part of it is missing.
fn finish(draft: &Draft<'_>, file: &GraphFile, order: &[usize]) -> Option<Job> {
    let mut inputs = draft.inputs.iter().cloned().collect::<Option<Vec<InputPlan>>>()?;
    for input in &mut inputs {
        if let Route::Job { job, .. } = &mut input.from {
            *job = JobIx(order.iter().position(|at| *at == job.0)?);
        }
    }
    let written = draft.written;
    let (own, defaults) = (written.settings, file.defaults);
    let retry = RetryPolicy::default();
    Some(Job {
        name: draft.name.clone()?,
        place: written.name.place,
        transform: match &written.work {
            Some(written::Work::Use(name) | written::Work::Python(name, _)) => name.value.clone(),
            None => return None,
        },
        python: draft.python.clone(),
        options: written.with.options.clone(),
        form: draft.form.clone()?,
        inputs,
        outputs: draft.outputs.iter().cloned().collect::<Option<Vec<_>>>()?,
        output_names: written.outputs.iter().map(|output| output.name.value.clone()).collect(),
        workers: written.pool.workers,
        memory: written.pool.memory,
        recycle_after: written.pool.recycle_after,
        timeout: timeout_of(written, file),
        retry: RetryPolicy {
            retries: own.retries.or(defaults.retries).unwrap_or(retry.retries),
            backoff: own.backoff.or(defaults.backoff).unwrap_or(retry.backoff),
        },
        claim: own.claim.or(defaults.claim).unwrap_or(Claim::Auto) == Claim::Auto,
        isolate: own.isolation.or(defaults.isolation) == Some(Isolation::Process),
        version: written.version.clone(),
    })
}
