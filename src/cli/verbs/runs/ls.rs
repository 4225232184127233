//! `runs ls`: the runs of a graph, a line each.

use euterpe_actors::ids::RunId;
use euterpe_actors::transform::Registry;
use euterpe_engine::RunRecord;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::args::{MemoryArgs, Place, wait_for};
use crate::cli::page::Output;
use crate::cli::page::words::{columns, selection, time};

/// A run on one line.
#[derive(Debug, Serialize)]
struct Line {
    run: RunId,
    graph: String,
    asked: String,
    /// How many entities it had; none where it has no end record.
    entities: Option<u64>,
    /// Outputs that it made.
    done: Option<u64>,
    /// Dead letters that lie there now.
    dead_letters: usize,
    ended: Ended,
    /// Whether all of its ids are known to have been read.
    all_read: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Ended {
    /// Brought to its end.
    Complete,
    /// Stopped or only published, and all that it asked for came to its end since.
    Over,
    /// Stopped by somebody.
    Stopped,
    /// No end record: it goes on, or its process died.
    Unknown,
}

/// Lists the runs, the oldest first.
///
/// # Errors
/// What keeps the state store from being read.
pub(super) fn run(place: &Place, memory: MemoryArgs, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match place.open_as_in(None, registry, out, memory.opening())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let lines: Vec<Line> = wait_for(session.runs())?.into_iter().map(Line::of).collect();
    if out.json {
        lines.iter().try_for_each(|line| out.fact(line))?;
    } else if lines.is_empty() {
        out.text(&format!("no runs yet (in {})", session.workspace().state.place()))?;
    } else {
        out.text(&table(&lines))?;
    }
    Ok(Exit::Ok)
}

impl Line {
    fn of(record: RunRecord) -> Self {
        let RunRecord { manifest, end, all_read, letters, is_over } = record;
        Self {
            run: manifest.run,
            asked: selection(&manifest.selection),
            graph: manifest.graph,
            entities: end.as_ref().map(|end| end.entities),
            done: end.as_ref().map(|end| end.jobs.values().map(|job| job.done).sum()),
            dead_letters: letters,
            all_read,
            ended: match end {
                Some(end) if end.complete && all_read => Ended::Complete,
                _ if is_over => Ended::Over,
                Some(_) => Ended::Stopped,
                None => Ended::Unknown,
            },
        }
    }
}

fn table(lines: &[Line]) -> String {
    let titles = ["run", "started (UTC)", "entities", "made", "dead", "ended", "asked"];
    let mut cells = vec![titles.map(str::to_owned).to_vec()];
    let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    for line in lines {
        let ended = match line.ended {
            Ended::Complete => "complete",
            Ended::Over => "all ended",
            Ended::Stopped if !line.all_read => "stopped, ids unread",
            Ended::Stopped => "stopped",
            Ended::Unknown => "no end record",
        };
        cells.push(vec![
            line.run.to_string(),
            time(line.run.millis()).chars().take("2026-11-28 11:25".len()).collect(),
            number(line.entities),
            number(line.done),
            line.dead_letters.to_string(),
            ended.to_owned(),
            line.asked.clone(),
        ]);
    }
    columns(&cells, &[2, 3, 4])
}
