//! Python functions as transforms: `python: transforms/tags.py:tags`, each in an environment of its own.

mod imports;
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

pub use imports::sources as python_sources;
pub use interpreter::Interpreter;

use crate::code_digest::{Code, CodeDigest};
use crate::supervised::{inherit, scrub};
use crate::worker::{Launcher, Opening, Program, Source};

/// A function in a file, and the environment that it runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonFunction {
    /// File and function as the graph file names them: `transforms/tags.py:tags`.
    pub written: String,
    /// The absolute path of the file.
    pub file: PathBuf,
    /// The function's name.
    pub function: String,
    /// The Python that runs it.
    pub interpreter: Interpreter,
    /// Variables that are set in its environment.
    pub variables: BTreeMap<String, String>,
    /// Names of variables that it gets as the node has them.
    pub inherit: Vec<String>,
}

impl PythonFunction {
    /// The launcher of a job that runs this function with the options `with`. Environments and the Python package are put in
    /// place in the folder `shared`.
    ///
    /// # Errors
    /// The options do not fit into a frame.
    pub fn launcher(
        &self,
        with: &Value,
        job: &OpenContext,
        shared: &Path,
        codec: Option<Arc<dyn SampleCodec>>,
    ) -> Result<Arc<Launcher>, Fault> {
        let source = Source { file: self.file.clone(), function: self.function.clone() };
        let opening = Opening::of(job, with.clone(), Some(source));
        let (function, shared) = (self.clone(), shared.to_owned());
        let folder = job.folder.clone();
        let program = PythonProgram { function, folder, shared, threads: job.threads, ready: OnceCell::new() };
        Launcher::new(&self.written, opening, Arc::new(program), job.limits(), codec)
    }

    /// The program that runs the function, and the folder that holds the package `euterpe`; both are put in place in the
    /// folder `shared` if they are not there.
    ///
    /// # Errors
    /// There is no such interpreter, or its environment cannot be built.
    pub async fn ready(&self, shared: &Path) -> Result<(PathBuf, PathBuf), Fault> {
        let program = self.interpreter.program(shared).await?;
        Ok((program, sdk::unpacked(shared)?))
    }

    /// A command that starts `program`, an interpreter, in the function's environment, with at most `threads` threads for each
    /// numeric library.
    pub fn command(&self, program: &Path, package: &Path, threads: usize) -> Command {
        let mut command = Command::new(program);
        scrub(&mut command, threads);
        inherit(&mut command, self.inherit.iter().map(String::as_str));
        command.env("PYTHONHASHSEED", "0").env("PYTHONUTF8", "1").env("PYTHONPATH", package);
        // Python takes bytecode for that of a file by its size and the second of its time: an edit would not be seen.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        self.interpreter.enter(&mut command, program);
        command.envs(&self.variables);
        command
    }
}

/// The interpreter as a worker. Its environment is put in place before the first start.
struct PythonProgram {
    function: PythonFunction,
    /// The graph's folder.
    folder: PathBuf,
    shared: PathBuf,
    threads: usize,
    ready: OnceCell<(PathBuf, PathBuf)>,
}

impl PythonProgram {
    /// Its files, as they are seen from a folder.
    fn files_from(&self, folder: &Path) -> Code {
        let mut digest = CodeDigest::from(folder);
        digest.add_files(imports::sources(&self.folder, &self.function.file));
        if let Interpreter::Requirements(file) = &self.function.interpreter {
            digest.add_files([file]);
        }
        digest.code()
    }
}

#[async_trait]
impl Program for PythonProgram {
    async fn command(&self) -> Result<Command, Fault> {
        let (program, package) = self.ready.get_or_try_init(|| self.function.ready(&self.shared)).await?;
        let mut command = self.function.command(program, package, self.threads);
        command.args(["-m", "euterpe.worker"]);
        Ok(command)
    }

    fn code(&self) -> Code {
        self.files_from(&self.folder)
    }

    fn fingerprint(&self) -> Vec<u8> {
        // It stays on this machine, so files beside the graph's folder count as well.
        let files = self.files_from(Path::new("/")).digest;
        format!("{files}{:?}{:?}", self.function, sdk::digest()).into_bytes()
    }
}
