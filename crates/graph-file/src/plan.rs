//! A checked graph file: jobs in order, every reference resolved, every setting with its value.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use euterpe_actors::ids::{InputName, JobName, StoreName};
use euterpe_actors::plan::{InputPlan, JobIx, Mapping, OutputPlan, Route};
use euterpe_actors::refresh::Refresh;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::template::{EntityForm, Piece, Template, Var};
use euterpe_actors::transform::OutputShape;
use serde_json::Value;

use super::cases::TestCase;
use super::glob::Glob;
use super::places::Places;
use super::position::Position;

pub use super::location::{Location, Store};

/// A checked graph file.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The folder of the file, absolute: relative folders start here, and the state folder lies here.
    pub folder: PathBuf,
    /// The name of the graph; queues and records are named by it.
    pub graph: String,
    /// The stores, in the order of the file.
    pub stores: Vec<Store>,
    /// Which outputs are made anew although they are there.
    pub refresh: Refresh,
    /// The jobs, parents before children.
    pub jobs: Vec<Job>,
    /// The graph file's own tests.
    pub tests: Vec<TestCase>,
    /// Where the keys of the file stand.
    pub places: Places,
}

/// One job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name.
    pub name: JobName,
    /// Its position in the file.
    pub position: Position,
    /// The transform that it runs: its name, or the Python function as it is written.
    pub transform: String,
    /// The Python function, where it is one.
    pub python: Option<Python>,
    /// The options of the transform: an object.
    pub options: Value,
    /// How its entity ids are put together.
    pub form: EntityForm,
    /// Its inputs, in the order of the file. A parent is named by its number in [`Plan::jobs`], which is smaller.
    pub inputs: Vec<InputPlan>,
    /// The patterns of those of its sources that have some.
    pub patterns: BTreeMap<InputName, Patterns>,
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
    /// Whether nodes settle with each other which of them works on an entity.
    pub claim: bool,
    /// Whether the work is always done in a child process.
    pub isolate: bool,
    /// Changes when the meaning of the transform does.
    pub version: Option<String>,
}

/// Which names of a source are entities when it is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    /// Those that fit one of these; all where there is none.
    pub include: Vec<Glob>,
    /// And none of these.
    pub exclude: Vec<Glob>,
}

impl Patterns {
    /// Whether they take the name at `path`.
    pub fn take(&self, path: &str) -> bool {
        (self.include.is_empty() || self.include.iter().any(|glob| glob.fits(path)))
            && !self.exclude.iter().any(|glob| glob.fits(path))
    }
}

/// A Python function as a transform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// The absolute path of its file.
    pub file: PathBuf,
    /// Its name.
    pub function: String,
    /// The interpreter that runs it.
    pub interpreter: Interpreter,
    /// Variables that are set for it.
    pub variables: BTreeMap<String, String>,
    /// Variables that it gets as the node has them.
    pub inherit: Vec<String>,
    /// Its parameters for inputs, each with whether it has a default, where the file shows them.
    pub parameters: BTreeMap<String, bool>,
}

/// What runs a Python function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Interpreter {
    /// `python3` of the machine.
    #[default]
    Machine,
    /// A program: an absolute path, or a name that is looked up in `PATH`.
    Program(PathBuf),
    /// The folder of a virtual environment.
    Venv(PathBuf),
    /// A file of requirements, of which a virtual environment is made.
    Requirements(PathBuf),
}

impl Job {
    /// The suffixes of the outputs, without the dot.
    fn suffixes(&self) -> Vec<String> {
        self.outputs.iter().map(|output| output.key.suffix().to_owned()).collect()
    }

    /// The outputs as their transform sees them, the primary first; the name is empty where the job has a single `out`.
    pub fn shapes(&self) -> Vec<OutputShape> {
        let single = self.output_names.len() == 1 && self.output_names[0] == "out";
        let name = |name: &String| if single { String::new() } else { name.clone() };
        let names = self.output_names.iter().map(name);
        names.zip(self.suffixes()).map(|(name, suffix)| OutputShape { name, suffix }).collect()
    }

    /// The names of the inputs that an entity may lack.
    pub fn optional_inputs(&self) -> Vec<String> {
        let is_optional = |input: &&InputPlan| matches!(input.from, Route::Source { optional: true, .. });
        self.inputs.iter().filter(is_optional).map(|input| input.name.to_string()).collect()
    }

    /// A digest of what the transform does: its name, options and version.
    pub fn settings_digest(&self) -> u64 {
        let text = format!("{}\n{}\n{}", self.transform, self.options, self.version.as_deref().unwrap_or(""));
        xxhash_rust::xxh3::xxh3_64(text.as_bytes())
    }

    /// The parents, each once. `true` where an edge from the parent keeps the entity.
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
    /// The number of the job called `name`.
    pub fn find(&self, name: &str) -> Option<JobIx> {
        self.jobs.iter().position(|job| job.name.as_str() == name).map(JobIx)
    }

    /// The store called `name`.
    pub fn store(&self, name: &StoreName) -> Option<&Store> {
        self.stores.iter().find(|store| store.name == *name)
    }

    /// The stores that flags put elsewhere than the file says, each with its place.
    pub fn given_stores(&self) -> BTreeMap<String, String> {
        let given = self.stores.iter().filter(|store| store.is_given());
        given.map(|store| (store.name.to_string(), store.location.text())).collect()
    }

    /// The inputs whose store can be listed to find ids, as (job, number of the input).
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

/// Whether an id can be read from each key of a source: the key holds the whole id, exactly once, and no other variable.
pub(crate) fn can_list(key: &Template) -> bool {
    let vars = key.pieces().iter().filter_map(|piece| match piece {
        Piece::Var(var) if *var != Var::Ext => Some(var),
        _ => None,
    });
    vars.eq([&Var::Id])
}
