//! The written form of a graph file: shapes and units are read, references are not resolved yet.

use std::time::Duration;

use euterpe_actors::refresh::Refresh;
use serde_json::Value;

use super::position::{At, Position};

/// A whole graph file as written.
#[derive(Clone, Debug, Default)]
pub struct GraphFile {
    /// `graph`: its name.
    pub graph: Option<At<String>>,
    /// `stores`, in the order of the file.
    pub stores: Vec<Store>,
    /// `refresh`: which outputs that are there are made anew.
    pub refresh: Refresh,
    /// `defaults` of all jobs.
    pub defaults: Settings,
    /// `jobs`, in the order of the file.
    pub jobs: Vec<Job>,
    /// `tests`, not read yet, and their position.
    pub tests: Option<At<Value>>,
}

/// One entry of `stores`.
#[derive(Clone, Debug)]
pub struct Store {
    /// Its key.
    pub name: At<String>,
    /// A folder, or `s3://bucket/prefix`.
    pub url: At<String>,
    /// The S3 server to talk to, where it is not Amazon's.
    pub endpoint: Option<At<String>>,
    /// The S3 region.
    pub region: Option<At<String>>,
    /// Whether a folder's writes reach the disk before they count.
    pub fsync: Option<At<bool>>,
    /// `links`: what becomes of links that lead out of a folder.
    pub links: Option<At<Links>>,
}

/// `links`: what becomes of links that lead out of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// They are told and not followed.
    Inside,
    /// They are followed.
    Follow,
}

/// The settings that may stand in `defaults` and in a job; those of the job win.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// How long one try may take.
    pub timeout: Option<Duration>,
    /// Further tries after the first.
    pub retries: Option<u32>,
    /// The wait before the second try.
    pub backoff: Option<Duration>,
    /// `claim`.
    pub claim: Option<Claim>,
    /// `isolation`.
    pub isolation: Option<Isolation>,
}

/// `isolation`: where the transform runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// In the node's own process, as long as it is not suspected of killing it.
    None,
    /// Always in a child process, one for each worker.
    Process,
}

/// `claim`: whether nodes settle among themselves who works on an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Wherever there may be more than one node.
    Auto,
    /// Never: the work is cheaper than the claim.
    Never,
}

/// One entry of `jobs`.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its key.
    pub name: At<String>,
    /// `use` or `python`.
    pub work: Option<Work>,
    /// `with`: the options of the transform, and the position of each.
    pub with: With,
    /// `in`, in the order of the file.
    pub inputs: Vec<Input>,
    /// `out` or `outputs`, the primary first.
    pub outputs: Vec<Output>,
    /// `entity`: the form of the ids.
    pub entity: Option<At<String>>,
    /// `pool`.
    pub pool: Pool,
    /// The settings that may also stand in `defaults`.
    pub settings: Settings,
    /// `version`: changes when the meaning of the transform does.
    pub version: Option<String>,
}

/// What a job runs.
#[derive(Clone, Debug)]
pub enum Work {
    /// `use`: a transform by its name.
    Use(At<String>),
    /// `python`: a function in a file, `path/to/file.py:function`, and its `env`.
    Python(At<String>, Environment),
}

/// `env`: what a Python function runs in.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `venv`: the folder of a virtual environment.
    pub venv: Option<At<String>>,
    /// `python`: an interpreter.
    pub python: Option<At<String>>,
    /// `requirements`: a file that says what a virtual environment is to hold.
    pub requirements: Option<At<String>>,
    /// `variables`: set for the function.
    pub variables: Vec<(At<String>, String)>,
    /// `inherit`: variables of the node's that the function gets.
    pub inherit: Vec<At<String>>,
}

/// The options of a transform.
#[derive(Clone, Debug, Default)]
pub struct With {
    /// The options; an empty object where there are none.
    pub options: Value,
    /// The position of `with`.
    pub position: Position,
    /// The position of each option, by its path below `with`, such as `argv.0`.
    pub positions: Vec<(String, Position)>,
}

impl With {
    /// The position of the option at `path`, or else of the nearest option around it.
    pub fn position_of(&self, path: &str) -> Position {
        let covers = |known: &str| path == known || path.strip_prefix(known).is_some_and(|rest| rest.starts_with('.'));
        let nearest = self.positions.iter().filter(|(known, _)| covers(known)).max_by_key(|(known, _)| known.len());
        nearest.map_or(self.position, |(_, position)| *position)
    }
}

/// One entry of `in`.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its key: the job's name for it.
    pub name: At<String>,
    /// `music:{id}.ogg`, `job` or `job.output`.
    pub from: At<String>,
    /// `id`: which entity of the parent.
    pub id: Option<At<String>>,
    /// `optional`: whether the work goes on without it.
    pub optional: Option<At<bool>>,
    /// `include`: patterns for the names of a source that are entities.
    pub include: Vec<At<String>>,
    /// `exclude`: patterns for those that are none.
    pub exclude: Vec<At<String>>,
}

/// One output.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its key under `outputs`; `out` for the only one.
    pub name: At<String>,
    /// `store:template`.
    pub to: At<String>,
}

/// The workers of a job.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pool {
    /// How many entities are worked on at once on one node.
    pub workers: Option<usize>,
    /// The memory that one worker may take, in bytes.
    pub memory: Option<u64>,
    /// After how many entities a worker is replaced by a fresh one.
    pub recycle_after: Option<u64>,
}
