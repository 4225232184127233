//! `status`: how a graph is at work, from its queues and what its nodes report.

use std::io::IsTerminal;
use std::time::Duration;

use euterpe_actors::transform::Registry;
use euterpe_engine::{JobStatus, Session, Status, StatusView};
use serde_json::{Map, json};

use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, Place, wait_for};
use crate::cli::page::Output;
use crate::cli::page::progress::short;
use crate::cli::page::words::{columns, count, size};

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

/// Shows how a graph is at work: exit 0 if a node is heard for every job, else 1.
///
/// # Errors
/// A broker that cannot be used.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    match args.place.look(registry, out)? {
        Ok(session) => wait_for(show(args, &session, out)),
        Err(exit) => Ok(exit),
    }
}

async fn show(args: &Args, session: &Session, out: Output) -> anyhow::Result<Exit> {
    let dial = args.broker.needed("status")?;
    let graph = session.workspace().plan.graph.as_str();
    let mut shown = Shown { out, watch: args.watch, graph, exit: Exit::Ok };
    tokio::select! {
        ended = session.status(&dial, &mut shown) => ended?,
        interrupted = tokio::signal::ctrl_c() => return interrupted.map(|()| Exit::Ok).map_err(Into::into),
    }
    Ok(shown.exit)
}

struct Shown<'s> {
    out: Output,
    watch: bool,
    graph: &'s str,
    exit: Exit,
}

impl StatusView for Shown<'_> {
    fn show(&mut self, status: &Status) -> anyhow::Result<bool> {
        let page = Page(status);
        match self.out.json {
            true => self.out.fact(&page.json(self.graph))?,
            false => {
                let clear = if self.watch && std::io::stdout().is_terminal() { "\u{1b}[H\u{1b}[2J" } else { "" };
                self.out.text(&format!("{clear}{}", page.text()))?;
            }
        }
        self.exit = page.exit();
        Ok(self.watch)
    }
}

/// A status on paper.
struct Page<'s>(&'s Status);

impl Page<'_> {
    fn exit(&self) -> Exit {
        match self.0.jobs.iter().all(|job| job.at_work.sum.workers > 0) {
            true => Exit::Ok,
            false => Exit::Failed,
        }
    }

    fn text(&self) -> String {
        let heads = ["job", "ready", "in work", "done", "exists", "skipped", "dead", "rate", "oldest", "eta"];
        let mut lines = vec![heads.map(str::to_owned).to_vec()];
        for job in &self.0.jobs {
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
        if self.0.nodes.is_empty() {
            return text + "\nno node is heard; start one with `euterpe node`\n";
        }
        text += &format!("\n{}\n", count(self.0.nodes.len() as u64, "node", "nodes"));
        for node in &self.0.nodes {
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
            self.0.jobs.iter().filter(|job| job.at_work.sum.workers == 0).map(|job| job.name.as_str()).collect();
        if !unserved.is_empty() {
            text += &format!("nobody serves {}\n", unserved.join(", "));
        }
        text
    }

    fn json(&self, graph: &str) -> serde_json::Value {
        let job = |job: &JobStatus| {
            let sum = &job.at_work.sum;
            let value = json!({
                "ready": job.ready, "in_work": sum.in_work, "workers": sum.workers, "done": sum.done,
                "exists": sum.exists, "skipped": sum.skipped, "dead": job.letters, "retried": sum.retried,
                "parked": sum.parked, "rate": job.at_work.rate, "oldest_seconds": sum.waited.max(sum.longest),
                "eta_seconds": job.eta().map(|eta| eta.as_secs()),
            });
            (job.name.to_string(), value)
        };
        let jobs: Map<_, _> = self.0.jobs.iter().map(job).collect();
        json!({"event": "status", "graph": graph, "jobs": jobs, "nodes": self.0.nodes})
    }
}
