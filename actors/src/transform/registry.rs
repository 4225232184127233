//! The transforms that a graph file can name.

use std::{collections::BTreeMap, sync::Arc};

use super::entry::Entry;
use super::samples::SampleCodec;

/// The transforms by name, and what gives tracks as samples to those in other processes.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: BTreeMap<String, Entry>,
    samples: Option<Arc<dyn SampleCodec>>,
}

impl Registry {
    /// The same with a codec for the transforms in other processes.
    pub fn with_samples(self, codec: Arc<dyn SampleCodec>) -> Self {
        Self { samples: Some(codec), ..self }
    }

    /// What decodes and encodes tracks for transforms in other processes; nothing in a program without audio.
    pub fn samples(&self) -> Option<Arc<dyn SampleCodec>> {
        self.samples.clone()
    }

    /// Adds a transform; one of the same name is replaced and returned.
    pub fn register(&mut self, entry: Entry) -> Option<Entry> {
        self.entries.insert(entry.name().to_owned(), entry)
    }

    /// The transform of a name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// All names, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// All transforms, in alphabetical order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }
}
