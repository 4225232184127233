//! The user's error page: every problem of a graph file at once, each with its place and a remedy.

use std::cell::RefCell;
use std::fmt::{self, Write};

use serde::Serialize;

/// The most problems that are kept; a file with more is broken as a whole.
const MOST: usize = 100;

/// A place in a file: line and column, both from 1. Line 0 stands for something outside of the file, such as a flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> At<T> {
    /// A value at a place.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

/// One thing that is wrong with a graph file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// Which key it is about, such as `jobs.mix.in.b`; empty for the file as a whole.
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
    pub fn add(&self, place: Place, path: impl Into<String>, message: impl Into<String>) {
        self.list.borrow_mut().push(Problem { place, path: path.into(), message: message.into() });
    }

    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// How many were found so far.
    pub fn len(&self) -> usize {
        self.list.borrow().len()
    }

    /// The page of `file`, in the order of the file.
    pub fn into_problems(self, file: impl Into<String>) -> Problems {
        let mut list = self.list.into_inner();
        list.sort_by(|a, b| (a.place, &a.path).cmp(&(b.place, &b.path)));
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
        let total = self.problems.len() + self.more;
        let noun = if total == 1 { "problem" } else { "problems" };
        write!(f, "{}: {total} {noun}", printable(&self.file))?;
        let places: Vec<String> = self.problems.iter().map(|problem| place_text(problem.place)).collect();
        let paths: Vec<String> = self.problems.iter().map(|problem| printable(&problem.path)).collect();
        let place_width = widest(&places);
        let path_width = widest(&paths).min(40);
        for ((problem, place), path) in self.problems.iter().zip(&places).zip(&paths) {
            write!(f, "\n  {place:<place_width$}  {path:<path_width$}  {}", printable(&problem.message))?;
        }
        if self.more > 0 {
            write!(f, "\n  … and {} more", self.more)?;
        }
        Ok(())
    }
}

fn widest(texts: &[String]) -> usize {
    texts.iter().map(|text| text.chars().count()).max().unwrap_or(0)
}

fn place_text(place: Place) -> String {
    if place.line == 0 { "-".into() } else { format!("{}:{}", place.line, place.column) }
}

/// The text without what could move a terminal's cursor or hide itself, cut to a readable length.
pub fn printable(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut out = String::with_capacity(text.len().min(LONGEST));
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        if c.is_control() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}') {
            write!(out, "{}", c.escape_unicode()).expect("writing to a string");
        } else {
            out.push(c);
        }
    }
    out
}

/// The name among `known` that `wrong` most likely means, as the end of a sentence: "; did you mean `decode`?".
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    if wrong.len() > 64 {
        return String::new();
    }
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(wrong.len()) / 4)
        .min()
        .map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_problem_in_the_order_of_the_file_in_aligned_columns() {
        let findings = Findings::default();
        findings.add(Place { line: 19, column: 9 }, "jobs.tags.pool", "expected a number from 1 to 1024, got 0");
        findings.add(
            Place { line: 12, column: 15 },
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
            findings.add(Place { line, column: 1 }, "\u{1b}[2J", "x".repeat(5000));
        }
        let page = findings.into_problems("f").to_string();
        assert!(!page.contains('\u{1b}'));
        assert!(page.ends_with("… and 50 more"), "{page}");
        assert!(page.len() < 100_000);
    }

    #[test]
    fn only_names_that_are_near_are_suggested() {
        assert_eq!(did_you_mean("decod", ["decode", "mix"]), "; did you mean `decode`?");
        assert_eq!(did_you_mean("spectrum", ["decode", "mix"]), "");
        assert_eq!(did_you_mean("outptus", ["outputs"]), "; did you mean `outputs`?");
    }
}
