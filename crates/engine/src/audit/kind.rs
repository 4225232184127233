//! What kind of child process does the work of a job, if any.

use std::collections::BTreeMap;

use euterpe_graph_file::plan::Job;
use euterpe_processes::{COMMAND, WORKER};
use serde_json::Value;

/// What does the work of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A Python function in a worker process.
    Python,
    /// A program that stays.
    Worker,
    /// A program that is started for each entity.
    Command,
    /// Code of this program.
    Native,
}

impl Kind {
    /// The kind of a job.
    pub(super) fn of(job: &Job) -> Self {
        match job.transform.as_str() {
            _ if job.python.is_some() => Self::Python,
            WORKER => Self::Worker,
            COMMAND => Self::Command,
            _ => Self::Native,
        }
    }

    /// The word with which a sentence calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Python => "Python function",
            Self::Worker => "worker",
            Self::Command => "command",
            Self::Native => "transform",
        }
    }

    /// The key of the graph file that sets variables for it, below its job.
    pub(super) fn variables_key(self) -> &'static str {
        if self == Self::Python { "env.variables" } else { "with.env" }
    }
}

/// The variables that a job sets for its processes.
pub(super) fn variables(job: &Job) -> BTreeMap<String, String> {
    if let Some(python) = &job.python {
        return python.variables.clone();
    }
    let Some(Value::Object(env)) = job.options.get("env") else { return BTreeMap::new() };
    env.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// The words of a job's command.
pub(super) fn argv(job: &Job) -> Vec<String> {
    let Some(Value::Array(words)) = job.options.get("argv") else { return Vec::new() };
    words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}
