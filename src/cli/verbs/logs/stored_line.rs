//! A line as it is stored, read again.

use euterpe_engine::{LogLevel, LogLine};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Reads a line; none where it is damaged.
pub(super) fn read(line: &[u8]) -> Option<LogLine> {
    let mut said: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let mut word = |name: &str| match said.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let time: Timestamp = word("timestamp")?.parse().ok()?;
    let level: LogLevel = serde_json::from_value(word("level")?.into()).ok()?;
    let target = word("target")?;
    Some(LogLine::new(time.as_microsecond(), level, target, said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written_and_what_is_damaged_is_none() {
        let text =
            r#"{"timestamp":"1970-01-01T00:00:01.5Z","level":"WARN","target":"t","message":"m","job":"mel","value":2}"#;
        let line = read(text.as_bytes()).expect("a line");
        assert_eq!((line.micros, line.level, line.job.as_deref()), (1_500_000, LogLevel::Warn, Some("mel")));
        assert_eq!((line.message.as_str(), &line.others["value"]), ("m", &2.into()));
        let damaged = [&text[..50], "[]", r#"{"message":"m"}"#, "\u{0}"];
        assert!(damaged.iter().all(|text| read(text.as_bytes()).is_none()));
    }
}
