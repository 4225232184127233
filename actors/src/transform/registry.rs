//! The transforms that a graph file can name, each with what it takes, what it makes and how it is opened.

use std::{borrow::Cow, collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use schemars::Schema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::options::{self, NoOptions, OptionProblem, Settings};
use super::{SampleCodec, TransformFactory};

/// Which inputs a transform takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputRule {
    /// None at all: it makes its output from the id.
    None,
    /// Exactly these names.
    Exactly(&'static [&'static str]),
    /// One or more, under any names.
    OneOrMore,
    /// Any number, under any names.
    Any,
}

impl InputRule {
    /// What is wrong with a job's input names, or nothing.
    pub fn problem(&self, names: &[&str]) -> Option<String> {
        match self {
            InputRule::None if !names.is_empty() => {
                Some(format!("this transform takes no inputs; leave out {}", options::list(names)))
            }
            InputRule::OneOrMore if names.is_empty() => Some("this transform needs at least one input".to_owned()),
            InputRule::Exactly(wanted) => {
                let same = wanted.len() == names.len() && wanted.iter().all(|name| names.contains(name));
                (!same).then(|| {
                    let noun = if wanted.len() == 1 { "the input" } else { "the inputs" };
                    format!("this transform takes {noun} {}, not {}", options::list(wanted), options::list(names))
                })
            }
            _ => None,
        }
    }
}

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

type Open = Arc<dyn Fn(&Value, &OpenContext) -> Result<TransformFactory, Vec<OptionProblem>> + Send + Sync>;

/// One transform of the registry.
#[derive(Clone)]
pub struct Entry {
    name: Cow<'static, str>,
    summary: Cow<'static, str>,
    inputs: InputRule,
    extensions: &'static [&'static str],
    suffixes: &'static [&'static str],
    several_outputs: bool,
    own_process: bool,
    schema: fn() -> Schema,
    open: Open,
}

impl Entry {
    /// A transform with settings of its own: `open` gets them checked. It takes any inputs and writes one output of any
    /// suffix until told otherwise by the methods below.
    pub fn new<S, O>(name: impl Into<Cow<'static, str>>, summary: impl Into<Cow<'static, str>>, open: O) -> Self
    where
        S: Settings,
        O: Fn(S, &OpenContext) -> Result<TransformFactory, Vec<OptionProblem>> + Send + Sync + 'static,
    {
        Self {
            name: name.into(),
            summary: summary.into(),
            inputs: InputRule::Any,
            extensions: &[],
            suffixes: &[],
            several_outputs: false,
            own_process: false,
            schema: options::schema_of::<S>,
            open: Arc::new(move |with, job| open(options::read::<S>(with, job)?, job)),
        }
    }

    /// A transform without options: what a user's own binary registers in a line.
    pub fn native(name: impl Into<Cow<'static, str>>, factory: TransformFactory) -> Self {
        Self::new("", "a transform of this binary", move |_: NoOptions, _| Ok(factory.clone()))
            .several_outputs()
            .named(name)
    }

    fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The inputs that it takes.
    pub fn inputs(mut self, rule: InputRule) -> Self {
        self.inputs = rule;
        self
    }

    /// The extensions, lower case and without the dot, that `{ext}` stands for in a source of one of its inputs.
    pub fn reads(mut self, extensions: &'static [&'static str]) -> Self {
        self.extensions = extensions;
        self
    }

    /// The suffixes that its output may have.
    pub fn writes(mut self, suffixes: &'static [&'static str]) -> Self {
        self.suffixes = suffixes;
        self
    }

    /// It may write several outputs.
    pub fn several_outputs(mut self) -> Self {
        self.several_outputs = true;
        self
    }

    /// It does its work in a process of its own, whose death is no danger to the node.
    pub fn own_process(mut self) -> Self {
        self.own_process = true;
        self
    }

    /// Whether it does its work in a process of its own.
    pub fn has_own_process(&self) -> bool {
        self.own_process
    }

    /// The name that `use:` gives.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it does, in one line.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Which inputs it takes.
    pub fn input_rule(&self) -> InputRule {
        self.inputs
    }

    /// The extensions that it reads; empty where it reads anything.
    pub fn extensions(&self) -> &'static [&'static str] {
        self.extensions
    }

    /// The suffixes that its output may have; empty where any will do.
    pub fn suffixes(&self) -> &'static [&'static str] {
        self.suffixes
    }

    /// What is wrong with a job's outputs, given their suffixes, or nothing.
    pub fn output_problem(&self, suffixes: &[&str]) -> Option<String> {
        if suffixes.len() > 1 && !self.several_outputs {
            return Some(format!("`{}` writes one output, not {}", self.name, suffixes.len()));
        }
        let odd = suffixes.iter().find(|suffix| !self.suffixes.is_empty() && !self.suffixes.contains(suffix))?;
        let wanted: Vec<String> = self.suffixes.iter().map(|suffix| format!(".{suffix}")).collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let got = if odd.is_empty() { "no suffix".to_owned() } else { format!("`.{odd}`") };
        Some(format!("`{}` writes {}, not {got}; change the output's suffix", self.name, options::list(&wanted)))
    }

    /// The JSON Schema of its options.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// Opens it with what stands under `with:` (null where nothing does).
    ///
    /// # Errors
    /// Every problem with the options, each with its place below `with:`.
    pub fn open(&self, with: &Value, job: &OpenContext) -> Result<TransformFactory, Vec<OptionProblem>> {
        (self.open)(with, job)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The transforms by name, and what gives tracks as samples to those in other processes.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: BTreeMap<String, Entry>,
    samples: Option<Arc<dyn SampleCodec>>,
    absent: Vec<(&'static str, &'static str)>,
}

impl Registry {
    /// The same with a codec for the transforms in other processes.
    pub fn with_samples(self, codec: Arc<dyn SampleCodec>) -> Self {
        Self { samples: Some(codec), ..self }
    }

    /// What decodes and encodes tracks for transforms in other processes; nothing in a program without audio.
    pub fn samples(&self) -> Option<Arc<dyn SampleCodec>> {
        self.samples.clone()
    }

    /// Notes that transforms whose names begin with `prefix` are missing because the program was built without `feature`.
    pub fn is_without(&mut self, prefix: &'static str, feature: &'static str) {
        self.absent.push((prefix, feature));
    }

    /// The feature that the program was built without and that has the transform of a name.
    pub fn absent_feature(&self, name: &str) -> Option<&'static str> {
        self.absent.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, feature)| *feature)
    }

    /// Adds a transform; one of the same name is replaced and returned.
    pub fn register(&mut self, entry: Entry) -> Option<Entry> {
        self.entries.insert(entry.name().to_owned(), entry)
    }

    /// The transform of a name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// All names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// All transforms, in alphabetical order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}
