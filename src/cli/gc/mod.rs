//! `gc`: removes what dead processes left behind, and records of runs that nobody needs any more; `-n` only shows it.

mod kinds;
mod records;

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::broker::duration;
use super::place::{Place, wait_for};
use super::words::{columns, size};
use super::{Exit, Output};
use crate::telemetry;
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::{Opened, share};

/// Remove what dead processes left behind, and records of runs that are long done. Never touches outputs.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,

    /// Only show what would be removed.
    #[arg(short = 'n', long)]
    dry_run: bool,

    /// Take for left behind what nobody has written to for so long.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
    older_than: Duration,

    /// Remove the records of runs that began so long ago, where every entity is done or skipped.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = duration)]
    runs_older_than: Duration,
}

/// What was found of one kind.
struct Found {
    kind: &'static str,
    count: u64,
    bytes: u64,
    /// What could not be looked at or removed.
    problems: Vec<String>,
}

impl Found {
    fn none(kind: &'static str) -> Self {
        Self { kind, count: 0, bytes: 0, problems: Vec::new() }
    }

    fn add(&mut self, count: u64, bytes: u64) {
        self.count += count;
        self.bytes += bytes;
    }
}

/// Removes what is left behind: exit 0, or 1 where some of it could not be looked at or removed.
///
/// # Errors
/// A state that another process has alone; where standard output cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    // Opened to look: who opens to write sweeps some of it before it can be counted.
    let opened = match args.place.look(registry, out)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    // A run in one process has the folder alone: it may be resuming the very run whose records would go.
    let _beside_nodes = if args.dry_run { None } else { share(&opened)? };
    let found = wait_for(find(args, &opened));
    for problem in found.iter().flat_map(|found| &found.problems) {
        telemetry::say(problem);
    }
    match out.json {
        true => out.fact(&json(args, &found))?,
        false => out.text(&text(args, &found))?,
    }
    Ok(if found.iter().all(|found| found.problems.is_empty()) { Exit::Ok } else { Exit::Failed })
}

async fn find(args: &Args, opened: &Opened) -> Vec<Found> {
    let (age, dry_run) = (args.older_than, args.dry_run);
    vec![
        kinds::scratch(opened, age, dry_run),
        kinds::uploads(opened, age, dry_run).await,
        kinds::temporary(opened, age, dry_run).await,
        kinds::claims(opened, age, dry_run).await,
        records::runs(opened, args.runs_older_than, dry_run).await,
    ]
}

fn text(args: &Args, found: &[Found]) -> String {
    let did = if args.dry_run { "would be removed" } else { "removed" };
    let mut lines = vec![[did, "count", "size"].map(str::to_owned).to_vec()];
    lines.extend(found.iter().map(|found| vec![found.kind.to_owned(), found.count.to_string(), size(found.bytes)]));
    let (count, bytes) = found.iter().fold((0, 0), |(count, bytes), found| (count + found.count, bytes + found.bytes));
    lines.push(vec!["in all".to_owned(), count.to_string(), size(bytes)]);
    columns(&lines, &[1, 2])
}

fn json(args: &Args, found: &[Found]) -> Value {
    let kind = |found: &Found| {
        let name = found.kind.replace(' ', "_");
        (name, json!({"count": found.count, "bytes": found.bytes, "problems": found.problems}))
    };
    let kinds: Map<String, Value> = found.iter().map(kind).collect();
    json!({
        "event": "gc", "dry_run": args.dry_run, "older_than_seconds": args.older_than.as_secs(),
        "runs_older_than_seconds": args.runs_older_than.as_secs(), "kinds": kinds,
    })
}
