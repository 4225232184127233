//! Names that were found, on their way from whoever reads them to whoever runs them.

use std::sync::mpsc;

use euterpe_actors::ids::{EntityId, decomposed_form};
use euterpe_actors::storage::told_apart;

use super::addressing::Addressed;
use super::passed::{Passed, PassedKind};
use super::walk::FoundFile;

/// How many ids travel together.
pub const BATCH: usize = 4096;

/// One name that was found.
#[derive(Clone, Debug)]
pub enum Found {
    /// An entity, and its name as it is written where that is an odd one, see [`written`].
    Id(EntityId, Option<String>),
    /// The same, where it is not known yet whether the id has another file.
    File(EntityId, FoundFile),
    /// An entity whose address is known.
    Addressed(Addressed),
    /// A further odd name of an entity that was found in another source.
    Name(EntityId, String),
    /// A name that cannot be an id.
    Bad(BadName),
    /// A path that is no source, where somebody wants to know.
    Passed(PassedKind, String),
}

/// The most characters of a name that cannot be an id; of a longer one the start is kept, and a hash stands for the rest.
const LONGEST: usize = 600;

/// A name that cannot be an id.
#[derive(Clone, Debug)]
pub struct BadName {
    /// The name, as no other name is told.
    pub name: String,
    /// Why it cannot be an id.
    pub why: String,
    /// The source that it was found in.
    pub source: Option<String>,
}

impl BadName {
    /// A name that is told as `text`, and why it cannot be an id.
    pub fn new(text: &str, why: String) -> Self {
        let name = match text.char_indices().nth(LONGEST) {
            None => text.to_owned(),
            Some(_) => {
                let start: String = text.chars().take(LONGEST - 33).collect();
                format!("{start}~{}", &blake3::hash(text.as_bytes()).to_hex()[..32])
            }
        };
        Self { name, why, source: None }
    }
}

/// What a name is: the id is its normal form.
pub fn found(text: &str) -> Found {
    match EntityId::of_name(text) {
        Ok(id) => {
            let written = written(&id, text);
            Found::Id(id, written)
        }
        Err(bad) => Found::Bad(BadName::new(&told_apart(text), bad.to_string())),
    }
}

/// A name as it is written, where nobody would look for it by its id: it is neither the composed nor the decomposed form.
pub fn written(id: &EntityId, name: &str) -> Option<String> {
    (name != id.as_str() && name != decomposed_form(id.as_str())).then(|| name.to_owned())
}

/// Takes names on the way to whoever reads them.
pub struct Sink {
    sender: mpsc::SyncSender<anyhow::Result<Vec<Found>>>,
    batch: Vec<Found>,
    /// What is passed over.
    pub passed: Passed,
}

impl Sink {
    /// A sink that sends batches to `sender`.
    pub fn to(sender: mpsc::SyncSender<anyhow::Result<Vec<Found>>>) -> Self {
        Self { sender, batch: Vec::new(), passed: Passed::default() }
    }

    /// Takes a name; whether anybody still wants more.
    pub fn put(&mut self, found: Found) -> bool {
        self.batch.push(found);
        self.batch.len() < BATCH || self.flush()
    }

    /// Sends what is there; whether anybody still wants more.
    pub fn flush(&mut self) -> bool {
        let batch = std::mem::take(&mut self.batch);
        batch.is_empty() || self.sender.send(Ok(batch)).is_ok()
    }

    /// Sends what went wrong.
    pub fn fail(&mut self, error: anyhow::Error) {
        self.flush();
        // Nobody listens any more: then the run was stopped, and its reader with it.
        if let Err(unheard) = self.sender.send(Err(error)) {
            tracing::debug!(error = ?unheard.0, "the run stopped before it heard of this");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_ids_are_told_apart_to_their_ends() {
        let name = |text: &str| match found(text) {
            Found::Bad(bad) => bad.name,
            other => panic!("{text} is {other:?}"),
        };
        let long = "x".repeat(700);
        let (one, other) = (name(&format!("{long}a")), name(&format!("{long}b")));
        assert!(one != other && one.starts_with("xxx") && one.chars().count() == LONGEST, "{one}");
        assert_eq!(name(r"a\b"), r"a\b");
        assert_ne!(name(r"caf\xE9"), euterpe_actors::storage::name_as_text(b"caf\xE9"));
    }
}
