//! What `ls` shows: a table that is as wide as its first lines need and goes on without end, or ids, or JSON.

use euterpe_engine::{Entry, Item, ItemOutput};
use serde_json::{Value, json};

use super::words::{columns, name, plain, sentence, short, size, time};

/// How many lines are set in columns together.
const FIRST: usize = 200;

/// A table, some lines at a time.
#[derive(Debug)]
pub struct InventoryPage {
    long: bool,
    /// The time in milliseconds after the Unix epoch.
    now: u64,
    waiting: Vec<Vec<String>>,
    /// As wide as the widest cells of the first lines.
    widths: Vec<usize>,
}

impl InventoryPage {
    /// A table with its titles; a long one has all that is known.
    pub fn new(long: bool, now: u64) -> Self {
        let titles: &[&str] = match long {
            true => &["id", "job", "state", "bytes", "written", "run", "place", "why"],
            false => &["id", "job", "state", "size", "age", "place"],
        };
        let waiting = vec![titles.iter().map(|title| (*title).to_owned()).collect()];
        Self { long, now, waiting, widths: Vec::new() }
    }

    /// Adds an entity; the lines that are ready.
    pub fn add(&mut self, entry: &Entry) -> String {
        for item in &entry.items {
            let lines: Vec<_> = item.outputs.iter().map(|output| self.line(entry, item, output)).collect();
            self.waiting.extend(lines);
        }
        if self.waiting.len() < FIRST { String::new() } else { self.lines() }
    }

    /// The lines that are left.
    pub fn lines(&mut self) -> String {
        let mut lines = std::mem::take(&mut self.waiting);
        // Blanks as wide as the cells before keep their columns where they are.
        let added = !self.widths.is_empty();
        if added {
            lines.insert(0, self.widths.iter().map(|width| " ".repeat(*width)).collect());
        }
        let wide = lines.iter().map(Vec::len).max().unwrap_or(0);
        let width = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|cell| cell.chars().count()).max();
        self.widths = (0..wide).map(|at| width(at).unwrap_or(0).min(48)).collect();
        let text = columns(&lines, if self.long { &[3] } else { &[3, 4] });
        match added {
            true => text.split_once('\n').map_or_else(String::new, |(_, rest)| rest.to_owned()),
            false => text,
        }
    }

    fn line(&self, entry: &Entry, item: &Item, output: &ItemOutput) -> Vec<String> {
        let job = if output.name.is_empty() { item.job.to_string() } else { format!("{}.{}", item.job, output.name) };
        let place = if output.there { plain(&output.place, false) } else { String::new() };
        let id = name(entry.entity.as_str());
        if self.long {
            let said = [item.reason.clone(), item.cause.as_ref().map(|at| format!("at {at}")), item.text.clone()];
            let why = said.into_iter().flatten().collect::<Vec<_>>().join(": ");
            let bytes = output.size.map_or_else(String::new, |size| size.to_string());
            let run = output.run.map_or_else(String::new, |run| run.to_string());
            let written = output.modified.map_or_else(String::new, time);
            return vec![id, job, item.state.name().to_owned(), bytes, written, run, place, sentence(&why)];
        }
        let state = match &item.reason {
            Some(reason) => format!("{} ({reason})", item.state.name()),
            None => item.state.name().to_owned(),
        };
        let age = |millis: u64| short(std::time::Duration::from_millis(self.now.saturating_sub(millis)));
        let (size, age) = (output.size.map_or_else(String::new, size), output.modified.map_or_else(String::new, age));
        vec![id, job, state, size, age, place]
    }
}

/// What jobs make of an entity, an object for each job.
pub fn facts(entry: &Entry) -> impl Iterator<Item = Value> {
    entry.items.iter().map(|item| {
        let mut fact = json!({"id": entry.entity});
        if let (Some(fact), Ok(Value::Object(fields))) = (fact.as_object_mut(), serde_json::to_value(item)) {
            fact.extend(fields);
        }
        fact
    })
}
