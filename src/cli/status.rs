//! `status`: how a graph is at work, from its queues and what its nodes report.

use std::io::IsTerminal;
use std::time::Duration;

use euterpe_actors::ids::JobName;
use euterpe_actors::state::LetterFilter;
use serde_json::{Map, json};
use tokio::sync::mpsc;

use super::broker::BrokerArgs;
use super::place::{Place, wait_for};
use super::run::progress::short;
use super::words::{columns, count, size};
use super::{Exit, Output};
use euterpe_actors::transform::Registry;
use euterpe_amqp::{ConnectionSettings, ListenerEvent, QueueDepths, listen};
use euterpe_engine::assembly::Opened;
use euterpe_engine::run::report::{NODE_KEY, NodeReport};
use euterpe_engine::run::standing::{AtWork, Nodes};

/// Show how a graph is at work: for each job what waits, what is in work, what ended, how fast; the nodes that are heard.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    broker: BrokerArgs,

    /// Go on showing it until ctrl-c.
    #[arg(short = 'w', long)]
    watch: bool,
}

/// For how long nodes are listened to before they are shown: each speaks once a second.
const LISTEN: Duration = Duration::from_millis(2300);

/// Shows how a graph is at work: exit 0 if a node is heard for every job, else 1.
///
/// # Errors
/// A broker that cannot be used.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    match args.place.look(registry, out)? {
        Ok(opened) => wait_for(go(args, &opened, out)),
        Err(exit) => Ok(exit),
    }
}

async fn go(args: &Args, opened: &Opened, out: Output) -> anyhow::Result<Exit> {
    let dial = args.broker.needed("status")?;
    let (ear, mut heard) = mpsc::unbounded_channel();
    let showing = show(args, opened, &dial, &mut heard, out);
    let listening = listen(&dial, &opened.plan.graph, NODE_KEY, &ear);
    tokio::select! {
        shown = showing => shown,
        ended = listening => match ended {
            Ok(never) => match never {},
            Err(error) => anyhow::bail!("the broker at {} cannot be used: {error}", dial.url),
        },
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| Exit::Ok).map_err(Into::into),
    }
}

async fn show(
    args: &Args,
    opened: &Opened,
    dial: &ConnectionSettings,
    heard: &mut mpsc::UnboundedReceiver<ListenerEvent>,
    out: Output,
) -> anyhow::Result<Exit> {
    let mut nodes = Nodes::default();
    let depths = QueueDepths::open(dial, &opened.plan.graph).await;
    let mut depths = depths.map_err(|error| anyhow::anyhow!("the broker at {} cannot be used: {error}", dial.url))?;
    loop {
        let until = tokio::time::Instant::now() + LISTEN;
        while let Ok(Some(what)) = tokio::time::timeout_at(until, heard.recv()).await {
            if let ListenerEvent::Report(body) = what {
                match serde_json::from_slice::<NodeReport>(&body) {
                    Ok(report) => nodes.heard(report),
                    Err(error) => {
                        tracing::warn!(%error, "a node reported what cannot be read; is it of another version?")
                    }
                }
            }
        }
        let mut jobs = Vec::with_capacity(opened.nodes.jobs.len());
        for job in &opened.nodes.jobs {
            let ready = depths.ready(&job.name).await?;
            let filter = LetterFilter { job: Some(job.name.clone()), ..LetterFilter::default() };
            let letters = opened.state.letter_keys(&filter).await?.len() as u64;
            jobs.push(Job { name: job.name.clone(), ready, letters, at_work: nodes.job(&job.name) });
        }
        let status = Status { jobs, nodes: nodes.alive().cloned().collect() };
        match out.json {
            true => out.fact(&status.json(&opened.plan.graph))?,
            false => {
                let clear = if args.watch && std::io::stdout().is_terminal() { "\u{1b}[H\u{1b}[2J" } else { "" };
                out.text(&format!("{clear}{}", status.text()))?;
            }
        }
        if !args.watch {
            return Ok(status.exit());
        }
    }
}

struct Job {
    name: JobName,
    /// Messages in the queue; none where there is no queue yet.
    ready: Option<u64>,
    /// Dead letters in the state store.
    letters: u64,
    at_work: AtWork,
}

struct Status {
    jobs: Vec<Job>,
    nodes: Vec<NodeReport>,
}

impl Job {
    fn eta(&self) -> Option<Duration> {
        let left = self.ready? + self.at_work.sum.in_work as u64;
        (self.at_work.rate > 0.01).then(|| Duration::from_secs_f64((left as f64 / self.at_work.rate).min(1e9)))
    }
}

impl Status {
    fn exit(&self) -> Exit {
        match self.jobs.iter().all(|job| job.at_work.sum.workers > 0) {
            true => Exit::Ok,
            false => Exit::Failed,
        }
    }

    fn text(&self) -> String {
        let heads = ["job", "ready", "in work", "done", "exists", "skipped", "dead", "rate", "oldest", "eta"];
        let mut lines = vec![heads.map(str::to_owned).to_vec()];
        for job in &self.jobs {
            let sum = &job.at_work.sum;
            let oldest = sum.waited.max(sum.longest);
            lines.push(vec![
                job.name.to_string(),
                job.ready.map_or("no queue".into(), |ready| ready.to_string()),
                sum.in_work.to_string(),
                sum.done.to_string(),
                sum.exists.to_string(),
                sum.skipped.to_string(),
                job.letters.to_string(),
                format!("{:.1}/s", job.at_work.rate),
                if oldest == 0 { String::new() } else { short(Duration::from_secs(oldest)) },
                job.eta().filter(|eta| *eta >= Duration::from_secs(1)).map_or(String::new(), short),
            ]);
        }
        let mut text = columns(&lines, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        if self.nodes.is_empty() {
            return text + "\nno node is heard; start one with `euterpe node`\n";
        }
        text += &format!("\n{}\n", count(self.nodes.len() as u64, "node", "nodes"));
        for node in &self.nodes {
            let (workers, busy) =
                node.jobs.values().fold((0, 0), |(workers, busy), job| (workers + job.workers, busy + job.in_work));
            let up = short(Duration::from_secs(node.seconds));
            let spared = match node.not_downloaded_bytes {
                0 => String::new(),
                bytes => format!(", {} not downloaded again", size(bytes)),
            };
            let note = if node.draining { ", finishing what is in hand" } else { "" };
            text += &format!("  {}  up {up}, {busy} of {workers} workers busy{spared}{note}\n", node.node);
        }
        let unserved: Vec<&str> =
            self.jobs.iter().filter(|job| job.at_work.sum.workers == 0).map(|job| job.name.as_str()).collect();
        if !unserved.is_empty() {
            text += &format!("nobody serves {}\n", unserved.join(", "));
        }
        text
    }

    fn json(&self, graph: &str) -> serde_json::Value {
        let job = |job: &Job| {
            let sum = &job.at_work.sum;
            let value = json!({
                "ready": job.ready, "in_work": sum.in_work, "workers": sum.workers, "done": sum.done,
                "exists": sum.exists, "skipped": sum.skipped, "dead": job.letters, "retried": sum.retried,
                "parked": sum.parked, "rate": job.at_work.rate, "oldest_seconds": sum.waited.max(sum.longest),
                "eta_seconds": job.eta().map(|eta| eta.as_secs()),
            });
            (job.name.to_string(), value)
        };
        let jobs: Map<_, _> = self.jobs.iter().map(job).collect();
        json!({"event": "status", "graph": graph, "jobs": jobs, "nodes": self.nodes})
    }
}
