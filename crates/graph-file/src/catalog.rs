//! What the checks need to know of the transforms: names, inputs, outputs, options.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// The transforms that a graph file may name.
pub trait Catalog {
    /// All names, in order.
    fn names(&self) -> Vec<String>;

    /// What is known of one.
    fn facts(&self, name: &str) -> Option<Facts>;

    /// What is wrong with the options of a job that runs `name`.
    fn option_problems(&self, name: &str, job: &JobShape<'_>) -> Vec<OptionProblem>;
}

/// What is known of a transform without running it.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// What it does, in one line.
    pub summary: String,
    /// The inputs that it takes.
    pub inputs: InputRule,
    /// The extensions that it reads, lower case, without the dot; what `{ext}` in a source stands for.
    pub extensions: Vec<String>,
    /// The suffixes that its outputs may have, without the dot; any where empty.
    pub suffixes: Vec<String>,
    /// The most outputs that it makes.
    pub most_outputs: usize,
    /// JSON Schema of its options.
    pub options: Value,
}

/// The inputs that a transform takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputRule {
    /// Exactly those of these names.
    Exact(Vec<String>),
    /// Whatever the job names, at least so many.
    Any {
        /// The fewest.
        least: usize,
    },
}

/// A job as far as its options may depend on it.
#[derive(Clone, Debug)]
pub struct JobShape<'j> {
    /// What stands under `with`: an object.
    pub options: &'j Value,
    /// The names of the inputs, in the order of the file.
    pub inputs: Vec<String>,
    /// Name and suffix of each output, the primary first; the name is empty where the job has a single `out`.
    pub outputs: Vec<(String, String)>,
    /// How long one try may take.
    pub timeout: Duration,
    /// The folder of the graph file.
    pub folder: &'j Path,
}

/// Something wrong with an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionProblem {
    /// The option, by its path below `with`, such as `argv.0`; empty for all of them together.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// A fixed list of transforms whose options are not looked at: for tests and tools.
impl Catalog for BTreeMap<String, Facts> {
    fn names(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }

    fn facts(&self, name: &str) -> Option<Facts> {
        self.get(name).cloned()
    }

    fn option_problems(&self, _: &str, _: &JobShape<'_>) -> Vec<OptionProblem> {
        Vec::new()
    }
}
