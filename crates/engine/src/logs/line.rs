//! One line of a log: when, how serious, of whose work, what.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How serious a line is, the most serious first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// Somebody has to do something.
    Error,
    /// Somebody should know.
    Warn,
    /// What transforms print and measure, tries that failed.
    Info,
    /// Everything else.
    Debug,
    /// And more.
    Trace,
}

impl LogLevel {
    /// As it stands in a line.
    pub fn text(self) -> &'static str {
        match self {
            LogLevel::Error => "ERROR",
            LogLevel::Warn => "WARN",
            LogLevel::Info => "INFO",
            LogLevel::Debug => "DEBUG",
            LogLevel::Trace => "TRACE",
        }
    }
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// When, in microseconds after the Unix epoch, by the clock of the machine.
    pub micros: i64,
    /// How serious it is.
    pub level: LogLevel,
    /// The part of the program.
    pub target: String,
    /// The sentence; empty where the other fields say it all.
    pub message: String,
    /// Of which job it is, where it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Of which entity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<String>,
    /// Of which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Tries that failed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
    /// What else it says.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub others: Map<String, Value>,
}

/// About how much memory a line takes beside its texts.
const FRAME: usize = 256;

impl LogLine {
    /// A line with these fields.
    pub fn new(micros: i64, level: LogLevel, target: String, mut said: Map<String, Value>) -> Self {
        let mut word = |name: &str| match said.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text).filter(|text| !text.is_empty()),
            Some(other) => Some(other.to_string()),
        };
        let (message, attempt) = (word("message").unwrap_or_default(), word("attempt").and_then(|n| n.parse().ok()));
        let (job, entity, run) = (word("job"), word("entity"), word("run"));
        Self { micros, level, target, message, job, entity, run, attempt, others: said }
    }

    /// Its fields, but for its time.
    pub fn said(&self) -> Map<String, Value> {
        let mut said = self.others.clone();
        let words = [("job", &self.job), ("entity", &self.entity), ("run", &self.run)];
        let words = words.into_iter().filter_map(|(name, word)| Some((name.to_owned(), word.clone()?.into())));
        said.extend(words);
        said.extend(self.attempt.map(|attempt| ("attempt".to_owned(), attempt.into())));
        said.insert("level".into(), self.level.text().into());
        said.insert("target".into(), self.target.clone().into());
        said.insert("message".into(), self.message.clone().into());
        said
    }

    /// About how much memory it takes.
    pub fn size(&self) -> usize {
        let others =
            self.others.iter().map(|(name, value)| FRAME / 4 + name.len() + value.as_str().map_or(8, str::len));
        FRAME + self.message.len() + self.entity.as_ref().map_or(0, String::len) + others.sum::<usize>()
    }

    /// Leaves out what is beyond `most` bytes in each of its texts, and says so there.
    pub fn shorten(&mut self, most: usize) {
        let others = self.others.values_mut().filter_map(|value| match value {
            Value::String(text) => Some(text),
            _ => None,
        });
        for text in others.chain([&mut self.message]).filter(|text| text.len() > most) {
            let left_out = text.len() - text.floor_char_boundary(most);
            text.truncate(text.len() - left_out);
            *text += &format!("… ({left_out} bytes left out)");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(said: &Value) -> LogLine {
        LogLine::new(7, LogLevel::Warn, "t".into(), said.as_object().expect("fields").clone())
    }

    #[test]
    fn a_line_says_the_fields_that_it_was_made_of_but_for_those_that_hold_nothing() {
        let said = json!({"message": "m", "job": "mel", "entity": "", "run": null, "attempt": 2, "value": 0.5});
        let line = line(&said);
        assert_eq!((line.job.as_deref(), line.entity.as_deref(), line.attempt), (Some("mel"), None, Some(2)));
        let all = json!({"message": "m", "job": "mel", "attempt": 2, "value": 0.5, "level": "WARN", "target": "t"});
        assert_eq!(Value::Object(line.said()), all);
    }

    #[test]
    fn a_text_that_is_too_long_says_how_much_of_it_is_missing() {
        let mut line = line(&json!({"message": "é".repeat(10), "error": "12345", "short": "123"}));
        line.shorten(3);
        assert_eq!(line.message, "é… (18 bytes left out)");
        assert_eq!((&line.others["error"], &line.others["short"]), (&"123… (2 bytes left out)".into(), &"123".into()));
    }
}
