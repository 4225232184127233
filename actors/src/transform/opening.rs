//! What a transform may know of the job that it is opened for.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// One output of the job that a transform is opened for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputShape {
    /// Its name in the graph file; empty where the job has a single `out:`.
    pub name: String,
    /// Its file suffix without the dot; empty where the key has none.
    pub suffix: String,
}

/// The job that a transform is opened for, as far as a transform may care.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OpenContext {
    /// Its name.
    pub job: String,
    /// The names of the inputs, in the order of the graph file.
    pub inputs: Vec<String>,
    /// Those of them that an entity may lack.
    #[serde(default)]
    pub optional: Vec<String>,
    /// The outputs, the primary first.
    pub outputs: Vec<OutputShape>,
    /// How long one try may take.
    pub timeout: Duration,
    /// The folder of the graph file: what a program's relative path is relative to.
    pub folder: PathBuf,
    /// The threads that one worker may start: the pool's share of the cores.
    pub threads: usize,
    /// The memory that one worker may take, in bytes.
    pub memory: Option<u64>,
    /// After how many entities a worker process is replaced by a fresh one.
    pub recycle_after: Option<u64>,
    /// Where the working folders of worker processes are made.
    pub homes: PathBuf,
}

impl OpenContext {
    /// The limits of each worker process.
    pub fn limits(&self) -> Limits {
        let Self { memory, recycle_after, homes, .. } = self.clone();
        Limits { memory, recycle_after, homes }
    }

    /// The suffix of the primary output; empty where there is none.
    pub fn suffix(&self) -> &str {
        self.outputs.first().map_or("", |output| output.suffix.as_str())
    }
}

/// The limits of a pool that hold for each of its worker processes.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// The memory that one may take with all that it started, in bytes.
    pub memory: Option<u64>,
    /// After how many entities one is replaced by a fresh one.
    pub recycle_after: Option<u64>,
    /// Where their working folders are made.
    pub homes: PathBuf,
}
