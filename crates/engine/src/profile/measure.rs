//! One try in this process, phase by phase, with the counts of the kernel around each.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use euterpe_actors::ids::EntityId;
use euterpe_actors::outcome::Fault;
use euterpe_actors::plan::JobPlan;
use euterpe_actors::storage::{Content, Storage};
use euterpe_actors::transform::blocking::panic_text;
use euterpe_actors::transform::{Input, Product, Registry, Scratch, Work};
use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Location;
use euterpe_processes::usage::{
    Cpu, Memory, ended_children_cpu, ended_children_peak, own_children, own_cpu, process_cpu,
};
use euterpe_storage::local::{LocalSettings, LocalStorage};
use futures::FutureExt;

use super::inputs::find;
use super::target::Measured;
use super::{Took, Trial, Tried};
use crate::mistake::{Mistake, find_job};
use crate::workspace::{Opening, Workspace};

/// Does the work of `trial` once and says what it took. Whatever else this process did or does counts with it, so it had
/// better do nothing else.
///
/// # Errors
/// What keeps the graph from being opened; inputs that are not there; a scratch folder that cannot be written.
pub async fn measure(plan: Plan, registry: &Registry, opening: &Opening, trial: &Trial) -> anyhow::Result<Tried> {
    let opening = Opening { scratch: Some(trial.scratch.clone()), ..opening.clone() };
    let workspace = Workspace::open(plan, registry, &opening)?;
    let at = find_job(&workspace.nodes, &trial.job)?;
    let job = workspace.nodes.job(at).clone();
    let measured = Measured::of(&workspace.plan.jobs[at.0]);
    let entity = EntityId::of_name(&trial.entity).map_err(|bad| Mistake(format!("`{}`: {bad}", trial.entity)))?;

    let mut took = Took::default();
    let mut watch = Stopwatch(Instant::now());
    let keys = match find(&workspace, at, &entity).await? {
        Ok(keys) => keys,
        Err(missing) => {
            let missing: Vec<String> = missing.into_iter().map(|missing| missing.text).collect();
            bail!("{}", missing.join("; "));
        }
    };
    took.wait = watch.lap();
    if let Some(launcher) = workspace.launchers.get(&job.name) {
        match launcher.prepare().await {
            Ok(_) => took.start = Some(watch.lap()),
            Err(fault) => return Ok(failed(&fault)),
        }
    }
    let mut inputs = Vec::with_capacity(keys.len());
    for (name, key) in &keys {
        let object = workspace.stores.open(key).await?;
        took.bytes_in += object.info.size;
        inputs.push(Input { name: name.clone(), path: key.path.clone(), object });
    }
    took.fetch = watch.lap();

    let scratch = Scratch::at(trial.scratch.join("work"));
    let work = Work {
        entity,
        inputs,
        suffixes: job.suffixes.clone(),
        scratch: scratch.clone(), // the products in it live until they are stored
        attempt: 0,
        timeout: job.timeout,
        isolate: false,
    };
    let mut transform = match (job.transform)() {
        Ok(transform) => transform,
        Err(fault) => return Ok(failed(&fault)),
    };
    let before = counts(measured);
    watch.lap(); // not the counting
    let from = unix_seconds();
    let applied = tokio::select! {
        applied = apply(&job, transform.apply(work)) => applied,
        why = workspace.broken() => Err(Fault::fatal(why)),
    };
    took.work = watch.lap();
    took.work_from_to = (from, unix_seconds());
    let after = counts(measured);
    (took.cpu, took.process_cpu) = (after.cpu - before.cpu, after.cpu);
    (took.before, took.peak) = (before.memory.resident, after.memory.peak);
    took.child_peak = (measured == Measured::Command).then(ended_children_peak);
    let product = match applied {
        Ok(product) => product,
        Err(fault) => return Ok(failed(&fault)),
    };
    watch.lap();
    took.bytes_out = store(&workspace, &job, product, trial).await?;
    took.store = watch.lap();
    drop((transform, scratch));
    Ok(Tried::Took(took))
}

/// Runs the transform within the fence that a worker of a pool has around it.
async fn apply(job: &JobPlan, work: impl Future<Output = Result<Product, Fault>>) -> Result<Product, Fault> {
    let applied = tokio::time::timeout(job.timeout, AssertUnwindSafe(work).catch_unwind()).await;
    let product = match applied {
        Ok(Ok(result)) => result?,
        Ok(Err(panic)) => return Err(Fault::failed(format!("the transform panicked: {}", panic_text(&*panic)))),
        Err(_) => {
            let text = format!("the transform took longer than the job's timeout of {:?}", job.timeout);
            return Err(Fault::failed(text));
        }
    };
    match (product.0.len(), job.outputs.len()) {
        (made, wanted) if made != wanted => {
            Err(Fault::fatal(format!("the transform made {made} outputs, the job has {wanted}")))
        }
        _ => Ok(product),
    }
}

/// Puts the outputs into a folder beside the scratch folder, as durably as their stores would. Returns their bytes.
async fn store(workspace: &Workspace, job: &Arc<JobPlan>, product: Product, trial: &Trial) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for (number, (output, content)) in job.outputs.iter().zip(product.0).enumerate().rev() {
        bytes += match &content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File(path) => {
                let made = || format!("the transform left no output at {}", path.display());
                tokio::fs::metadata(path).await.with_context(made)?.len()
            }
        };
        let location = workspace.plan.store(&output.store).map(|store| &store.location);
        let fsync = !matches!(location, Some(Location::Folder { fsync: false, .. }));
        let settings = LocalSettings { fsync, create: true, ..LocalSettings::default() };
        let folder = LocalStorage::open(trial.scratch.join("outputs"), settings)?;
        folder.store(&format!("output-{number}"), content, None).await?;
    }
    Ok(bytes)
}

fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

struct Stopwatch(Instant);

impl Stopwatch {
    fn lap(&mut self) -> f64 {
        let now = Instant::now();
        (now - std::mem::replace(&mut self.0, now)).as_secs_f64()
    }
}

/// What the kernel has counted of the measured process by now.
struct Counts {
    cpu: Cpu,
    memory: Memory,
}

fn counts(measured: Measured) -> Counts {
    let own = || Memory::of(std::process::id());
    match measured {
        Measured::Program => Counts { cpu: own_cpu(), memory: own() },
        Measured::Worker => {
            let workers = own_children();
            let memory = workers.iter().map(|worker| Memory::of(*worker)).max_by_key(|memory| memory.peak);
            let cpu: Cpu = workers.iter().filter_map(|worker| process_cpu(*worker)).sum();
            Counts { cpu, memory: memory.unwrap_or_default() }
        }
        Measured::Command => Counts { cpu: ended_children_cpu(), memory: own() },
    }
}

fn failed(fault: &Fault) -> Tried {
    let kind = serde_json::to_value(fault.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned));
    Tried::Failed { kind: kind.unwrap_or_default(), text: fault.text.clone(), stderr: fault.stderr.clone() }
}
