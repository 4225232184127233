//! `gc`: removes what dead processes left behind, and records of runs that nobody needs any more; `-n` only shows it.

use std::time::Duration;

use euterpe_actors::transform::Registry;
use euterpe_engine::Garbage;
use serde_json::{Map, Value, json};

use crate::cli::Exit;
use crate::cli::args::{MemoryArgs, Place, duration, wait_for};
use crate::cli::page::Output;
use crate::cli::page::words::{columns, size};
use crate::telemetry;

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

    /// Also remove records that cannot be read: torn, or written by a newer version. Reads every record.
    #[arg(long)]
    unreadable: bool,

    #[command(flatten)]
    memory: MemoryArgs,
}

/// Removes what is left behind: exit 0, or 1 where some of it could not be looked at or removed.
///
/// # Errors
/// A state that another process has alone; where standard output cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    // Opened to look: opening to write sweeps some of it before it can be counted.
    let session = match args.place.open_as_in(None, registry, out, args.memory.opening())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    // A run in one process has the folder alone: it may be resuming the very run whose records would go.
    let _beside_nodes = if args.dry_run { None } else { session.workspace().share()? };
    let found = wait_for(async {
        let mut found = session.gc(args.older_than, args.runs_older_than, args.dry_run).await;
        if args.unreadable {
            found.push(session.remove_unreadable(args.dry_run).await);
        }
        anyhow::Ok(found)
    })?;
    for problem in found.iter().flat_map(|found| &found.problems) {
        telemetry::say(problem);
    }
    match out.json {
        true => out.fact(&json(args, &found))?,
        false => out.text(&text(args, &found))?,
    }
    Ok(if found.iter().all(|found| found.problems.is_empty()) { Exit::Ok } else { Exit::Failed })
}

fn text(args: &Args, found: &[Garbage]) -> String {
    let did = if args.dry_run { "would be removed" } else { "removed" };
    let mut lines = vec![[did, "count", "size"].map(str::to_owned).to_vec()];
    lines.extend(
        found.iter().map(|found| vec![found.kind.name().to_owned(), found.count.to_string(), size(found.bytes)]),
    );
    let (count, bytes) = found.iter().fold((0, 0), |(count, bytes), found| (count + found.count, bytes + found.bytes));
    lines.push(vec!["in all".to_owned(), count.to_string(), size(bytes)]);
    columns(&lines, &[1, 2])
}

fn json(args: &Args, found: &[Garbage]) -> Value {
    let kind = |found: &Garbage| {
        let name = found.kind.name().replace(' ', "_");
        (name, json!({"count": found.count, "bytes": found.bytes, "problems": found.problems}))
    };
    let kinds: Map<String, Value> = found.iter().map(kind).collect();
    json!({
        "event": "gc", "dry_run": args.dry_run, "older_than_seconds": args.older_than.as_secs(),
        "runs_older_than_seconds": args.runs_older_than.as_secs(), "kinds": kinds,
    })
}
