//! The state of what a job makes of an entity.

use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::Target;
use euterpe_actors::plan::JobIx;
use euterpe_actors::storage::ObjectKey;
use serde::Serialize;

/// An entity with what jobs make of it, parents first.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The entity.
    pub entity: EntityId,
    /// What jobs make of it.
    pub items: Vec<Item>,
}

/// What a job makes of an entity.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// The number of the job in the plan.
    #[serde(skip)]
    pub at: JobIx,
    /// The job.
    pub job: JobName,
    /// How it stands with it.
    pub state: ItemState,
    /// Why, in a word: the reason of a dead letter or of a skip, what keeps it from being made, what it is out of date by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What it is due to, where that is another target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Target>,
    /// Its outputs, the primary first.
    pub outputs: Vec<ItemOutput>,
}

/// How it stands with what a job makes of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// It is there, whoever made it, and a run would leave it as it is.
    Done,
    /// It is there, and a run would make it anew.
    Stale,
    /// It is not there, and nothing is recorded of it.
    Missing,
    /// It is not there, or out of date: it or something that it is made from has a dead letter.
    Dead,
    /// It was declined or given up, or something that it is made from was.
    Skipped,
}

impl ItemState {
    /// For people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            ItemState::Done => "done",
            ItemState::Stale => "stale",
            ItemState::Missing => "missing",
            ItemState::Dead => "dead",
            ItemState::Skipped => "skipped",
        }
    }
}

/// One output.
#[derive(Clone, Debug, Serialize)]
pub struct ItemOutput {
    /// Its name, where the job has several.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where it lies, or would lie.
    #[serde(skip)]
    pub key: ObjectKey,
    /// The same for people and other programs: the path of a file, or the URL of an object.
    pub place: String,
    /// Whether it was looked at and is there.
    pub there: bool,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// When it was last written, in milliseconds after the Unix epoch.
    pub modified: Option<u64>,
    /// The run that made it; none where it came from elsewhere.
    pub run: Option<RunId>,
}
