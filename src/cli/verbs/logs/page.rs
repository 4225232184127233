//! Log lines on paper: for people in one line each, or more that are set in; or as JSON.

use std::fmt::Write;

use euterpe_engine::LogLine;
#[cfg(feature = "amqp")]
use euterpe_engine::{LogNews, LogView, NodeLine};
use jiff::Timestamp;
use serde_json::Value;

use crate::cli::page::Output;
use crate::cli::page::words::{count, cut, name, plain};
use crate::telemetry;

/// The most characters of a text that people are shown; JSON has all of them.
const LONGEST: usize = 4000;

/// Shows lines as they are found.
pub(super) struct Shown {
    out: Output,
    is_nothing: bool,
}

impl Shown {
    pub(super) fn new(out: Output) -> Self {
        Self { out, is_nothing: true }
    }

    /// Whether nothing was shown yet.
    pub(super) fn is_nothing(&self) -> bool {
        self.is_nothing
    }

    /// Shows lines of a run's own log; whether anybody reads them.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub(super) fn lines(&mut self, lines: impl IntoIterator<Item = LogLine>) -> anyhow::Result<bool> {
        let text = lines.into_iter().map(|line| self.written(None, &line)).collect();
        self.print(text)
    }

    /// Says that some lines cannot be read.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub(super) fn damaged(&mut self, lines: u64) -> anyhow::Result<()> {
        if lines > 0 {
            telemetry::say(&format!("{} of the log cannot be read", count(lines, "line", "lines")));
        }
        Ok(())
    }

    fn print(&mut self, text: String) -> anyhow::Result<bool> {
        self.is_nothing &= text.is_empty();
        Ok(self.out.lines(&text)?)
    }

    fn written(&self, node: Option<&str>, line: &LogLine) -> String {
        match self.out.json {
            true => format!("{}\n", json(node, line)),
            false => text(node, line),
        }
    }
}

#[cfg(feature = "amqp")]
impl LogView for Shown {
    fn show(&mut self, lines: &[NodeLine], news: &[LogNews]) -> anyhow::Result<bool> {
        let mut text = String::new();
        for news in news {
            let (node, word, lines, why) = match news {
                LogNews::LeftOut { node, lines } => (node, "left_out", lines, "left out"),
                LogNews::Forgotten { node, lines } => (node, "forgotten", lines, "from before are kept no more"),
                LogNews::Silent { node, why } => {
                    telemetry::say(&format!("no lines of node {}: {}", name(node), plain(why, false)));
                    continue;
                }
            };
            text += &match self.out.json {
                true => format!("{}\n", serde_json::json!({"node": node, word: lines})),
                false => format!("{}: {} {why}\n", name(node), count(*lines, "line", "lines")),
            };
        }
        text.extend(lines.iter().map(|line| self.written(line.node.as_deref(), &line.line)));
        self.print(text)
    }
}

fn time(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

/// A line as `--log json` has it, with its node.
fn json(node: Option<&str>, line: &LogLine) -> Value {
    let mut said = line.said();
    said.insert("timestamp".into(), time(line.micros).map(|time| time.to_string()).into());
    said.extend(node.map(|node| ("node".to_owned(), node.into())));
    Value::Object(said)
}

/// A line for people, with its end: when, how serious, on which node, of which work, what. What it says cannot steer a
/// terminal, nor look like another line.
fn text(node: Option<&str>, line: &LogLine) -> String {
    let at =
        time(line.micros).map_or_else(|| "?".to_owned(), |time| time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
    let mut head = format!("{at} {:5}", line.level.text());
    let mut word = |word: String| head += &format!(" {word}");
    if let Some(node) = node {
        word(name(node));
    }
    match (&line.job, &line.entity) {
        (Some(job), Some(entity)) => word(format!("{}({})", name(job), name(entity))),
        (Some(whose), None) | (None, Some(whose)) => word(name(whose)),
        (None, None) => {}
    }
    if let Some(before @ 1..) = line.attempt {
        word(format!("try {}", before + 1));
    }
    let mut said = line.message.clone();
    for (name, value) in &line.others {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let blank = if said.is_empty() { "" } else { " " };
        // A line that cannot be written is one that a String cannot hold.
        write!(said, "{blank}{name}={value}").ok();
    }
    let all = said.chars().count();
    let mut said = cut(&said, LONGEST);
    if all > LONGEST {
        said += &format!(" ({} more characters; --json has them)", all - LONGEST + 1);
    }
    format!("{head}: {}\n", plain(said.trim_end(), true).replace('\n', "\n    "))
}

#[cfg(test)]
mod tests {
    use euterpe_engine::LogLevel;
    use serde_json::json;

    use super::*;

    fn line(said: &Value) -> LogLine {
        let said = said.as_object().expect("fields").clone();
        LogLine::new(1_500_000, LogLevel::Info, "t".into(), said)
    }

    #[test]
    fn what_a_line_says_can_steer_no_terminal_and_look_like_no_other_line() {
        let hostile = line(&json!({
            "message": "one\u{1b}[2J\r\n2026-11-29T10:00:00.000Z ERROR node-9: two\u{202e}\u{7}", "job": "mel", "entity": "a\nb",
            "attempt": 1, "error": "\u{9b}31m",
        }));
        let shown = text(Some("no\u{1b}de"), &hostile);
        let mut lines = shown.lines();
        let first = "1970-01-01T00:00:01.500Z INFO  no\\u{1b}de mel(a\\nb) try 2: one\\u{1b}[2J";
        assert_eq!(lines.next(), Some(first));
        let second = "    2026-11-29T10:00:00.000Z ERROR node-9: two\\u{202e}\\u{7} error=\\u{9b}31m";
        assert_eq!((lines.next(), lines.next()), (Some(second), None));
    }

    #[test]
    fn a_long_text_is_cut_for_people_and_whole_in_json() {
        let long = line(&json!({"message": "é".repeat(65_536)}));
        let shown = text(None, &long);
        assert!(
            shown.chars().count() < LONGEST + 100 && shown.ends_with("é… (61537 more characters; --json has them)\n")
        );
        assert_eq!(json(None, &long)["message"].as_str().map(|text| text.chars().count()), Some(65_536));
    }

    #[test]
    fn a_line_without_a_sentence_shows_its_fields() {
        let shown = text(None, &line(&json!({"metric": "loudness", "value": -7.5, "job": "mel"})));
        assert_eq!(shown, "1970-01-01T00:00:01.500Z INFO  mel: metric=loudness value=-7.5\n");
    }
}
