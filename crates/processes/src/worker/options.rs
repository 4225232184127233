//! `worker`: a program of any language that speaks the worker protocol, as a job of the graph file.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use euterpe_actors::outcome::Fault;
use euterpe_actors::transform::{
    self, Entry, InputRule, OpenContext, OptionProblem, SampleCodec, Settings, TransformFactory,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::process::Command;

use super::{launcher::Launcher, program::Program, protocol::Opening};
use crate::supervised::scrub;

/// The name by which a graph file uses it: `use: worker`.
pub const WORKER: &str = "worker";

/// The options of `worker`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkerProgram {
    /// The program and its arguments, without a shell. An argument that names a file beside the graph file is made an
    /// absolute path.
    pub argv: Vec<String>,
    /// What the program is told when it starts: any values by name.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// Variables of its environment beside PATH, HOME and LANG.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl Settings for WorkerProgram {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = Vec::new();
        if self.argv.first().is_none_or(String::is_empty) {
            problems.push(OptionProblem::new("argv", "name the program, such as `argv: [perl, workers/peaks.pl]`"));
        }
        for name in self.env.keys().filter(|name| name.is_empty() || name.contains(['=', '\0'])) {
            problems.push(OptionProblem::new(format!("env.{name}"), "a variable's name has neither `=` nor NUL"));
        }
        problems
    }
}

/// The registry's entry for `worker`.
pub(crate) fn entry(codec: Option<Arc<dyn SampleCodec>>) -> Entry {
    let extensions = codec.as_ref().map_or(&[][..], |codec| codec.extensions());
    let open = move |settings, job: &OpenContext| open(settings, job, codec.clone());
    Entry::new(WORKER, "a program of any language that stays and takes one entity after the other", open)
        .inputs(InputRule::Any)
        .reads(extensions)
        .several_outputs()
        .own_process()
}

fn open(
    settings: WorkerProgram,
    job: &OpenContext,
    codec: Option<Arc<dyn SampleCodec>>,
) -> Result<TransformFactory, Vec<OptionProblem>> {
    Ok(launch(settings, job, codec)?.factory())
}

/// The launcher of a job that runs `use: worker` with the options `with`.
///
/// # Errors
/// Every problem with the options.
pub fn worker_launcher(
    with: &Value,
    job: &OpenContext,
    codec: Option<Arc<dyn SampleCodec>>,
) -> Result<Arc<Launcher>, Vec<OptionProblem>> {
    launch(transform::read(with, job)?, job, codec)
}

fn launch(
    settings: WorkerProgram,
    job: &OpenContext,
    codec: Option<Arc<dyn SampleCodec>>,
) -> Result<Arc<Launcher>, Vec<OptionProblem>> {
    let name = settings.argv.join(" ");
    let opening = Opening::of(job, Value::Object(settings.options), None);
    let argv = settings.argv.iter().map(|argument| beside(&job.folder, argument)).collect();
    let program = Box::new(ArgvProgram { argv, env: settings.env, threads: job.threads });
    let launcher = Launcher::new(&name, opening, program, job.limits(), codec);
    launcher.map_err(|fault| vec![OptionProblem::new("options", fault.text)])
}

/// The path of the file below `folder` that an argument names, or the argument as it is if it names none.
fn beside(folder: &Path, argument: &str) -> PathBuf {
    let path = folder.join(argument);
    if argument.contains(['/', '.']) && path.is_file() { path } else { PathBuf::from(argument) }
}

/// A program that is named by its arguments.
struct ArgvProgram {
    argv: Vec<PathBuf>,
    env: BTreeMap<String, String>,
    threads: usize,
}

#[async_trait]
impl Program for ArgvProgram {
    async fn command(&self) -> Result<Command, Fault> {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]);
        scrub(&mut command, self.threads);
        command.envs(&self.env);
        Ok(command)
    }

    fn fingerprint(&self) -> Vec<u8> {
        let files = self.argv.iter().filter_map(|argument| std::fs::read(argument).ok());
        files.chain([format!("{:?}", (&self.argv, &self.env)).into_bytes()]).flatten().collect()
    }
}
