//! How long the lines of a Python transform took, as its worker wrote it down.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// The lines of all files that were measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lines {
    /// What measured them: `line_profiler`, or `euterpe`.
    pub by: String,
    /// The files, each with its lines.
    pub files: Vec<File>,
}

/// The lines of one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct File {
    pub file: String,
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub line: u32,
    /// How often it began.
    pub hits: u64,
    /// With what it calls.
    pub seconds: f64,
    /// Its text.
    pub source: String,
}

/// A line that takes a smaller part of the longest one is not shown.
const SMALLEST: f64 = 0.001;

impl Lines {
    /// Reads what a worker wrote.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(file).context("the worker wrote down no lines")?;
        serde_json::from_slice(&text).context("what the worker wrote down of its lines cannot be read")
    }

    /// The same for people: the lines that take a thousandth of the longest one, in the order of their files.
    pub fn page(&self) -> String {
        let all = || self.files.iter().flat_map(|file| &file.lines);
        let longest = all().map(|line| line.seconds).fold(0.0, f64::max);
        let by = if self.by == "line_profiler" { "line_profiler" } else { "the program's own tracer" };
        let mut page = format!("  lines, by {by}, with what each calls (a try of its own, slower by the measuring)\n");
        for file in &self.files {
            let shown = file.lines.iter().filter(|line| line.seconds >= longest * SMALLEST);
            let shown: Vec<&Line> = shown.collect();
            if shown.is_empty() {
                continue;
            }
            page += &format!("    {}\n", file.file);
            for Line { line, hits, seconds, source } in shown {
                page += &format!("    {line:>5}  {seconds:>9.3} s  {hits:>9} ×  {source}\n");
            }
        }
        page
    }
}
