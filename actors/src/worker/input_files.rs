//! Whether the inputs of work that failed are still there, and were there all the time. A disk that is not mounted any more, or
//! was not for a while, is no failure of the work.

use std::{path::PathBuf, sync::Arc};

use rustix::fs::{Access, access};

use super::executor::{Executor, SharedStorageError};
use super::inputs::FoundInput;
use crate::edges::{SourceOf, find_source};
use crate::ids::EntityId;
use crate::mutants::{Mutant, active};
use crate::plan::Route;
use crate::standing::{is_same_version, print};
use crate::storage::{Content, Mount, ObjectKey, StorageErrorKind};
use crate::transform::Input;

/// The files that a transform was given as inputs; none for what it was given in memory.
#[derive(Debug)]
pub(super) struct InputFiles(Vec<Option<InputFile>>);

#[derive(Debug)]
struct InputFile {
    path: PathBuf,
    /// Where it lay when the work began; none where it was gone by then.
    mount: Option<Mount>,
}

impl InputFile {
    /// Whether it can be read, and lies where it lay.
    fn is_well(&self) -> bool {
        access(&self.path, Access::READ_OK).is_ok() && Mount::of(&self.path).ok() == self.mount
    }
}

impl InputFiles {
    /// Those of these inputs.
    pub(super) fn of(inputs: &[Input]) -> Self {
        let file = |input: &Input| match &input.object.content {
            Content::File(path) => Some(InputFile { path: path.clone(), mount: Mount::of(path).ok() }),
            Content::Bytes(_) => None,
        };
        Self(inputs.iter().map(file).collect())
    }
}

impl Executor {
    /// The first source that is another version now than the one that was opened, or that was not there and is now; none where
    /// all are the same, or are gone.
    ///
    /// # Errors
    /// Those of its store.
    pub(super) async fn changed(
        &self,
        entity: &EntityId,
        found: &[FoundInput],
    ) -> Result<Option<ObjectKey>, SharedStorageError> {
        for input in self.job.inputs.iter().filter(|input| !found.iter().any(|found| found.name == input.name)) {
            let Route::Source { store, key, exts, optional: true } = &input.from else { continue };
            let source = SourceOf { entity, form: &self.job.form, store, template: key, exts, optional: true };
            match find_source(&self.node.settings.stores, &self.node.settings.state, source).await {
                Ok(Ok(key)) => return Ok(Some(key)),
                Ok(Err(_)) => {}
                Err(error) if error.kind == StorageErrorKind::Denied => {}
                Err(error) => return Err(Arc::new(error)),
            }
        }
        for input in found.iter().filter(|input| input.parent.is_none()) {
            let now = match self.node.settings.stores.look(&input.key).await {
                Ok(now) => now,
                Err(error) if error.kind == StorageErrorKind::Denied => None,
                Err(error) => return Err(Arc::new(error)),
            };
            let then = self.read.get(&input.name);
            let is_same = |now: &str| then.is_some_and(|then| is_same_version(then, now));
            if now.is_some_and(|now| !is_same(&print(&input.key, &now))) && !active(Mutant::TrustTheSource) {
                return Ok(Some(input.key.clone()));
            }
        }
        Ok(None)
    }

    /// Whether a file that the transform was given cannot be read any more, or its disk was mounted anew, while its store is
    /// well.
    ///
    /// # Errors
    /// Those of its store, where that is in trouble: it is not mounted any more, or may not be read.
    pub(super) async fn lost(&self, found: &[FoundInput], files: &InputFiles) -> Result<bool, SharedStorageError> {
        let mut lost = false;
        for (input, file) in found.iter().zip(&files.0) {
            if file.as_ref().is_none_or(InputFile::is_well) {
                continue;
            }
            self.node.settings.presence.forget(&input.key);
            match self.node.settings.stores.open(&input.key).await {
                Ok(_) => {} // it has come back
                Err(error) if error.kind == StorageErrorKind::NotFound => {}
                Err(error) => return Err(Arc::new(error)),
            }
            lost = true;
        }
        Ok(lost)
    }
}
