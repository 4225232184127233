//! A store whose folder is not there yet, for commands that only look: it holds nothing, and looking does not make it.

use std::path::PathBuf;

use async_trait::async_trait;
use euterpe_actors::storage::{
    Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, StorageErrorKind, Stored,
};
use euterpe_actors::template::NameRules;

use crate::local::{LocalSettings, LocalStorage};

/// A store whose folder will be made by the first run that writes to it.
#[derive(Clone, Debug)]
pub struct AbsentFolder {
    path: PathBuf,
    names: NameRules,
}

impl AbsentFolder {
    /// The store of the folder `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // The folder that it will be made in tells.
        let above = path.ancestors().skip(1).find_map(|above| LocalStorage::open(above, LocalSettings::default()).ok());
        let tells_case = above.is_none_or(|above| above.name_rules().tells_case);
        Self { path, names: NameRules { tells_case, ..LocalStorage::NAMES } }
    }
}

#[async_trait]
impl Storage for AbsentFolder {
    async fn look(&self, _: &str) -> Result<Option<ObjectInfo>, StorageError> {
        Ok(None)
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        Err(StorageError::new(StorageErrorKind::NotFound, "open", path, "no such object"))
    }

    async fn store(&self, path: &str, _: Content, _: Option<Stamp>) -> Result<Stored, StorageError> {
        let why = format!("the folder {} was opened for looking only", self.path.display());
        Err(StorageError::new(StorageErrorKind::Denied, "store", path, why))
    }

    async fn remove(&self, _: &str) -> Result<(), StorageError> {
        Ok(())
    }

    async fn list(&self, _: &str, _: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send)) -> Result<(), StorageError> {
        Ok(())
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn name_rules(&self) -> NameRules {
        self.names
    }
}
