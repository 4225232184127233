//! The Python that runs a function: the machine's, one that is named, or that of a virtual environment.

use std::{
    env,
    path::{Path, PathBuf},
};

use euterpe_actors::{blocking_threads::on_blocking_thread, outcome::Fault};
use tokio::process::Command;

use super::requirements;

/// The Python that runs a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Interpreter {
    /// `python3` of the machine.
    #[default]
    Machine,
    /// This program: a path, or a name to be looked for.
    Program(PathBuf),
    /// The Python of a virtual environment, by its absolute path.
    Venv(PathBuf),
    /// The Python of a virtual environment with the packages of this file of requirements. It is made if it is not there yet.
    Requirements(PathBuf),
}

impl Interpreter {
    /// The path of the program. A virtual environment that is not there is made in the folder `shared`.
    ///
    /// # Errors
    /// There is no such program, or its environment cannot be built.
    pub(super) async fn program(&self, shared: &Path) -> Result<PathBuf, Fault> {
        match self {
            Self::Machine => find(Path::new("python3")).ok_or_else(|| {
                Fault::fatal("there is no `python3` on this machine; install Python 3.9 or later, or name one in `env`")
            }),
            Self::Program(name) => find(name).ok_or_else(|| {
                Fault::fatal(format!("there is no Python at {}; correct `env: {{python: …}}`", name.display()))
            }),
            Self::Venv(folder) => {
                let program = folder.join("bin/python");
                let folder = folder.display();
                find(&program).ok_or_else(|| {
                    Fault::fatal(format!(
                        "{folder} is no virtual environment; make it with `python3 -m venv {folder}`, or name a file of \
                         requirements instead"
                    ))
                })
            }
            Self::Requirements(file) => {
                let (file, shared) = (file.clone(), shared.to_owned());
                let base = Box::pin(Self::Machine.program(&shared)).await?;
                let built = on_blocking_thread(move || requirements::built(&base, &file, &shared)).await;
                built.map_err(|error| Fault::of_io("the environment was not built", &error))?
            }
        }
    }

    /// Sets the variables of a virtual environment, so that the programs in it are found first.
    pub(super) fn enter(&self, command: &mut Command, program: &Path) {
        let (Self::Venv(_) | Self::Requirements(_), Some(folder)) = (self, program.parent()) else { return };
        if let Some(home) = folder.parent() {
            command.env("VIRTUAL_ENV", home);
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let first = std::iter::once(folder.to_owned());
        match env::join_paths(first.chain(env::split_paths(&path))) {
            Ok(path) => {
                command.env("PATH", path);
            }
            Err(error) => tracing::warn!(%error, "the programs of a Python environment are not on its PATH"),
        }
    }
}

/// A path stands for itself; a name is looked for in PATH.
fn find(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return name.is_file().then(|| name.to_owned());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}
