//! Where an output lies, and a file that programs of the machine can open.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::ids::{EntityId, StoreName};
use euterpe_actors::storage::{Content, ObjectKey};

use super::Session;
use crate::mistake::{Mistake, find_job};

/// An output that is there.
#[derive(Clone, Debug)]
pub struct OutputFile {
    /// The path of a file, or the URL of an object.
    pub place: String,
    key: ObjectKey,
    /// Its file, where it lies in a folder.
    file: Option<PathBuf>,
}

impl OutputFile {
    /// The key under which it lies.
    pub(super) fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// The path under which it lies in its store.
    pub fn path(&self) -> &str {
        &self.key.path
    }
}

impl Session {
    /// Where an object of a store lies: the path of a file, or the URL of an object.
    pub(super) fn place_of(&self, store: &StoreName, path: &str) -> String {
        let place = match self.workspace.plan.store(store) {
            Some(store) => store.location.text(),
            None => self.workspace.stores.get(store).place(),
        };
        format!("{}/{path}", place.trim_end_matches('/'))
    }

    /// Finds an output of a job for an entity: the one of this name, or the primary one.
    ///
    /// # Errors
    /// [`Mistake`] for a job or an output that the graph does not have, and an entity that the job does not take; an output that
    /// is not there; the store's own.
    pub async fn find_output(&self, entity: &EntityId, job: &str, output: Option<&str>) -> anyhow::Result<OutputFile> {
        let nodes = &self.workspace.nodes;
        let at = find_job(nodes, job)?;
        let (job, names) = (nodes.job(at), &self.workspace.plan.jobs[at.0].output_names);
        let Some(parts) = job.form.split(entity) else {
            bail!(Mistake(format!("job `{}` takes ids of the form `{}`, not `{entity}`", job.name, job.form)));
        };
        let number = match output {
            None => 0,
            Some(output) => names.iter().position(|name| name == output).ok_or_else(|| {
                let (output, job, names) = (output.escape_debug(), &job.name, names.join(", "));
                Mistake(format!("job `{job}` has no output named `{output}`; its outputs are {names}"))
            })?,
        };
        let key = job.outputs[number].key_of(&parts);
        let Some((path, _)) = self.workspace.stores.find(&key).await? else {
            let (job, place) = (&job.name, self.place_of(&key.store, &key.path));
            bail!("`{job}` made nothing of `{entity}` that is there ({place}); `euterpe explain` says why");
        };
        let place = self.place_of(&key.store, path);
        let location = self.workspace.plan.store(&key.store).map(|store| &store.location);
        let file = location.and_then(|location| location.folder()).map(|folder| folder.join(path));
        Ok(OutputFile { place, key, file })
    }

    /// A file with an output: its own where it lies in a folder, else a copy in the machine's folder of temporary files, which
    /// stays there.
    ///
    /// # Errors
    /// The store's own; a folder that takes no file.
    pub async fn openable_file(&self, output: &OutputFile) -> anyhow::Result<PathBuf> {
        if let Some(file) = &output.file {
            return Ok(file.clone());
        }
        let object = self.workspace.stores.open(&output.key).await?;
        let name = output.key.path.rsplit('/').next().unwrap_or("output").to_owned();
        let copied = on_blocking_thread(move || {
            let folder = tempfile::Builder::new().prefix("euterpe-").tempdir()?.keep();
            let file = folder.join(name);
            match &object.content {
                Content::Bytes(bytes) => fs::write(&file, bytes)?,
                Content::File(path) => fs::copy(path, &file).map(|_| ())?,
            }
            std::io::Result::Ok(file)
        });
        copied.await?.with_context(|| format!("could not copy {} to a temporary file", output.place))
    }
}
