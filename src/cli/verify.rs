//! `verify`: lint, then reach what the graph needs: its stores, its state, its broker.

use std::collections::BTreeSet;

use euterpe_actors::ids::JobName;
use euterpe_actors::storage::StorageErrorKind;
use serde_json::json;

use super::broker::BrokerArgs;
use super::place::{Place, wait_for};
use super::words::count;
use super::{Exit, Output};
use euterpe_actors::transform::Registry;
use euterpe_amqp::{Amqp, ConnectionSettings, QueueDepths};
use euterpe_engine::assembly::{Access, Opened, Prepared, threads};
use euterpe_graph_file::plan::{Interpreter, Job};

/// Check a graph file, then reach its stores and its broker; say what is there, what is missing, what is left over.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    broker: BrokerArgs,

    /// Make what is missing: folders that are written to, exchanges and queues.
    #[arg(long)]
    create: bool,
}

/// One thing that was looked at.
struct Finding {
    what: String,
    found: String,
    good: bool,
}

/// Verifies: exit 0 if all is well, 1 if something is missing or wrong.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let access = if args.create { Access::Share } else { Access::Look };
    match args.place.open(registry, out, None, access, 0)? {
        Ok(opened) => wait_for(go(args, &opened, out)),
        Err(exit) => Ok(exit),
    }
}

async fn go(args: &Args, opened: &Opened, out: Output) -> anyhow::Result<Exit> {
    let mut findings = stores(opened).await;
    findings.extend(buckets(opened).await);
    findings.extend(workers(opened).await);
    match args.broker.dial("verify")? {
        Some(dial) => findings.extend(broker(args, opened, dial).await),
        None => findings.push(Finding {
            what: "broker".into(),
            found: "none named: `run` works in its own process; name one with --broker or EUTERPE_BROKER".into(),
            good: true,
        }),
    }
    let good = findings.iter().all(|finding| finding.good);
    for Finding { what, found, good } in &findings {
        match out.json {
            true => out.fact(&json!({"what": what, "found": found, "good": good}))?,
            false => out.text(&format!("{} {what}: {found}", if *good { "ok " } else { "BAD" }))?,
        }
    }
    Ok(if good { Exit::Ok } else { Exit::Failed })
}

async fn stores(opened: &Opened) -> Vec<Finding> {
    let mut findings = Vec::new();
    let named = opened.stores.iter().map(|(name, storage)| (format!("store {name}"), storage.clone()));
    for (what, storage) in named.chain([("state".to_owned(), opened.state.storage().clone())]) {
        let mut some = 0u64;
        let mut one_page = |page: &euterpe_actors::storage::Page| {
            some += page.iter().count() as u64;
            false // one page tells that it can be listed
        };
        let listed = storage.list("", &mut one_page).await;
        let (found, good) = match listed {
            Ok(()) if some == 0 => (format!("{}, empty", storage.place()), true),
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
async fn buckets(opened: &Opened) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, probed) in opened.probe_buckets().await {
        let (found, good) = match probed {
            Ok(found) => (found.text(), true),
            Err(error) => (error.to_string(), false),
        };
        findings.push(Finding { what: format!("promises of {name}"), found, good });
    }
    findings
}

/// Starts a worker of each job that has worker processes: what it says of itself, or why it cannot begin.
async fn workers(opened: &Opened) -> Vec<Finding> {
    let prepared = opened.try_workers(|_| true).await;
    let finding = |one: &Prepared<'_>| {
        let what = format!("workers of {}", one.job.name);
        match &one.about {
            Ok(about) => {
                let Job { transform, .. } = one.job;
                let threads = count(threads(one.job, &opened.place) as u64, "thread", "threads");
                let found = format!("{transform}: {about}{}; {threads} for numeric libraries", environment(one.job));
                Finding { what, found, good: true }
            }
            Err(_) => Finding { what, found: opened.problem(one).unwrap_or_default(), good: false },
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

async fn broker(args: &Args, opened: &Opened, dial: ConnectionSettings) -> Vec<Finding> {
    let url = dial.url.to_string();
    let bad = |error: String| vec![Finding { what: "broker".into(), found: format!("{url}: {error}"), good: false }];
    if args.create {
        match Amqp::open(args.broker.settings(opened, dial.clone()), super::broker::PATIENCE).await {
            Ok(amqp) => amqp.close().await,
            Err(error) => return bad(error.to_string()),
        }
    }
    let version = match Amqp::ask(&args.broker.settings(opened, dial.clone())).await {
        Ok(version) => version,
        Err(error) => return bad(error.to_string()),
    };
    let mut findings = vec![Finding { what: "broker".into(), found: format!("{url}, {version}"), good: true }];
    match queues(opened, &dial).await {
        Ok(found) => findings.extend(found),
        Err(error) => return bad(error.to_string()),
    }
    findings
}

/// The queues of the graph, and those of jobs that earlier runs had and the graph has no more.
async fn queues(opened: &Opened, dial: &ConnectionSettings) -> anyhow::Result<Vec<Finding>> {
    let mut depths = QueueDepths::open(dial, &opened.plan.graph).await?;
    let mut findings = Vec::new();
    for job in &opened.nodes.jobs {
        let (found, good) = match depths.ready(&job.name).await? {
            Some(ready) => (count(ready, "message waits", "messages wait"), true),
            None => ("not there; `euterpe verify --create` makes it, and so does every node".into(), false),
        };
        findings.push(Finding { what: format!("queue of {}", job.name), found, good });
    }
    for job in former_jobs(opened).await? {
        if let Some(left) = depths.ready(&job).await?.filter(|left| *left > 0) {
            let found = format!(
                "{} for a job that the graph has no more; put the job back and run a node, or remove the queue",
                count(left, "message is left", "messages are left")
            );
            findings.push(Finding { what: format!("queue of {job}"), found, good: false });
        }
    }
    if let Some(blown) = depths.dead_letters().await?.filter(|blown| *blown > 0) {
        let found = format!("{}; a node makes dead letters of them", count(blown, "message", "messages"));
        findings.push(Finding { what: "given up by the broker".into(), found, good: false });
    }
    Ok(findings)
}

/// The jobs of earlier runs, by their manifests, that the graph does not have.
async fn former_jobs(opened: &Opened) -> anyhow::Result<BTreeSet<JobName>> {
    let mut former = BTreeSet::new();
    for run in opened.state.runs().await?.into_iter().rev().take(100) {
        let Some(manifest) = opened.state.manifest(run).await? else { continue };
        let jobs = manifest.resolved["jobs"].as_object().into_iter().flat_map(|jobs| jobs.keys());
        former.extend(jobs.filter_map(|job| JobName::new(job).ok()));
    }
    former.retain(|job| opened.nodes.find(job.as_str()).is_none());
    Ok(former)
}
