//! Python functions as transforms: `python: transforms/tags.py:tags`, each in an environment of its own.

mod interpreter;
mod requirements;
mod sdk;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use euterpe_actors::outcome::Fault;
use euterpe_actors::transform::{OpenContext, SampleCodec};
use serde_json::Value;
use tokio::{process::Command, sync::OnceCell};

pub use interpreter::Interpreter;

use crate::children::{inherit, scrub};
use crate::worker::{Launcher, Opening, Program, Source};

/// A function in a file, and the environment that it runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// As the graph file names both: `transforms/tags.py:tags`.
    pub written: String,
    /// The absolute path of the file.
    pub file: PathBuf,
    /// The function.
    pub function: String,
    /// What runs it.
    pub interpreter: Interpreter,
    /// Variables of its environment.
    pub variables: BTreeMap<String, String>,
    /// Variables that it gets as the node has them.
    pub inherit: Vec<String>,
}

impl Python {
    /// What starts the workers of a job that runs this function. `states` is where environments and the Python package
    /// are kept.
    ///
    /// # Errors
    /// Where the options do not fit into a frame.
    pub fn launcher(
        &self,
        with: &Value,
        job: &OpenContext,
        states: &Path,
        codec: Option<Arc<dyn SampleCodec>>,
    ) -> Result<Arc<Launcher>, Fault> {
        let source = Source { file: self.file.clone(), function: self.function.clone() };
        let opening = Opening::of(job, with.clone(), Some(source));
        let (python, states) = (self.clone(), states.to_owned());
        let program = Starter { python, states, threads: job.threads, ready: OnceCell::new() };
        Launcher::new(&self.written, opening, Box::new(program), job.limits(), codec)
    }

    /// The program that runs the function, and the folder that holds the package `euterpe`; both put in place where they
    /// are not.
    ///
    /// # Errors
    /// Where there is no such interpreter, or its environment cannot be built.
    pub async fn ready(&self, states: &Path) -> Result<(PathBuf, PathBuf), Fault> {
        let program = self.interpreter.program(states).await?;
        Ok((program, sdk::unpacked(states)?))
    }

    /// A command of the interpreter in the function's environment.
    pub fn command(&self, program: &Path, package: &Path, threads: usize) -> Command {
        let mut command = Command::new(program);
        scrub(&mut command, threads);
        inherit(&mut command, self.inherit.iter().map(String::as_str));
        command.env("PYTHONHASHSEED", "0").env("PYTHONUTF8", "1").env("PYTHONPATH", package);
        self.interpreter.enter(&mut command, program);
        command.envs(&self.variables);
        command
    }
}

/// Starts the interpreter, whose environment is put in place before the first start.
struct Starter {
    python: Python,
    states: PathBuf,
    threads: usize,
    ready: OnceCell<(PathBuf, PathBuf)>,
}

#[async_trait]
impl Program for Starter {
    async fn command(&self) -> Result<Command, Fault> {
        let (program, package) = self.ready.get_or_try_init(|| self.python.ready(&self.states)).await?;
        let mut command = self.python.command(program, package, self.threads);
        command.args(["-m", "euterpe.worker"]);
        Ok(command)
    }

    fn fingerprint(&self) -> Vec<u8> {
        let requirements = match &self.python.interpreter {
            Interpreter::Requirements(file) => std::fs::read(file).ok(),
            _ => None,
        };
        let files = [std::fs::read(&self.python.file).ok(), requirements];
        let rest = format!("{:?}{:?}", self.python, sdk::digest()).into_bytes();
        files.into_iter().flatten().chain([rest]).flatten().collect()
    }
}
