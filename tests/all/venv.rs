//! Python with packages that a test stands on, in virtual environments of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A Python with these packages, made once in the target folder under `name`.
pub fn python_with(name: &str, packages: &[&str]) -> PathBuf {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = cache.join(name);
    let (python, stamp) = (home.join("bin/python"), home.join(format!("{name}-is-here")));
    // One test makes it while the others wait.
    let turn = fs::File::create(cache.join(format!("{name}.lock"))).expect("a file in the target folder");
    turn.lock().expect("a lock");
    if stamp.exists() {
        return python;
    }
    let call = |command: &mut Command, remedy: &str| {
        let output = command.output().unwrap_or_else(|error| panic!("{remedy}: {error}"));
        assert!(output.status.success(), "{remedy}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let remedy = "no virtual environment; install it: apt-get install -y python3-venv";
    call(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home), remedy);
    let remedy = format!("{} cannot be installed; is a Python package index in reach?", packages.join(", "));
    if !packages.is_empty() {
        call(Command::new(&python).args(["-m", "pip", "install", "-q"]).args(packages), &remedy);
    }
    fs::write(&stamp, "").expect("a stamp in the target folder");
    python
}
