//! Virtual environments made from a file of requirements: one for each content of the file, used again.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use euterpe_actors::{node_trouble::is_node_trouble, outcome::Fault};

/// The file in an environment that says that all of it is there.
const WHOLE: &str = "euterpe-is-whole";

/// The Python of the environment with the packages that `file` names. If it is not there, it is built with the Python `base`
/// in the folder `shared`.
///
/// While one process builds it, others wait. An environment that was left half built is built anew.
pub(super) fn built(base: &Path, file: &Path, shared: &Path) -> Result<PathBuf, Fault> {
    let text = read(file)?;
    let version = run(Command::new(base).args(["-c", "import sys; print(sys.version, sys.base_prefix)"]));
    let version = version.map_err(|failure| failure.into_fault(format!("{} cannot be started:", base.display())))?;
    let digest = blake3::hash(format!("{version}\n{text}").as_bytes()).to_hex();
    let folders = shared.join("environments");
    let trouble = |error: io::Error| {
        Fault::of_io(format!("could not build a Python environment below {}", folders.display()), &error)
    };
    fs::create_dir_all(&folders).map_err(trouble)?;
    let folder = std::path::absolute(folders.join(&digest[..16])).map_err(trouble)?;
    let lock = File::create(folder.with_extension("lock")).map_err(trouble)?;
    lock.lock().map_err(trouble)?; // released when the file is closed
    let program = folder.join("bin/python");
    if folder.join(WHOLE).exists() {
        return Ok(program);
    }
    tracing::warn!("building the Python environment of {} in {}", file.display(), folder.display());
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(trouble(error)),
        _ => {}
    }
    let refused = |text: &str, failure: Failure| failure.into_fault(format!("{text} {}:\n", file.display()));
    let no_venv = "could not make a virtual environment (on Debian: install python3-venv) for";
    run(Command::new(base).args(["-m", "venv"]).arg(&folder)).map_err(|failure| refused(no_venv, failure))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"];
    run(Command::new(&program).args(pip).arg(file)).map_err(|failure| refused("could not install", failure))?;
    fs::write(folder.join(WHOLE), &text).map_err(trouble)?;
    Ok(program)
}

/// The text of the file and of those that it names by `-r` and `-c`: a change in any of them makes another environment.
fn read(file: &Path) -> Result<String, Fault> {
    let mut text = String::new();
    let mut to_read = vec![file.to_owned()];
    let mut known = Vec::new();
    while let Some(file) = to_read.pop() {
        if known.contains(&file) {
            continue;
        }
        let part = fs::read_to_string(&file)
            .map_err(|error| Fault::fatal(format!("could not read the requirements {}: {error}", file.display())))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let option = |line: &str| {
            let names = ["-r ", "-c ", "--requirement ", "--constraint "];
            names.iter().find_map(|name| line.strip_prefix(name)).map(|name| folder.join(name.trim()))
        };
        to_read.extend(part.lines().map(str::trim).filter_map(option));
        text += &part;
        known.push(file);
    }
    Ok(text)
}

/// Why a program did not do its work.
struct Failure {
    /// The error of starting it, or the last lines that it said.
    said: String,
    /// Whether this machine is out of something that it needs.
    machine: bool,
}

impl Failure {
    /// As a fault of the job, which another try does not change, or of this machine.
    fn into_fault(self, text: String) -> Fault {
        let text = format!("{text} {}", self.said);
        if self.machine { Fault::node_trouble(text) } else { Fault::fatal(text) }
    }
}

/// How pip and venv say that the disk is full.
const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// The standard output of a program, or the last lines that it said if it failed.
fn run(command: &mut Command) -> Result<String, Failure> {
    let unstarted = |error: io::Error| Failure { said: error.to_string(), machine: is_node_trouble(&error) };
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().map_err(unstarted)?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    let said = [stdout, stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    let said = lines[lines.len().saturating_sub(12)..].join("\n");
    Err(Failure { machine: NO_ROOM.iter().any(|text| said.contains(text)), said })
}

#[cfg(test)]
mod tests {
    use euterpe_actors::outcome::FaultKind;

    use super::*;

    #[test]
    fn a_full_disk_is_no_fault_of_the_requirements() {
        let fault =
            |script: &str| run(Command::new("sh").args(["-c", script])).expect_err("failed").into_fault("x".into());
        let full = fault("echo 'ERROR: [Errno 28] No space left on device' >&2; exit 1");
        assert_eq!(full.kind, FaultKind::NodeTrouble, "{full}");
        let unknown = fault("echo 'ERROR: no matching distribution' >&2; exit 1");
        assert_eq!(unknown.kind, FaultKind::Fatal, "{unknown}");
    }
}
