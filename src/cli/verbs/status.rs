//! `status`: how a graph is at work, from its queues and what its nodes report.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use console::Term;
use euterpe_actors::transform::Registry;
use euterpe_amqp::{ConnectionError, ConnectionSettings};
use euterpe_engine::{JobStatus, Session, Status, StatusView};
use serde_json::{Map, json};

use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, Place, wait_for};
use crate::cli::page::Output;
use crate::telemetry;

use crate::cli::page::words::{columns, count, plain, short, size};

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
    let mut shown = Shown { out, watch: args.watch, graph, exit: Exit::Ok, has_shown: false };
    tokio::select! {
        ended = status(session, &dial, &mut shown) => ended?,
        interrupted = tokio::signal::ctrl_c() => return interrupted.map(|()| Exit::Ok).map_err(Into::into),
    }
    Ok(shown.exit)
}

/// Shows the status; where it goes on being shown, a broker that is away is waited for.
async fn status(session: &Session, dial: &ConnectionSettings, shown: &mut Shown<'_>) -> anyhow::Result<()> {
    let mut said = false;
    loop {
        let error = match session.status(dial, shown).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let may_pass = error.downcast_ref::<ConnectionError>().is_some_and(|error| !error.is_final());
        if !(shown.watch && may_pass) {
            return Err(error);
        }
        if !std::mem::replace(&mut said, true) || shown.has_shown {
            telemetry::say(&format!("{error:#}; waiting for it"));
        }
        shown.has_shown = false;
        tokio::time::sleep(AGAIN).await;
    }
}

/// How long a broker that is away is left alone before it is tried again.
const AGAIN: Duration = Duration::from_secs(2);

struct Shown<'s> {
    out: Output,
    watch: bool,
    graph: &'s str,
    exit: Exit,
    /// Whether it was shown since the broker was away.
    has_shown: bool,
}

impl StatusView for Shown<'_> {
    fn show(&mut self, status: &Status) -> anyhow::Result<bool> {
        let page = Page(status);
        match self.out.json {
            true => self.out.fact(&page.json(self.graph))?,
            false => {
                let is_redrawn = self.watch && std::io::stdout().is_terminal();
                let clear = if is_redrawn { "\u{1b}[H\u{1b}[2J" } else { "" };
                let room = is_redrawn.then(|| usize::from(Term::stdout().size().0));
                self.out.text(&format!("{clear}{}", page.text(room)))?;
            }
        }
        self.exit = page.exit();
        self.has_shown = true;
        Ok(self.watch)
    }
}

/// What has been in hand for fewer seconds is not worth a line.
const LONG: u64 = 10;
/// The columns, of which the first ones are always shown.
const HEADS: [&str; 10] = ["job", "ready", "in work", "done", "exists", "skipped", "dead", "rate", "oldest", "eta"];
const MUST: usize = 4;

fn row(job: &JobStatus) -> Vec<String> {
    let sum = &job.at_work.sum;
    let oldest = sum.waited.max(sum.longest);
    vec![
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
    ]
}

/// A status on paper.
struct Page<'s>(&'s Status);

impl Page<'_> {
    fn exit(&self) -> Exit {
        match self.0.jobs.iter().all(|job| job.at_work.sum.workers > 0 && job.misfit.is_none()) {
            true => Exit::Ok,
            false => Exit::Failed,
        }
    }

    fn text(&self, room: Option<usize>) -> String {
        let rows: Vec<Vec<String>> = self.0.jobs.iter().map(row).collect();
        let shown = self.shown(room);
        // A column in which nothing stands is worth no place.
        let says = |at: &usize| *at < MUST || rows.iter().any(|row| !["", "0", "0.0/s"].contains(&row[*at].as_str()));
        let columns_shown: Vec<usize> = (0..HEADS.len()).filter(says).collect();
        let pick = |row: &[String]| columns_shown.iter().map(|at| row[*at].clone()).collect::<Vec<String>>();
        let mut lines = vec![pick(&HEADS.map(str::to_owned))];
        lines.extend(shown.iter().map(|at| pick(&rows[*at])));
        let mut text = columns(&lines, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        if shown.len() < rows.len() {
            text += &format!("and {} more jobs; without -w all are shown\n", rows.len() - shown.len());
        }
        if self.0.delayed > 0 {
            text += &format!(
                "{} for their next try, or for another node\n",
                count(self.0.delayed, "message waits", "messages wait")
            );
        }
        for job in self.0.jobs.iter().filter(|job| job.at_work.sum.longest >= LONG) {
            if let Some(entity) = &job.at_work.sum.longest_entity {
                let since = short(Duration::from_secs(job.at_work.sum.longest));
                text += &format!("in hand: {}({}) {since}\n", job.name, plain(entity.as_str(), false));
            }
        }
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
        let mut misfits: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for job in &self.0.jobs {
            if let Some(misfit) = &job.misfit {
                misfits.entry(misfit).or_default().push(job.name.as_str());
            }
        }
        for (misfit, jobs) in misfits {
            text += &format!("{}: {misfit}\n", jobs.join(", "));
        }
        text
    }

    /// The jobs that get a line: all, or where there is not room for all, those with something to do.
    fn shown(&self, room: Option<usize>) -> Vec<usize> {
        let all: Vec<usize> = (0..self.0.jobs.len()).collect();
        let Some(room) = room.filter(|room| all.len() + self.0.nodes.len() + 6 > *room) else { return all };
        let busy = |at: &usize| {
            let job = &self.0.jobs[*at];
            job.at_work.sum.in_work > 0 || job.ready.is_none_or(|ready| ready > 0) || job.at_work.rate > 0.0
        };
        let (mut first, rest): (Vec<usize>, Vec<usize>) = all.into_iter().partition(busy);
        let most = room.saturating_sub(self.0.nodes.len() + 7).max(1);
        first.extend(rest);
        first.truncate(most);
        first.sort_unstable();
        first
    }

    fn json(&self, graph: &str) -> serde_json::Value {
        let job = |job: &JobStatus| {
            let sum = &job.at_work.sum;
            let value = json!({
                "ready": job.ready, "in_work": sum.in_work, "workers": sum.workers, "done": sum.done,
                "exists": sum.exists, "skipped": sum.skipped, "dead": job.letters, "retried": sum.retried,
                "parked": sum.parked, "rate": job.at_work.rate, "oldest_seconds": sum.waited.max(sum.longest),
                "oldest_in_work": sum.longest_entity, "eta_seconds": job.eta().map(|eta| eta.as_secs()),
                "misfit": job.misfit,
            });
            (job.name.to_string(), value)
        };
        let jobs: Map<_, _> = self.0.jobs.iter().map(job).collect();
        json!({
            "event": "status", "graph": graph, "jobs": jobs, "delayed": self.0.delayed, "nodes": self.0.nodes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_are_in_no_job_s_queue_are_counted() {
        let page = |delayed| Page(&Status { jobs: Vec::new(), delayed, nodes: Vec::new() }).text(None);
        assert!(page(2).contains("2 messages wait for their next try, or for another node\n"), "{}", page(2));
        assert!(!page(0).contains("next try"));
        let status = Status { jobs: Vec::new(), delayed: 3, nodes: Vec::new() };
        assert_eq!(Page(&status).json("g")["delayed"], 3);
    }
}
