//! The transforms that a graph file can name.

use std::{collections::BTreeMap, sync::Arc};

use super::entry::Entry;
use super::samples::SampleCodec;

/// The transforms by name, and what gives tracks as samples to those in other processes.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: BTreeMap<String, Entry>,
    samples: Option<Arc<dyn SampleCodec>>,
    absent: Vec<(&'static str, &'static str)>,
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

    /// Notes that transforms whose names begin with `prefix` are missing because the program was built without `feature`.
    pub fn is_without(&mut self, prefix: &'static str, feature: &'static str) {
        self.absent.push((prefix, feature));
    }

    /// The feature that the program was built without and that has the transform of a name.
    pub fn absent_feature(&self, name: &str) -> Option<&'static str> {
        self.absent.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, feature)| *feature)
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
