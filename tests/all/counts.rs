//! Counts by the name of a job, as `--json` gives them and as tests write them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Counts as a test writes them: `a 1 b 2`.
pub fn numbers(text: &str) -> BTreeMap<String, u64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].parse().expect("a number"))).collect()
}

/// The counts under `key` of all jobs, without those that are zero.
pub fn counted(jobs: &Value, key: &str) -> BTreeMap<String, u64> {
    let jobs = jobs.as_object().expect("jobs").iter();
    let count = |(job, counts): (&String, &Value)| (job.clone(), counts[key].as_u64().expect("a number"));
    jobs.map(count).filter(|(_, count)| *count > 0).collect()
}
