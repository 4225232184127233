//! `runs show`: what a run was asked to do, and how it ended.

use std::collections::BTreeMap;
use std::fmt::Write;

use euterpe_actors::ids::JobName;
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{LetterFilter, Manifest, RunEnd};
use euterpe_actors::transform::Registry;
use euterpe_engine::Session;
use serde_json::{Value, json};

use super::One;
use crate::cli::Exit;
use crate::cli::args::wait_for;
use crate::cli::page::Output;
use crate::cli::page::words::{columns, count, selection, time};

struct Shown {
    manifest: Manifest,
    end: Option<RunEnd>,
    chunks: usize,
    letters: BTreeMap<(JobName, Reason), u64>,
}

/// Shows a run.
///
/// # Errors
/// A run that is not there; what keeps the state store from being read.
pub(super) fn run(one: &One, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match one.place.look(registry, out)? {
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
    let mut letters = BTreeMap::new();
    for key in state.letter_keys(&LetterFilter { run: Some(run.into()), ..LetterFilter::default() }).await? {
        if let Some(letter) = state.letter(&key).await? {
            *letters.entry((letter.job, letter.reason)).or_default() += 1;
        }
    }
    let (manifest, end) = (session.manifest(run).await?, state.run_end(run).await?);
    Ok(Shown { manifest, end, chunks: state.chunks(run).await?.len(), letters })
}

impl Shown {
    fn json(&self) -> Value {
        let letter =
            |((job, reason), count): (&(JobName, Reason), &u64)| json!({"job": job, "reason": reason, "count": count});
        let letters: Vec<Value> = self.letters.iter().map(letter).collect();
        json!({"manifest": self.manifest, "end": self.end, "chunks": self.chunks, "dead_letters": letters})
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
                let how = if end.complete { "complete" } else { "stopped" };
                let entities = count(end.entities, "entity", "entities");
                writeln!(text, "ended    {}, {how}, {entities}", time(end.millis))?;
            }
            None => writeln!(text, "ended    no end record: it goes on, or its process died")?,
        }
        if let Some(end) = &self.end {
            let mut lines = vec![["job", "done", "exists", "skipped", "dead"].map(str::to_owned).to_vec()];
            for (job, counts) in &end.jobs {
                let numbers = [counts.done, counts.exists, counts.skipped, counts.dead].map(|n| n.to_string());
                lines.push(std::iter::once(job.to_string()).chain(numbers).collect());
            }
            write!(text, "\n{}", columns(&lines, &[1, 2, 3, 4]))?;
        }
        if !self.letters.is_empty() {
            writeln!(text, "\ndead letters that lie there now")?;
            for ((job, reason), count) in &self.letters {
                writeln!(text, "  {job}: {count} {reason}")?;
            }
        }
        writeln!(text, "\n`euterpe runs check {file} {run}` accounts for every entity")?;
        Ok(text)
    }
}
