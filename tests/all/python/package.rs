//! The Python package's own tests, and those of the examples; its types and its style.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::venv::python_with;

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn passes(python: &Path, arguments: &[&str], folder: &Path) {
    let mut command = Command::new(python);
    command.args(arguments).current_dir(folder).env("PYTHONPATH", home().join("python/src"));
    command.env("MYPYPATH", home().join("python/src")).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output().expect("Python starts");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}

fn with_numpy() -> PathBuf {
    python_with("python-numpy", &["numpy"])
}

#[test]
fn the_tests_of_the_package_and_of_the_examples_pass() {
    for folder in ["python/tests", "config/transforms", "src/cli/verbs/create/transforms"] {
        passes(&with_numpy(), &["-m", "unittest", "discover", "-s", folder], home());
    }
}

#[test]
fn the_package_needs_nothing_but_the_standard_library() {
    let bare = python_with("python-bare", &[]);
    passes(&bare, &["-m", "unittest", "discover", "-s", "python/tests"], home());
}

#[test]
fn its_types_are_strict_and_its_style_is_one() {
    let tools = python_with("python-tools", &["mypy==1.18.2", "ruff==0.14.6", "numpy"]);
    passes(&tools, &["-m", "mypy", "--strict", "--cache-dir=/dev/null", "src", "tests"], &home().join("python"));
    let places = ["python", "config/transforms", "src/cli/verbs/create"];
    for check in [&["check", "--no-cache"][..], &["format", "--check", "--no-cache"]] {
        let arguments = [&["-m", "ruff"], check, &["--config", "python/pyproject.toml"], &places].concat();
        passes(&tools, &arguments, home());
    }
}

#[test]
fn the_package_can_be_installed_for_editors_and_unit_tests() {
    let fresh = tempfile::tempdir().expect("a folder");
    let copy = fresh.path().join("python");
    let copied = Command::new("cp").arg("-r").arg(home().join("python")).arg(&copy).status().expect("cp starts");
    assert!(copied.success());
    let python = python_with("python-bare", &[]);
    let target = fresh.path().join("installed").display().to_string();
    let copy = copy.display().to_string();
    passes(&python, &["-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", &target, &copy], home());
    assert!(fresh.path().join("installed/euterpe/py.typed").is_file());
    assert!(fresh.path().join("installed/euterpe/worker.py").is_file());
}
