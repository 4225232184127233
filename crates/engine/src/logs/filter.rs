//! Which lines of a log are asked for.

use serde::{Deserialize, Serialize};

use super::line::{LogLevel, LogLine};

/// Which lines are asked for; what is none or empty asks for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFilter {
    /// Those of this job.
    #[serde(default)]
    pub job: Option<String>,
    /// Those of these entities.
    #[serde(default)]
    pub entities: Vec<String>,
    /// Those of this run.
    #[serde(default)]
    pub run: Option<String>,
    /// Those that are at least so serious.
    pub level: LogLevel,
    /// Those since then, in microseconds after the Unix epoch.
    #[serde(default)]
    pub since: Option<i64>,
    /// Of what is there, so many of the last ones.
    #[serde(default)]
    pub tail: Option<usize>,
}

impl LogFilter {
    /// All lines that are at least so serious.
    pub fn from_level(level: LogLevel) -> Self {
        Self { job: None, entities: Vec::new(), run: None, level, since: None, tail: None }
    }

    /// Whether a line is asked for, wherever it stands.
    pub fn takes(&self, line: &LogLine) -> bool {
        let is = |asked: &Option<String>, said: &Option<String>| asked.is_none() || asked == said;
        line.level <= self.level
            && self.since.is_none_or(|since| line.micros >= since)
            && is(&self.job, &line.job)
            && is(&self.run, &line.run)
            && (self.entities.is_empty() || line.entity.as_ref().is_some_and(|id| self.entities.contains(id)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_taken_if_all_that_is_asked_holds_for_it() {
        let said = json!({"message": "m", "job": "mel", "entity": "t-1", "run": "r"});
        let line = LogLine::new(7, LogLevel::Warn, "t".into(), said.as_object().expect("fields").clone());
        let all = LogFilter::from_level(LogLevel::Info);
        let job = |job: &str| LogFilter { job: Some(job.into()), ..all.clone() };
        let ids = |ids: &[&str]| LogFilter { entities: ids.iter().map(|id| (*id).into()).collect(), ..all.clone() };
        let run = |run: &str| LogFilter { run: Some(run.into()), ..all.clone() };
        let since = |since| LogFilter { since: Some(since), ..all.clone() };
        let taken = [all.clone(), job("mel"), ids(&["t-2", "t-1"]), run("r"), since(7)];
        assert!(taken.iter().all(|filter| filter.takes(&line)));
        let left = [LogFilter::from_level(LogLevel::Error), job("pcm"), ids(&["t-2"]), run("s"), since(8)];
        assert!(!left.iter().any(|filter| filter.takes(&line)));
    }
}
