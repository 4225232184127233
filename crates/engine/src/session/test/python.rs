//! The tests of Python transforms: `test_NAME.py` beside `NAME.py`, in the transform's environment.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;

use euterpe_graph_file::plan::Plan;
use euterpe_processes::PythonFunction;

/// The tests of one file, in one environment.
pub struct PythonTests {
    /// The file, as it is shown.
    pub name: String,
    file: PathBuf,
    python: PythonFunction,
}

/// The files of tests beside the graph's Python transforms, each once for each environment.
pub fn python_tests(plan: &Plan) -> Vec<PythonTests> {
    let mut suites: Vec<PythonTests> = Vec::new();
    for job in &plan.jobs {
        let Some(written) = &job.python else { continue };
        let Some((folder, name)) = written.file.parent().zip(written.file.file_name()) else { continue };
        let file = folder.join(format!("test_{}", name.to_string_lossy()));
        let python = crate::workspace::python(&job.transform, written);
        let known = |suite: &PythonTests| suite.file == file && suite.python.interpreter == python.interpreter;
        if file.is_file() && !suites.iter().any(known) {
            let name = file.strip_prefix(&plan.folder).unwrap_or(&file).display().to_string();
            suites.push(PythonTests { name, file, python });
        }
    }
    suites
}

impl PythonTests {
    /// Runs the tests, with pytest where the environment has it; what does not hold comes back as it was printed.
    ///
    /// # Errors
    /// Where the environment cannot be put in place or its Python cannot be started.
    pub async fn run(&self, kept: &Path) -> anyhow::Result<Vec<String>> {
        let (program, package) = self.python.ready(kept).await?;
        let command = || self.python.command(&program, &package, 1);
        let mut pytest = command();
        pytest.args(["-c", "import pytest"]).stdin(Stdio::null());
        let has_pytest = pytest.output().await.context("could not start Python")?.status.success();
        let (folder, file) = (self.file.parent().unwrap_or(Path::new(".")), self.file.file_name().unwrap_or_default());
        let mut command = command();
        command.current_dir(folder).stdin(Stdio::null());
        match has_pytest {
            true => command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]).arg(&self.file),
            false => command.args(["-m", "unittest", "discover", "-s", ".", "-p"]).arg(file),
        };
        let ended = command.output().await.context("could not start Python")?;
        let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).trim_end().to_owned();
        let ran_none = said.contains("Ran 0 tests"); // which unittest before 3.12 calls a success
        Ok(if ended.status.success() && !ran_none { Vec::new() } else { vec![said] })
    }
}
