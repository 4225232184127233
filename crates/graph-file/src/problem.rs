//! The user's error page: every problem of a graph file at once, each with its position and a remedy.

use std::cell::RefCell;
use std::fmt;

use serde::Serialize;

use super::position::Position;
use super::wording::printable;

/// The most problems that are shown; a file with more is broken as a whole.
const MOST: usize = 100;

/// One thing that is wrong with a graph file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where it is; flattened into `line` and `column` when serialised.
    #[serde(flatten)]
    pub position: Position,
    /// The key that is wrong, such as `jobs.mix.in.b`; empty for the file as a whole.
    pub path: String,
    /// What is wrong and what to do: lower case, no full stop.
    pub message: String,
}

/// Collects problems while a file is read and checked. Shared by reference, so that every check may add.
#[derive(Debug, Default)]
pub struct Findings {
    list: RefCell<Vec<Problem>>,
}

impl Findings {
    /// Adds a problem.
    pub fn add(&self, position: Position, path: impl Into<String>, message: impl Into<String>) {
        self.list.borrow_mut().push(Problem { position, path: path.into(), message: message.into() });
    }

    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// How many were found so far.
    pub fn len(&self) -> usize {
        self.list.borrow().len()
    }

    /// All problems of `file`, in the order of the file, each once.
    pub fn into_problems(self, file: impl Into<String>) -> Problems {
        let mut list = self.list.into_inner();
        list.sort_by(|a, b| (a.position, &a.path).cmp(&(b.position, &b.path)));
        list.dedup();
        let more = list.len().saturating_sub(MOST);
        list.truncate(MOST);
        Problems { file: file.into(), problems: list, more }
    }
}

/// All problems of one graph file; its `Display` is the page that a person reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// The file, as it was named.
    pub file: String,
    /// The problems in the order of the file, at most a hundred.
    pub problems: Vec<Problem>,
    /// How many there are beyond those.
    pub more: usize,
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&page(&self.file, &self.problems, self.more, ["problem", "problems"]))
    }
}

/// A page about `file`: how many of the `noun` (in the singular, in the plural) there are, then a line for each, in columns.
pub fn page(file: &str, problems: &[Problem], more: usize, noun: [&str; 2]) -> String {
    let total = problems.len() + more;
    let mut page = format!("{}: {total} {}", printable(file), noun[usize::from(total != 1)]);
    let positions: Vec<String> = problems.iter().map(|problem| position_text(problem.position)).collect();
    let paths: Vec<String> = problems.iter().map(|problem| printable(&problem.path)).collect();
    let (position_width, path_width) = (widest(&positions), widest(&paths).min(40));
    for ((problem, position), path) in problems.iter().zip(&positions).zip(&paths) {
        page += &format!("\n  {position:<position_width$}  {path:<path_width$}  {}", printable(&problem.message));
    }
    if more > 0 {
        page += &format!("\n  … and {more} more");
    }
    page
}

fn widest(texts: &[String]) -> usize {
    texts.iter().map(|text| text.chars().count()).max().unwrap_or(0)
}

fn position_text(position: Position) -> String {
    if position.line == 0 { "-".into() } else { format!("{}:{}", position.line, position.column) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wording::did_you_mean;

    #[test]
    fn the_page_lists_every_problem_in_the_order_of_the_file_in_aligned_columns() {
        let findings = Findings::default();
        findings.add(Position { line: 19, column: 9 }, "jobs.tags.pool", "expected a number from 1 to 1024, got 0");
        findings.add(
            Position { line: 12, column: 15 },
            "jobs.mix.in.b",
            format!("no job named `decod`{}", did_you_mean("decod", ["decode", "mix"])),
        );
        let page = findings.into_problems("config/audio.yaml").to_string();
        assert_eq!(
            page,
            "config/audio.yaml: 2 problems\n  \
             12:15  jobs.mix.in.b   no job named `decod`; did you mean `decode`?\n  \
             19:9   jobs.tags.pool  expected a number from 1 to 1024, got 0"
        );
    }

    #[test]
    fn a_problem_cannot_move_the_cursor_and_a_page_has_an_end() {
        let findings = Findings::default();
        for line in 1..=150 {
            findings.add(Position { line, column: 1 }, "\u{1b}[2J", "x".repeat(5000));
        }
        let page = findings.into_problems("f").to_string();
        assert!(!page.contains('\u{1b}'));
        assert!(page.ends_with("… and 50 more"), "{page}");
        assert!(page.len() < 100_000);
    }
}
