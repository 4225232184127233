//! How a folder is opened as a store.

use std::path::PathBuf;

use super::stamps::StampsIn;

/// How a folder is opened as a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalSettings {
    /// Whether each write waits until the disk has it. Without that, a power cut may lose the newest objects, or leave broken
    /// ones that the store does not recognise. A killed process loses nothing either way.
    pub fsync: bool,
    /// Whether to make the folder if it is not there. Sources must not: a wrong path would look like an empty catalogue.
    pub create: bool,
    /// Whether links may lead out of the folder.
    pub follow_links: bool,
    /// Folders that no link leads a listing into, absolute: what is written there would come back as a source.
    pub outputs: Vec<PathBuf>,
    /// Where stamps are kept.
    pub stamps: StampsIn,
    /// The folder for stamps that cannot be attributes of their files. By default it is `.euterpe/stamps` below the root.
    pub stamp_folder: Option<PathBuf>,
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            fsync: true,
            create: false,
            follow_links: false,
            outputs: Vec::new(),
            stamps: StampsIn::Attributes,
            stamp_folder: None,
        }
    }
}
