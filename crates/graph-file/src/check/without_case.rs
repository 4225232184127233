//! Keys that are one in a store without case: of two outputs, or of an output and a source.

use euterpe_actors::ids::StoreName;
use euterpe_actors::plan::Route;
use euterpe_actors::template::{Piece, Template, Var};

use super::clash::root;
use super::outputs::is_encoded;
use super::pattern::{Pattern, Set};
use crate::plan::Plan;
use crate::wording::printable;

/// A key of the graph: its pattern without case, and what it is called.
struct Key {
    pattern: Pattern,
    text: String,
    of: String,
}

impl Plan {
    /// Whether two jobs would write one key, or one would write a source, where some stores take names for one that differ in
    /// case alone. The checks of the file cannot know that: the stores tell when they are opened. In a sentence, if so.
    pub fn twins_without_case(&self, lacks_case: impl Fn(&StoreName) -> bool) -> Option<String> {
        let root_of = |name: &StoreName| self.store(name).map(|store| root(&store.location));
        let key = |store: &StoreName, template: &Template, job: usize, ext: Option<&str>| {
            let set = if ext.is_some() { Set::of(|_| true) } else { Set::of(|byte| is_encoded(byte) || byte == b'~') };
            let mut pattern = Pattern::default();
            pattern.text(&root_of(store)?.to_lowercase());
            for piece in template.pieces() {
                match piece {
                    Piece::Text(text) => pattern.text(&text.to_lowercase()),
                    Piece::Var(Var::Ext) => pattern.text(ext.unwrap_or_default()),
                    Piece::Var(_) => pattern.some(set),
                }
            }
            let text = printable(&format!("{store}:{template}"));
            Some(Key { pattern, text, of: self.jobs[job].name.to_string() })
        };
        let mut outputs: Vec<Key> = Vec::new();
        for (at, job) in self.jobs.iter().enumerate() {
            for output in job.outputs.iter().filter(|output| lacks_case(&output.store)) {
                let Some(mine) = key(&output.store, &output.key, at, None) else { continue };
                if let Some(other) = outputs.iter().find(|other| other.pattern.meets(&mine.pattern)) {
                    return Some(format!(
                        "store `{}` takes `T` and `t` for one name: there `{}` of `{}` may be the same key as `{}` of \
                         `{}`; put a folder of its own before one of them",
                        output.store, mine.text, mine.of, other.text, other.of
                    ));
                }
                outputs.push(mine);
            }
        }
        for (at, job) in self.jobs.iter().enumerate() {
            for input in &job.inputs {
                let Route::Source { store, key: template, exts, .. } = &input.from else { continue };
                let exts = if exts.is_empty() { vec![String::new()] } else { exts.to_vec() };
                let sources = exts.iter().filter_map(|ext| key(store, template, at, Some(ext)));
                for source in sources {
                    if let Some(output) = outputs.iter().find(|output| output.pattern.meets(&source.pattern)) {
                        return Some(format!(
                            "`{}` of `{}` may overwrite the source `{}` of `{}` in a store that takes `T` and `t` for one \
                             name; write to another store or folder",
                            output.text, output.of, source.text, source.of
                        ));
                    }
                }
            }
        }
        None
    }
}
