//! Loads a graph file: reads the text, then takes it through all steps to a plan.

use std::path::{Path, PathBuf};

use super::places::Places;
use super::plan::Plan;
use super::position::Position;
use super::problem::{Findings, Problems};
use super::surroundings::Surroundings;
use super::{check, read, substitute, tree};

/// The most bytes of a graph file.
const MOST_BYTES: u64 = 1 << 20;

/// Reads and checks the graph file at `path`.
///
/// # Errors
/// Everything that is wrong with it, or the one problem that it cannot be read.
pub fn load(path: &Path, surroundings: Surroundings<'_>) -> Result<Plan, Problems> {
    let name = path.display().to_string();
    match read_text(path) {
        Ok(text) => check_text(&text, path, surroundings),
        Err(message) => {
            let findings = Findings::default();
            findings.add(Position::default(), "", message);
            Err(findings.into_problems(name))
        }
    }
}

/// Checks `text` as the content of the graph file at `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn check_text(text: &str, path: &Path, surroundings: Surroundings<'_>) -> Result<Plan, Problems> {
    let findings = Findings::default();
    let plan = tree::parse(text, &findings).and_then(|mut root| {
        substitute::substitute(&mut root, surroundings.env, &findings);
        let written = read::graph_file(&root, &findings)?;
        let plan = check::check(&written, path, folder_of(path), surroundings, &findings)?;
        Some(Plan { places: Places::of(&root), ..plan })
    });
    match plan {
        Some(plan) if findings.is_empty() => Ok(plan),
        _ => Err(findings.into_problems(path.display().to_string())),
    }
}

fn read_text(path: &Path) -> Result<String, String> {
    use std::io::Read;
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    };
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err("the file is larger than 1 MiB; is it a graph file?".into());
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("the file is not UTF-8 text: byte {at} cannot be read; save it as UTF-8")
    })
}

/// The absolute folder of the file at `path`.
fn folder_of(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    parent.canonicalize().or_else(|_| std::path::absolute(parent)).unwrap_or_else(|_| parent.to_owned())
}
