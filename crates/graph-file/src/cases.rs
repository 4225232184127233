//! The graph file's own tests: which entity, what is given before, what is expected afterwards.

use std::path::PathBuf;

use euterpe_actors::ids::{EntityId, StoreName};
use euterpe_actors::plan::JobIx;
use serde::Deserialize;
use serde_json::Value;

/// One entry of `tests`.
#[derive(Clone, Debug)]
pub struct TestCase {
    /// Its `name`, or its number and entity.
    pub name: String,
    /// The entity that is made.
    pub entity: EntityId,
    /// The jobs whose outputs are made for it.
    pub jobs: Vec<JobIx>,
    /// What is put into the stores before.
    pub given: Vec<(Target, Content)>,
    /// What must hold afterwards.
    pub expect: Vec<(Target, Checks)>,
}

/// The object that a test gives or expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An output of a job for the test's entity, by its number.
    Output(JobIx, usize),
    /// An object of a store, by its path.
    Object(StoreName, String),
}

/// The content that a test gives.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// This value as JSON.
    Json(Value),
    /// This text.
    Text(String),
    /// The content of a file, by its path beside the graph file.
    File(PathBuf),
}

/// What is expected of one target; all that is named must hold.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Checks {
    /// It is this value as JSON.
    pub json: Option<Value>,
    /// It is JSON with at least these members; numbers may differ by a millionth.
    pub json_has: Option<Value>,
    /// It is this text.
    pub text: Option<String>,
    /// It is a text with this in it.
    pub contains: Option<String>,
    /// It holds the same bytes as this file beside the graph file.
    pub file: Option<PathBuf>,
    /// It is a track.
    pub audio: Option<Sound>,
    /// There is a dead letter with this reason.
    pub dead: Option<String>,
    /// The transform declined the entity.
    pub skipped: bool,
    /// It is not there.
    pub absent: bool,
}

/// What is expected of a track.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Sound {
    /// How long it is, in seconds.
    pub seconds: Option<f64>,
    /// By how many seconds it may be longer or shorter; a hundredth by default.
    pub within: Option<f64>,
    /// Frames in a second.
    pub rate: Option<u32>,
    /// Channels.
    pub channels: Option<usize>,
}

impl Target {
    /// The job whose output it is; `None` for an object of a store.
    pub fn job(&self) -> Option<JobIx> {
        match self {
            Self::Output(job, _) => Some(*job),
            Self::Object(..) => None,
        }
    }
}
