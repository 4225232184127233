//! The graph file and the files of its code, as a ConfigMap can hold them.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};

use euterpe_engine::code_files;
use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Interpreter;

/// What a ConfigMap may hold, in bytes.
const MOST: usize = 1 << 20;
/// What else there is to do for a file that it cannot hold.
const REMEDY: &str =
    "build an image that has the folder of the graph file, and name the folder's place there by --in-image FOLDER";

/// A file that goes with the graph file.
#[derive(Debug)]
pub struct CodeFile {
    /// Its key in the ConfigMap.
    pub key: String,
    /// Its path from the folder of the graph file.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Whether it may be run.
    pub is_program: bool,
}

/// The graph file and the files that its jobs are made of. Those that a ConfigMap cannot hold are added to `problems`.
pub fn files(plan: &Plan, problems: &mut Vec<String>) -> Vec<CodeFile> {
    let graph = plan.folder.join(plan.file.file_name().unwrap_or_default());
    let code: BTreeSet<_> =
        plan.jobs.iter().flat_map(|job| code_files(plan, job)).filter(|file| *file != graph).collect();
    let mut files: Vec<CodeFile> = Vec::new();
    for file in std::iter::once(graph).chain(code) {
        match read(&file, &plan.folder, &files) {
            Ok(file) => files.push(file),
            Err(problem) => problems.push(format!("{}: {problem}; {REMEDY}", file.display())),
        }
    }
    let size: usize = files.iter().map(|file| file.key.len() + file.text.len()).sum();
    if size > MOST {
        problems.push(format!("the graph file and its code have {size} bytes, and a ConfigMap holds {MOST}; {REMEDY}"));
    }
    for job in &plan.jobs {
        let folder = |path: &Path| path.is_relative() || path.starts_with(&plan.folder);
        match job.python.as_ref().map(|python| &python.interpreter) {
            Some(Interpreter::Venv(path)) if folder(path) => problems.push(format!(
                "job `{}`: the environment {} is of this machine; name its packages by `env: {{requirements: FILE}}`, or {REMEDY}",
                job.name,
                path.display()
            )),
            Some(Interpreter::Program(path)) if path.starts_with(&plan.folder) => problems
                .push(format!("job `{}`: the interpreter {} is of this machine; {REMEDY}", job.name, path.display())),
            _ => {}
        }
    }
    files
}

fn read(file: &Path, folder: &Path, known: &[CodeFile]) -> Result<CodeFile, String> {
    let below = file.strip_prefix(folder).ok();
    let below = below.filter(|path| path.components().all(|part| matches!(part, Component::Normal(_))));
    let path = below.and_then(Path::to_str).ok_or("it does not lie below the folder of the graph file")?;
    if path.starts_with("..") {
        return Err("a file in a ConfigMap has no name that begins with two dots".into());
    }
    let bytes = std::fs::read(file).map_err(|error| format!("it cannot be read: {error}"))?;
    let is_program = file.metadata().is_ok_and(|about| about.permissions().mode() & 0o111 != 0);
    let text = String::from_utf8(bytes).map_err(|_| "it is no text")?;
    Ok(CodeFile { key: key(path, known), path: path.to_owned(), text, is_program })
}

/// A key for the file at `path` that no other one has.
fn key(path: &str, known: &[CodeFile]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' };
    let key: String = path.replace('/', ".").chars().map(plain).collect();
    let key = if key.len() > 240 { key[key.len() - 240..].to_owned() } else { key };
    let is_free = |key: &str| !known.iter().any(|file| file.key == key);
    let more = (2..).map(|number| format!("{key}.{number}"));
    std::iter::once(key.clone()).chain(more).find(|key| is_free(key)).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_plain_and_no_other_file_has_it() {
        let file = |path: &str, known: &[CodeFile]| CodeFile {
            key: key(path, known),
            path: path.into(),
            text: String::new(),
            is_program: false,
        };
        let mut files = Vec::new();
        for path in ["t/é a.py", "t/f.py", "t.f.py", "t/f/py"] {
            files.push(file(path, &files));
        }
        let keys: Vec<&str> = files.iter().map(|file| file.key.as_str()).collect();
        assert_eq!(keys, ["t.__a.py", "t.f.py", "t.f.py.2", "t.f.py.3"]);
    }
}
