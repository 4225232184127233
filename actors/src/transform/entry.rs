//! One transform that a graph file can name: what it takes, what it makes and how it is opened.

use std::{borrow::Cow, fmt, sync::Arc};

use schemars::Schema;
use serde_json::Value;

use super::input_rule::InputRule;
use super::opening::OpenContext;
use super::options::{self, NoOptions, OptionProblem, Settings};
use super::port::TransformFactory;

type Open = Arc<dyn Fn(&Value, &OpenContext) -> Result<TransformFactory, Vec<OptionProblem>> + Send + Sync>;

/// One transform of the registry.
#[derive(Clone)]
pub struct Entry {
    name: Cow<'static, str>,
    summary: Cow<'static, str>,
    inputs: InputRule,
    extensions: &'static [&'static str],
    suffixes: &'static [&'static str],
    unreadable: &'static [&'static str],
    several_outputs: bool,
    own_process: bool,
    may_lack_inputs: bool,
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
            unreadable: &[],
            several_outputs: false,
            own_process: false,
            may_lack_inputs: true,
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

    /// It cannot work on an entity that lacks one of the job's inputs.
    pub fn needs_all_inputs(mut self) -> Self {
        self.may_lack_inputs = false;
        self
    }

    /// Whether it can work on an entity that lacks an optional input.
    pub fn may_lack_inputs(&self) -> bool {
        self.may_lack_inputs && !matches!(self.inputs, InputRule::Exactly(_))
    }

    /// The extensions, lower case and without the dot, that `{ext}` stands for in a source of one of its inputs.
    pub fn reads(mut self, extensions: &'static [&'static str]) -> Self {
        self.extensions = extensions;
        self
    }

    /// The extensions of files that it can never read, lower case and without the dot.
    pub fn cannot_read(mut self, extensions: &'static [&'static str]) -> Self {
        self.unreadable = extensions;
        self
    }

    /// Whether it can never read files of this extension.
    pub fn is_unreadable(&self, extension: &str) -> bool {
        self.unreadable.iter().any(|known| known.eq_ignore_ascii_case(extension))
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
