//! The last log lines of a process, numbered from its start, up to a bound.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::filter::LogFilter;
use super::line::LogLine;
use crate::clock::salt;

/// How many lines are kept, and how many bytes.
const LINES: usize = 10_000;
const BYTES: usize = 4 << 20;
/// How much of a text is kept.
const LONGEST: usize = 16 << 10;
/// How much is given out at once.
const PART_LINES: usize = 500;
const PART_BYTES: usize = 128 << 10;

/// The last log lines of a process.
#[derive(Debug)]
pub struct LogRing {
    /// A number that no other process has.
    pub process: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    lines: VecDeque<LogLine>,
    bytes: usize,
    /// The number of the oldest line that is kept.
    first: u64,
}

impl Inner {
    fn next(&self) -> u64 {
        self.first + self.lines.len() as u64
    }
}

/// Lines with their numbers: those that were asked for among the numbers from `from` up to, and without, `to`.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The first number that was looked at.
    pub from: u64,
    /// The number after the last one that was looked at.
    pub to: u64,
    /// The lines.
    pub lines: Vec<(u64, LogLine)>,
    /// Whether there are no more.
    pub is_last: bool,
}

impl Default for LogRing {
    fn default() -> Self {
        Self { process: salt(), inner: Mutex::default() }
    }
}

impl LogRing {
    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a line, in the place of the oldest ones where there is no room.
    pub fn push(&self, mut line: LogLine) {
        line.shorten(LONGEST);
        let mut inner = self.locked();
        inner.bytes += line.size();
        inner.lines.push_back(line);
        while inner.lines.len() > LINES || inner.bytes > BYTES {
            let Some(oldest) = inner.lines.pop_front() else { break };
            inner.bytes -= oldest.size();
            inner.first += 1;
        }
    }

    /// The number that the next line will have.
    pub fn next(&self) -> u64 {
        self.locked().next()
    }

    /// Where to begin for what a filter asks for: with the oldest line, or with the first of so many of the last ones.
    pub fn start(&self, filter: &LogFilter) -> u64 {
        let (inner, mut left) = (self.locked(), filter.tail);
        for (at, line) in inner.lines.iter().enumerate().rev() {
            match &mut left {
                None => return 0,
                Some(0) => return inner.first + at as u64 + 1,
                Some(left) if filter.takes(line) => *left -= 1,
                Some(_) => {}
            }
        }
        match left {
            Some(0) if inner.lines.is_empty() => inner.next(),
            _ => inner.first,
        }
    }

    /// The lines that a filter takes, from a number on: a part of them, if there are many. Those that are kept no more are
    /// not in its numbers.
    pub fn part(&self, from: u64, filter: &LogFilter) -> Part {
        let inner = self.locked();
        let from = from.max(inner.first);
        let mut part = Part { from, to: from, lines: Vec::new(), is_last: true };
        let mut bytes = 0;
        for line in inner.lines.iter().skip((from - inner.first) as usize) {
            if part.lines.len() >= PART_LINES || bytes >= PART_BYTES {
                part.is_last = false;
                break;
            }
            if filter.takes(line) {
                bytes += line.size();
                part.lines.push((part.to, line.clone()));
            }
            part.to += 1;
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::line::LogLevel;
    use super::*;

    fn line(job: &str, text: &str) -> LogLine {
        let said = json!({"message": text, "job": job});
        LogLine::new(0, LogLevel::Info, String::new(), said.as_object().expect("fields").clone())
    }

    fn of(job: Option<&str>, tail: Option<usize>) -> LogFilter {
        LogFilter { job: job.map(str::to_owned), tail, ..LogFilter::from_level(LogLevel::Info) }
    }

    #[test]
    fn the_last_lines_are_kept_under_their_numbers_and_the_oldest_go() {
        let ring = LogRing::default();
        (0..LINES + 3).for_each(|number| ring.push(line("a", &number.to_string())));
        let part = ring.part(0, &of(None, None));
        assert_eq!((part.from, part.lines.len(), part.is_last), (3, PART_LINES, false));
        assert_eq!((part.lines[0].0, part.lines[0].1.message.as_str()), (3, "3"));
        let rest = ring.part(part.to, &of(None, None));
        assert_eq!((rest.from, rest.lines[0].0), (part.to, part.to));
        assert_eq!(ring.next(), LINES as u64 + 3);
    }

    #[test]
    fn long_lines_are_kept_up_to_a_number_of_bytes() {
        let ring = LogRing::default();
        (0..1000).for_each(|_| ring.push(line("a", &"x".repeat(64 << 10))));
        let kept = ring.locked().lines.len();
        assert!(kept > 100 && kept <= BYTES / LONGEST, "{kept}");
        assert!(ring.locked().lines[0].message.ends_with("x… (49152 bytes left out)"));
    }

    #[test]
    fn the_last_ones_of_a_job_are_found_among_those_of_others() {
        let ring = LogRing::default();
        ["a", "b", "a", "b", "b"].into_iter().for_each(|job| ring.push(line(job, job)));
        let numbers = |filter: LogFilter| {
            let part = ring.part(ring.start(&filter), &filter);
            part.lines.into_iter().map(|(number, _)| number).collect::<Vec<_>>()
        };
        assert_eq!(numbers(of(Some("a"), Some(1))), [2]);
        assert_eq!(numbers(of(Some("a"), Some(7))), [0, 2]);
        assert_eq!(numbers(of(None, Some(2))), [3, 4]);
        assert_eq!(numbers(of(None, Some(0))), [0; 0]);
        assert_eq!(numbers(of(None, None)), [0, 1, 2, 3, 4]);
    }
}
