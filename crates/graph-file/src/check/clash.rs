//! No key has two writers: outputs against outputs, and outputs against sources, across stores that share a place.

use std::path::{Path, PathBuf};

use euterpe_actors::plan::{OutputPlan, Route};
use euterpe_actors::template::{Piece, Template, Var};
use euterpe_actors::transform::Entry;

use super::draft::Draft;
use super::outputs::is_encoded;
use super::pattern::{Pattern, Set};
use super::stores::CheckedStore;
use crate::location::Location;
use crate::position::Position;
use crate::problem::Findings;
use crate::wording::printable;

/// The most clashes that are reported; more say nothing new.
const ENOUGH: usize = 20;

/// The keys of an output or a source, and where they come from.
struct Keys {
    pattern: Pattern,
    text: String,
    job: usize,
    position: Position,
    path: String,
}

/// Checks that no two outputs, and no output and source, can share a key.
pub fn check(drafts: &[Draft<'_>], stores: &[CheckedStore], findings: &Findings) {
    let roots: Vec<(&str, String)> = stores
        .iter()
        .filter_map(|store| Some((store.name.as_str(), root(&store.checked.as_ref()?.location))))
        .collect();
    let root_of = |name: &str| roots.iter().find(|(known, _)| *known == name).map(|(_, root)| root.as_str());
    let outputs = written_keys(drafts, &root_of);
    let sources = source_keys(drafts, &root_of);
    let enough = findings.len() + ENOUGH;
    let name = |at: usize| printable(&drafts[at].written.name.value);
    for (at, output) in outputs.iter().enumerate() {
        for other in &outputs[..at] {
            if findings.len() < enough && output.pattern.meets(&other.pattern) {
                let message = format!(
                    "`{}` of `{}` may be the same key as `{}`; put a folder of its own before one of them",
                    printable(&other.text),
                    name(other.job),
                    printable(&output.text)
                );
                findings.add(output.position, output.path.clone(), message);
            }
        }
        for source in &sources {
            if findings.len() < enough && output.pattern.meets(&source.pattern) {
                let message = format!(
                    "this may overwrite the source `{}` of `{}`; write to another store or folder",
                    printable(&source.text),
                    name(source.job)
                );
                findings.add(output.position, output.path.clone(), message);
            }
        }
    }
}

fn written_keys<'r>(drafts: &[Draft<'_>], root_of: &impl Fn(&str) -> Option<&'r str>) -> Vec<Keys> {
    let encoded = Set::of(is_encoded);
    let mut keys = Vec::new();
    for (job, draft) in drafts.iter().enumerate() {
        for (written, output) in draft.written.outputs.iter().zip(&draft.outputs) {
            let Some(OutputPlan { store, key }) = output else { continue };
            let Some(root) = root_of(store.as_str()) else { continue };
            let pattern = pattern(root, key, encoded, None);
            let path = draft.output_path(&written.name.value);
            keys.push(Keys { pattern, text: written.to.value.clone(), job, position: written.to.position, path });
        }
    }
    keys
}

fn source_keys<'r>(drafts: &[Draft<'_>], root_of: &impl Fn(&str) -> Option<&'r str>) -> Vec<Keys> {
    let anything = Set::of(|_| true);
    let transform_of = |job: usize| drafts[job].entry.map(Entry::name);
    let mut keys: Vec<Keys> = Vec::new();
    for (job, draft) in drafts.iter().enumerate() {
        for (written, input) in draft.written.inputs.iter().zip(&draft.inputs) {
            let Some(Route::Source { store, key, exts, .. }) = input.as_ref().map(|input| &input.from) else {
                continue;
            };
            let Some(root) = root_of(store.as_str()) else { continue };
            let text = &written.from.value;
            if keys.iter().any(|known| known.text == *text && transform_of(known.job) == transform_of(job)) {
                continue;
            }
            let exts: Vec<Option<&str>> = match exts.len() {
                0 => vec![None],
                _ => exts.iter().map(|ext| Some(ext.as_str())).collect(),
            };
            for ext in exts {
                let pattern = pattern(root, key, anything, ext);
                keys.push(Keys {
                    pattern,
                    text: text.clone(),
                    job,
                    position: written.from.position,
                    path: String::new(),
                });
            }
        }
    }
    keys
}

fn pattern(root: &str, key: &Template, variable: Set, ext: Option<&str>) -> Pattern {
    let mut pattern = Pattern::default();
    pattern.text(root);
    for piece in key.pieces() {
        match (piece, ext) {
            (Piece::Text(text), _) => pattern.text(text),
            (Piece::Var(Var::Ext), Some(ext)) => pattern.text_of_any_case(ext),
            (Piece::Var(_), _) => pattern.some(variable),
        }
    }
    pattern
}

/// The start of every key of a store. Stores in one place, or one inside of the other, have keys that can be compared.
pub(super) fn root(location: &Location) -> String {
    match location {
        Location::Folder { path, .. } => format!("file:{}/", real(path).display()),
        Location::S3 { bucket, prefix, endpoint, .. } => {
            let slash = if prefix.is_empty() { "" } else { "/" };
            format!("s3:{}/{bucket}/{prefix}{slash}", endpoint.as_deref().unwrap_or(""))
        }
    }
}

/// The path with all links followed, as far as the path exists.
fn real(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let Ok(found) = above.canonicalize() {
            let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { found } else { found.join(rest) };
        }
    }
    path.to_owned()
}
