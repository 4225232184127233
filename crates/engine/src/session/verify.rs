//! Verifying: stores, buckets, workers and broker are reached, and what is found is told, good or bad.

#[cfg(feature = "amqp")]
use std::{collections::BTreeSet, time::Duration};

#[cfg(feature = "amqp")]
use euterpe_actors::ids::JobName;
use euterpe_actors::storage::{STORE_MARKER, StorageError, StorageErrorKind};
#[cfg(feature = "amqp")]
use euterpe_amqp::{Amqp, ConnectionSettings, QueueDepths};
use euterpe_graph_file::plan::{Interpreter, Job};
use euterpe_processes::scratch_trouble;

use super::Session;
use super::copies::original;
#[cfg(feature = "amqp")]
use crate::run::fitting::{hear, some};
#[cfg(feature = "amqp")]
use crate::run::over::settings;
use crate::workspace::{Prepared, Workspace, commands, threads};

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// What was found.
    pub found: String,
    /// Whether it is as it must be.
    pub good: bool,
}

impl Session {
    /// Reaches what the graph needs on this machine and in its stores: folders, buckets, worker processes.
    pub async fn verify(&self) -> Vec<Finding> {
        let mut findings = stores(&self.workspace).await;
        findings.extend(scratch_trouble(&self.workspace.here).map(|found| Finding {
            what: "scratch folder".into(),
            found,
            good: false,
        }));
        findings.extend(buckets(&self.workspace).await);
        findings.extend(commands(&self.workspace.plan).map(|(job, found)| {
            let (good, found) = match found {
                Ok(path) => (true, path.display().to_string()),
                Err(why) => (false, why),
            };
            Finding { what: format!("program of {}", job.name), found, good }
        }));
        findings.extend(workers(&self.workspace).await);
        findings
    }

    /// Makes the buckets that the graph writes to, and that of its records, where they are not there. Tells what was made,
    /// and what could not be.
    pub async fn make_buckets(&self) -> Vec<Finding> {
        let made = self.workspace.make_buckets().await.into_iter();
        let finding = |(name, made): (String, Result<bool, StorageError>)| {
            let what = format!("bucket of {name}");
            match made {
                Ok(true) => Some(Finding { what, found: "made".into(), good: true }),
                Ok(false) => None,
                Err(error) => Some(Finding { what, found: error.to_string(), good: false }),
            }
        };
        made.filter_map(finding).collect()
    }

    /// Reaches a broker and the graph's queues there. With `create`, what is missing is made, trying for so long.
    #[cfg(feature = "amqp")]
    pub async fn verify_broker(
        &self,
        dial: ConnectionSettings,
        consumer_timeout: Option<Duration>,
        create: Option<Duration>,
    ) -> Vec<Finding> {
        broker(&self.workspace, dial, consumer_timeout, create).await
    }
}

/// A number with its noun, in the singular for one.
fn count(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

async fn stores(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    let named = workspace.stores.iter().map(|(name, storage)| (format!("store {name}"), storage.clone()));
    for (what, storage) in named.chain([("state".to_owned(), workspace.state.storage().clone())]) {
        match original(&*storage).await {
            Ok(None) => {}
            Ok(Some(original)) => tracing::warn!(
                "{what}: {here} is a copy of {original}, and both say that they are one store: a node at one of them takes the \
                 work of runs at the other. If they are two, remove {here}/{STORE_MARKER}",
                here = storage.place(),
            ),
            Err(error) => findings.push(Finding { what: what.clone(), found: error.to_string(), good: false }),
        }
        let mut some = 0u64;
        let mut one_page = |page: &euterpe_actors::storage::Page| {
            some += page.paths().count() as u64;
            false // one page tells that it can be listed
        };
        let listed = storage.list("", &mut one_page).await;
        let (found, good) = match listed {
            Ok(()) if some == 0 => (format!("{}, empty", storage.place()), true),
            Ok(()) if !storage.name_rules().tells_case => {
                let told = "takes `T` and `t` for one name, so outputs of names with capitals get a hash";
                (format!("{}; {told}", storage.place()), true)
            }
            Ok(()) => (storage.place(), true),
            Err(error) if error.kind == StorageErrorKind::NotFound => {
                (format!("{} is not there yet; the first who writes makes it", storage.place()), true)
            }
            Err(error) => (format!("{}: {error}", storage.place()), false),
        };
        findings.push(Finding { what, found, good });
    }
    findings
}

/// What each bucket that is written to keeps of what S3 promises, found out anew.
async fn buckets(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, probed) in workspace.probe_buckets().await {
        let (found, good) = match probed {
            Ok(found) => (found.text(), true),
            Err(error) => (error.to_string(), false),
        };
        findings.push(Finding { what: format!("promises of {name}"), found, good });
    }
    findings
}

/// Starts a worker of each job that has worker processes: what it says of itself, or why it cannot begin.
async fn workers(workspace: &Workspace) -> Vec<Finding> {
    let prepared = workspace.try_workers(|_| true).await;
    let finding = |one: &Prepared<'_>| {
        let what = format!("workers of {}", one.job.name);
        match &one.about {
            Ok(about) => {
                let Job { transform, .. } = one.job;
                let threads = count(threads(one.job, &workspace.place) as u64, "thread", "threads");
                let found = format!("{transform}: {about}{}; {threads} for numeric libraries", environment(one.job));
                Finding { what, found, good: true }
            }
            Err(_) => Finding { what, found: workspace.problem(one).unwrap_or_default(), good: false },
        }
    };
    prepared.iter().map(finding).collect()
}

/// The environment of a Python function, where it is not the machine's.
fn environment(job: &Job) -> String {
    match job.python.as_ref().map(|python| &python.interpreter) {
        None | Some(Interpreter::Machine) => String::new(),
        Some(Interpreter::Program(program)) => format!(", {}", program.display()),
        Some(Interpreter::Venv(folder)) => format!(" of {}", folder.display()),
        Some(Interpreter::Requirements(file)) => format!(" with what {} asks for", file.display()),
    }
}

#[cfg(feature = "amqp")]
async fn broker(
    workspace: &Workspace,
    dial: ConnectionSettings,
    consumer_timeout: Option<Duration>,
    create: Option<Duration>,
) -> Vec<Finding> {
    let url = dial.url.to_string();
    let bad = |error: String| vec![Finding { what: "broker".into(), found: format!("{url}: {error}"), good: false }];
    if let Some(patience) = create {
        match Amqp::open(settings(workspace, dial.clone(), consumer_timeout), patience).await {
            Ok(amqp) => amqp.close().await,
            Err(error) => return bad(error.to_string()),
        }
    }
    let version = match Amqp::ask(&settings(workspace, dial.clone(), consumer_timeout)).await {
        Ok(version) => version,
        Err(error) => return bad(error.to_string()),
    };
    let mut findings = vec![Finding { what: "broker".into(), found: format!("{url}, {version}"), good: true }];
    match queues(workspace, &dial).await {
        Ok(found) => findings.extend(found),
        Err(error) => return bad(error.to_string()),
    }
    findings.extend(nodes(workspace, &dial).await);
    findings
}

/// Whether the nodes that are heard can work for what this graph file describes.
#[cfg(feature = "amqp")]
async fn nodes(workspace: &Workspace, dial: &ConnectionSettings) -> Vec<Finding> {
    let finding = |what: String, found: String, good| Finding { what, found, good };
    let heard = async {
        let mine = workspace.seen_setup().await?;
        let fitting = hear(dial, &workspace.plan.graph, &mine).await?;
        let count_of_nodes = fitting.nodes.alive().count() as u64;
        if count_of_nodes == 0 {
            return anyhow::Ok(vec![finding("nodes".into(), "none is heard".into(), true)]);
        }
        let problems = fitting.problems(workspace.nodes.jobs.iter().map(|job| &job.name));
        let mut findings = vec![finding("nodes".into(), count(count_of_nodes, "is heard", "are heard"), true)];
        findings.extend(
            problems.into_iter().map(|(found, jobs)| finding(format!("nodes for {}", some(&jobs)), found, false)),
        );
        Ok(findings)
    };
    heard.await.unwrap_or_else(|error| vec![finding("nodes".into(), format!("{error:#}"), false)])
}

/// The queues of the graph, and those of jobs that earlier runs had and the graph has no more.
#[cfg(feature = "amqp")]
async fn queues(workspace: &Workspace, dial: &ConnectionSettings) -> anyhow::Result<Vec<Finding>> {
    let mut depths = QueueDepths::open(dial, &workspace.plan.graph).await?;
    let mut findings = Vec::new();
    for job in &workspace.nodes.jobs {
        let (found, good) = match depths.ready(&job.name).await? {
            Some(ready) => (count(ready, "message waits", "messages wait"), true),
            None => ("not there; `euterpe verify --create` makes it, and so does every node".into(), false),
        };
        findings.push(Finding { what: format!("queue of {}", job.name), found, good });
    }
    for job in former_jobs(workspace).await? {
        if let Some(left) = depths.ready(&job).await?.filter(|left| *left > 0) {
            let found = format!(
                "{} for a job that the graph has no more; put the job back and run a node, or remove the queue",
                count(left, "message is left", "messages are left")
            );
            findings.push(Finding { what: format!("queue of {job}"), found, good: false });
        }
    }
    let delayed = depths.delayed().await?;
    if delayed > 0 {
        let found =
            format!("{} for their next try, or for another node", count(delayed, "message waits", "messages wait"));
        findings.push(Finding { what: "delay queues".into(), found, good: true });
    }
    if let Some(blown) = depths.dead_letters().await?.filter(|blown| *blown > 0) {
        let found = format!("{}; a node makes dead letters of them", count(blown, "message", "messages"));
        findings.push(Finding { what: "given up by the broker".into(), found, good: false });
    }
    Ok(findings)
}

/// The jobs of earlier runs, by their manifests, that the graph does not have.
#[cfg(feature = "amqp")]
async fn former_jobs(workspace: &Workspace) -> anyhow::Result<BTreeSet<JobName>> {
    let mut former = BTreeSet::new();
    for run in workspace.state.runs().await?.into_iter().rev().take(100) {
        let Some(manifest) = workspace.state.manifest(run).await? else { continue };
        let jobs = manifest.resolved["jobs"].as_object().into_iter().flat_map(|jobs| jobs.keys());
        former.extend(jobs.filter_map(|job| JobName::new(job).ok()));
    }
    former.retain(|job| workspace.nodes.find(job.as_str()).is_none());
    Ok(former)
}
