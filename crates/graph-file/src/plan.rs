//! What a graph file means: jobs in order, every reference resolved, every setting with its value.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use euterpe_actors::ids::{JobName, StoreName};
use euterpe_actors::plan::{InputPlan, JobIx, Mapping, OutputPlan, Route};
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::template::{EntityForm, Piece, Template, Var};
use serde_json::Value;

use super::cases::TestCase;
use super::problem::Place;

/// A checked graph file.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The folder of the file, absolute: relative folders start here, and the state folder lies here.
    pub folder: PathBuf,
    /// The name of the graph.
    pub graph: String,
    /// The stores, in the order of the file.
    pub stores: Vec<Store>,
    /// The jobs, parents before children.
    pub jobs: Vec<Job>,
    /// The graph file's own tests.
    pub tests: Vec<TestCase>,
}

/// A place where objects live.
#[derive(Clone, Debug)]
pub struct Store {
    /// Its name.
    pub name: StoreName,
    /// Where it is.
    pub location: Location,
    /// Where it stands in the file; line 0 where a flag gave it.
    pub place: Place,
}

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder {
        /// Its absolute path.
        path: PathBuf,
        /// Whether writes reach the disk before they count.
        fsync: bool,
    },
    /// A bucket.
    S3 {
        /// Its name.
        bucket: String,
        /// What every key starts with, without slashes at the ends; may be empty.
        prefix: String,
        /// The server, where it is not Amazon's.
        endpoint: Option<String>,
        /// The region.
        region: Option<String>,
    },
}

impl Location {
    /// The location as a person would write it.
    pub fn text(&self) -> String {
        match self {
            Location::Folder { path, .. } => path.display().to_string(),
            Location::S3 { bucket, prefix, .. } if prefix.is_empty() => format!("s3://{bucket}"),
            Location::S3 { bucket, prefix, .. } => format!("s3://{bucket}/{prefix}"),
        }
    }
}

/// One job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: JobName,
    /// Where it stands in the file.
    pub place: Place,
    /// The transform that it runs: its name, or a Python function as it is written.
    pub transform: String,
    /// The Python function, where it is one.
    pub python: Option<Python>,
    /// The options of the transform: an object.
    pub options: Value,
    /// How its entity ids are put together.
    pub form: EntityForm,
    /// Its inputs, in the order of the file. A parent is an earlier place in [`Plan::jobs`].
    pub inputs: Vec<InputPlan>,
    /// Its outputs, the primary first.
    pub outputs: Vec<OutputPlan>,
    /// The names of the outputs, in the same order; `out` for an only one.
    pub output_names: Vec<String>,
    /// Workers on one node; none where the file leaves it to the machine's cores.
    pub workers: Option<usize>,
    /// The memory that one worker may take, in bytes.
    pub memory: Option<u64>,
    /// After how many entities a worker is replaced by a fresh one.
    pub recycle_after: Option<u64>,
    /// How long one try may take.
    pub timeout: Duration,
    /// Tries and waits.
    pub retry: RetryPolicy,
    /// Whether nodes settle among themselves who works on an entity.
    pub claim: bool,
    /// Whether the work is always done in a child process.
    pub isolate: bool,
    /// Changes when the meaning of the transform does.
    pub version: Option<String>,
}

/// A Python function as a transform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// The absolute path of its file.
    pub file: PathBuf,
    /// Its name.
    pub function: String,
    /// What runs it.
    pub interpreter: Interpreter,
    /// Variables that are set for it.
    pub variables: BTreeMap<String, String>,
    /// Variables of the node's that it gets.
    pub inherit: Vec<String>,
}

/// What runs a Python function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Interpreter {
    /// `python3` of the machine.
    #[default]
    Machine,
    /// An absolute path, or a name to be looked for.
    Program(PathBuf),
    /// The folder of a virtual environment.
    Venv(PathBuf),
    /// A file that says what a virtual environment is to hold.
    Requirements(PathBuf),
}

impl Job {
    /// The suffixes of the outputs, without the dot.
    pub fn suffixes(&self) -> Vec<String> {
        self.outputs.iter().map(|output| output.key.suffix().to_owned()).collect()
    }

    /// Name and suffix of each output, the primary first; the name is empty where the job has a single `out`.
    pub fn shapes(&self) -> Vec<(String, String)> {
        let single = self.output_names.len() == 1 && self.output_names[0] == "out";
        let name = |name: &String| if single { String::new() } else { name.clone() };
        self.output_names.iter().map(name).zip(self.suffixes()).collect()
    }

    /// A digest of what the transform does: its name, options and version.
    pub fn settings_digest(&self) -> u64 {
        let text = format!("{}\n{}\n{}", self.transform, self.options, self.version.as_deref().unwrap_or(""));
        xxhash_rust::xxh3::xxh3_64(text.as_bytes())
    }

    /// The parents, each once, with whether any edge to it keeps the entity.
    pub fn parents(&self) -> Vec<(JobIx, bool)> {
        let mut parents: Vec<(JobIx, bool)> = Vec::new();
        for input in &self.inputs {
            if let Route::Job { job, entity, .. } = &input.from {
                let same = matches!(entity, Mapping::Same);
                match parents.iter_mut().find(|(known, _)| known == job) {
                    Some((_, any)) => *any |= same,
                    None => parents.push((*job, same)),
                }
            }
        }
        parents
    }
}

impl Plan {
    /// The place of a job by its name.
    pub fn find(&self, name: &str) -> Option<JobIx> {
        self.jobs.iter().position(|job| job.name.as_str() == name).map(JobIx)
    }

    /// The store of a name.
    pub fn store(&self, name: &StoreName) -> Option<&Store> {
        self.stores.iter().find(|store| store.name == *name)
    }

    /// The inputs from whose store ids can be listed, as (job, number of the input).
    pub fn listable(&self) -> Vec<(JobIx, usize)> {
        let mut found = Vec::new();
        for (at, job) in self.jobs.iter().enumerate() {
            for (number, input) in job.inputs.iter().enumerate() {
                if matches!(&input.from, Route::Source { key, .. } if can_list(key)) {
                    found.push((JobIx(at), number));
                }
            }
        }
        found
    }
}

/// Whether ids can be read off the keys of a source: it is keyed by the whole id, once.
pub fn can_list(key: &Template) -> bool {
    let vars = key.pieces().iter().filter_map(|piece| match piece {
        Piece::Var(var) if *var != Var::Ext => Some(var),
        _ => None,
    });
    vars.eq([&Var::Id])
}
