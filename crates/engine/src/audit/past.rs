//! What the state remembers of former runs: which jobs ran out of time, and how long good work took.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{LetterFilter, Slow, StateStore};
use euterpe_actors::storage::{Content, StorageErrorKind};
use serde_json::{Map, Value};

/// How many runs are looked at, the newest first: their logs may be long.
const RUNS: usize = 10;

/// What is remembered of one job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JobPast {
    /// Entities that were given up because each try ran out of time.
    pub(super) dead: u64,
    /// Tries that ran out of time and were followed by another.
    pub(super) tries: u64,
    /// One of those entities.
    pub(super) example: Option<String>,
    /// The longest work that ended by itself, in milliseconds, as far as it is among the slowest of its run.
    pub(super) slowest: Option<u64>,
}

/// What is remembered of all jobs, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) jobs: BTreeMap<String, JobPast>,
    /// What could not be read.
    pub(super) unread: Vec<String>,
}

impl Past {
    /// Reads what there is.
    ///
    /// # Errors
    /// A state that cannot be listed or read.
    pub(super) async fn read(state: &StateStore) -> anyhow::Result<Self> {
        let mut past = Self::default();
        let timeouts = LetterFilter { reason: Some(Reason::Timeout), ..LetterFilter::default() };
        for one in state.list_letters(&timeouts).await?.iter() {
            let job = past.jobs.entry(one.job().to_string()).or_default();
            job.dead += 1;
            if job.example.is_none() {
                job.example = match one.entity() {
                    Some(entity) => Some(entity),
                    None => state.letter(&one.key()).await?.map(|letter| letter.entity),
                };
            }
        }
        let runs = state.runs().await?;
        for run in runs.iter().rev().take(RUNS) {
            let end = state.run_end(*run).await?;
            let (jobs, slowest) = end.map(|end| (end.jobs, end.slowest)).unwrap_or_default();
            // Where nothing succeeded, the slowest is what ran out of time.
            let succeeds = |slow: &&Slow| jobs.get(&slow.job).is_some_and(|counts| counts.done > 0);
            for slow in slowest.iter().filter(succeeds) {
                let job = past.jobs.entry(slow.job.to_string()).or_default();
                job.slowest = job.slowest.max(Some(slow.millis));
            }
            let Some(log) = state.find_log(*run).await? else { continue };
            match state.storage().open(&log).await {
                Ok(object) => {
                    let read = on_blocking_thread(move || timeouts_in(&object.content)).await.flatten();
                    match read {
                        Ok(found) => found.into_iter().for_each(|(job, entity)| past.tried(job, entity)),
                        Err(error) => past.unread.push(format!("the log of run {run} cannot be read: {error}")),
                    }
                }
                Err(error) if error.kind == StorageErrorKind::NotFound => {}
                Err(error) => past.unread.push(error.to_string()),
            }
        }
        past.unread.extend(state.unreadable().into_values());
        Ok(past)
    }

    fn tried(&mut self, job: String, entity: String) {
        let job = self.jobs.entry(job).or_default();
        job.tries += 1;
        job.example.get_or_insert(entity);
    }
}

/// The jobs and entities of the tries that a log says ran out of time and were followed by another.
fn timeouts_in(log: &Content) -> std::io::Result<Vec<(String, String)>> {
    match log {
        Content::Bytes(bytes) => timeouts(BufReader::new(&**bytes)),
        Content::File(path) => timeouts(BufReader::new(std::fs::File::open(path)?)),
    }
}

fn timeouts(log: impl BufRead) -> std::io::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for line in log.split(b'\n') {
        found.extend(timeout(&line?));
    }
    Ok(found)
}

/// The job and the entity of a line that says that a try ran out of time and is followed by another.
fn timeout(line: &[u8]) -> Option<(String, String)> {
    let told = |message: &str, reason: Option<&str>| {
        message.contains("will be tried again:") && reason == Some(Reason::Timeout.name())
    };
    if let Ok(said) = serde_json::from_slice::<Map<String, Value>>(line) {
        let word = |name: &str| said.get(name).and_then(Value::as_str);
        let of = (word("job")?.to_owned(), word("entity")?.to_owned());
        return told(word("message")?, word("reason")).then_some(of);
    }
    // A former version wrote text. From its end: the sentence, which may hold anything, stands before the fields.
    let line = String::from_utf8_lossy(line);
    let word = |name: &str| line.split_whitespace().rev().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    told(&line, word("reason")).then(|| Some((word("job")?.to_owned(), word("entity")?.to_owned())))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tries_that_ran_out_of_time_are_read_from_a_log_of_today_and_of_a_former_version() {
        let log = r#"{"message":"will be tried again: it took too long","job":"mel","entity":"t-1","reason":"timeout"}
{"message":"will be tried again: no reason=timeout here","job":"mel","entity":"t-2","reason":"failed"}
{"message":"printed","job":"mel","entity":"t-3","reason":"timeout"}
{"message":"will be tried again: it took
2026 INFO will be tried again: it took too long job=mel entity=t-4 attempt=0 reason=timeout
2026 INFO will be tried again: no reason=timeout here job=mel entity=t-5 attempt=0 reason=failed
2026 INFO printed: reason=timeout"#;
        let found = timeouts(log.as_bytes()).expect("read");
        assert_eq!(found, [("mel".to_owned(), "t-1".to_owned()), ("mel".to_owned(), "t-4".to_owned())]);
    }
}
