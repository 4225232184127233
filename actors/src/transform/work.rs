//! The work that a transform is given, and what it makes of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::scratch::Scratch;
use crate::ids::{EntityId, InputName};
use crate::outcome::Fault;
use crate::storage::{Content, Object};

/// The work on one entity: everything that a transform may look at.
#[derive(Debug)]
pub struct Work {
    /// The entity.
    pub entity: EntityId,
    /// The inputs in the order of the graph file, each open for reading. A source's path tells its extension.
    pub inputs: Vec<Input>,
    /// The file suffix of each output, without the dot (`npy`), the primary first; empty where the key has none.
    pub suffixes: Arc<[String]>,
    /// A private folder, made when first asked for and removed afterwards.
    pub scratch: Scratch,
    /// How many tries failed before this one.
    pub attempt: u32,
    /// How long this try may take.
    pub timeout: Duration,
    /// Whether this message may have killed a process: do the work in a child process that may die.
    pub isolate: bool,
}

/// One input of the work.
#[derive(Clone, Debug)]
pub struct Input {
    /// The job's name for it.
    pub name: InputName,
    /// The path under which it lies in its store; tells its extension.
    pub path: Arc<str>,
    /// The object.
    pub object: Object,
}

impl Work {
    /// The input of a name.
    ///
    /// # Errors
    /// A fault that names the input, where the graph file gave none of that name.
    pub fn input(&self, name: &str) -> Result<&Input, Fault> {
        self.inputs
            .iter()
            .find(|input| input.name.as_str() == name)
            .ok_or_else(|| Fault::fatal(format!("the job has no input named `{name}`")))
    }
}

/// What a transform made: one content for each output, the primary first.
#[derive(Debug)]
pub struct Product(pub Vec<Content>);

impl Product {
    /// A single output held in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(vec![Content::Bytes(bytes.into())])
    }

    /// A single output in a file of the scratch folder.
    pub fn file(path: impl Into<std::path::PathBuf>) -> Self {
        Self(vec![Content::File(path.into())])
    }
}
