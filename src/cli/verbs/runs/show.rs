//! `runs show`: what a run was asked to do, and how it ended.

use std::collections::BTreeMap;
use std::fmt::Write;

use euterpe_actors::ids::JobName;
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{Counts, Manifest, RunEnd, Slow, log_key};
use euterpe_actors::transform::Registry;
use euterpe_engine::Session;
use serde_json::{Value, json};

use super::One;
use crate::cli::Exit;
use crate::cli::args::wait_for;
use crate::cli::page::Output;
use crate::cli::page::words::{columns, count, measured, selection, time};

struct Shown {
    manifest: Manifest,
    end: Option<RunEnd>,
    all_read: bool,
    chunks: usize,
    letters: BTreeMap<(JobName, Reason), u64>,
    log: Option<String>,
}

/// Shows a run.
///
/// # Errors
/// A run that is not there; what keeps the state store from being read.
pub(super) fn run(one: &One, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match one.place.open_as_in(Some(&one.run), registry, out, one.memory.opening())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let shown = wait_for(read(&session, one))?;
    if out.json {
        out.fact(&shown.json())?;
    } else {
        out.text(&shown.text(&session, &one.place.typed())?)?;
    }
    Ok(Exit::Ok)
}

async fn read(session: &Session, one: &One) -> anyhow::Result<Shown> {
    let state = &session.workspace().state;
    let run = one.find(session).await?;
    let letters = session.dead_by_reason(run.into()).await?;
    let (manifest, end) = (session.manifest(run).await?, state.run_end(run).await?);
    let all_read = state.has_all_entities(run).await?;
    let log = state.find_log(run).await?;
    Ok(Shown { manifest, end, all_read, chunks: state.chunks(run).await?.len(), letters, log })
}

impl Shown {
    fn json(&self) -> Value {
        let letter =
            |((job, reason), count): (&(JobName, Reason), &u64)| json!({"job": job, "reason": reason, "count": count});
        let letters: Vec<Value> = self.letters.iter().map(letter).collect();
        json!({
            "manifest": self.manifest, "end": self.end, "all_read": self.all_read, "chunks": self.chunks,
            "dead_letters": letters, "log": self.log,
        })
    }

    fn text(&self, session: &Session, file: &str) -> Result<String, std::fmt::Error> {
        let Manifest { run, graph, digest, selection: asked, .. } = &self.manifest;
        let mut text = String::new();
        writeln!(text, "run      {run}")?;
        writeln!(text, "started  {}", time(run.millis()))?;
        writeln!(
            text,
            "graph    {graph}{}",
            if *digest == session.workspace().nodes.digest { "" } else { ", changed since" }
        )?;
        writeln!(text, "asked    {}", selection(asked))?;
        match &self.end {
            Some(end) => {
                let how = if end.complete && self.all_read { "complete" } else { "stopped" };
                let entities = count(end.entities, "entity", "entities");
                writeln!(text, "ended    {}, {how}, {entities}", time(end.millis))?;
            }
            None => writeln!(text, "ended    no end record: it goes on, or its process died")?,
        }
        if !self.all_read {
            writeln!(
                text,
                "ids      it has not said that it read all of them: those that it did not read are in no number"
            )?;
        }
        if let Some(end) = &self.end {
            write!(text, "\n{}", columns(&jobs(end, session), &[1, 2, 3, 4, 5, 6]))?;
            if !end.slowest.is_empty() {
                let slow = |slow: &Slow| vec![format!("  {}({})", slow.job, slow.entity), measured(slow.millis)];
                let lines: Vec<Vec<String>> = end.slowest.iter().map(slow).collect();
                write!(text, "\nslowest\n{}", columns(&lines, &[1]))?;
            }
        }
        if !self.letters.is_empty() {
            writeln!(text, "\ndead letters that lie there now")?;
            for ((job, reason), count) in &self.letters {
                writeln!(text, "  {job}: {count} {reason}")?;
            }
        }
        if let Some(log) = &self.log {
            let (place, shown) =
                (session.workspace().state.place(), format!("; `euterpe logs {file} --run {run}` shows it"));
            let shown = if *log == log_key(*run) { &shown } else { "" };
            writeln!(text, "\nlog      {log} (in {place}){shown}")?;
        }
        writeln!(text, "\n`euterpe runs check {file} {run}` accounts for every entity")?;
        Ok(text)
    }
}

/// The table of jobs, parents before children; those that the graph has no more come last.
fn jobs(end: &RunEnd, session: &Session) -> Vec<Vec<String>> {
    let place = |job: &JobName| session.workspace().nodes.find(job.as_str()).map_or(usize::MAX, |at| at.0);
    let mut jobs: Vec<(&JobName, &Counts)> = end.jobs.iter().collect();
    jobs.sort_by_key(|(job, _)| place(job));
    let mut lines = vec![["job", "done", "exists", "skipped", "dead", "time", "each"].map(str::to_owned).to_vec()];
    for (job, counts) in jobs {
        let numbers = [counts.done, counts.exists, counts.skipped, counts.dead].map(|n| n.to_string());
        let (time, each) = match (counts.millis, counts.done) {
            (0, _) => (String::new(), String::new()),
            (all, 0) => (measured(all), String::new()),
            (all, done) => (measured(all), measured(all / done)),
        };
        lines.push(std::iter::once(job.to_string()).chain(numbers).chain([time, each]).collect());
    }
    lines
}
