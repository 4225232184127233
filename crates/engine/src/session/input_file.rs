//! The objects that a job reads and makes of an entity, open for reading.

use anyhow::bail;
use euterpe_actors::edges::{SourceOf, find_source, parent_of};
use euterpe_actors::ids::EntityId;
use euterpe_actors::plan::Route;
use euterpe_actors::storage::{Object, ObjectKey};

use super::{OutputFile, Session};
use crate::mistake::{Mistake, find_job};

impl Session {
    /// Opens an output.
    ///
    /// # Errors
    /// The store's own.
    pub async fn open_output(&self, output: &OutputFile) -> anyhow::Result<Object> {
        Ok(self.workspace.stores.open(output.key()).await?)
    }

    /// Opens what a job reads of an entity as the input of this name, with the path under which it lies in its store.
    ///
    /// # Errors
    /// [`Mistake`] for a job or an input that the graph does not have, and an entity that the job does not take; an input that is
    /// not there; the store's own.
    pub async fn open_input(&self, entity: &EntityId, job: &str, input: &str) -> anyhow::Result<(String, Object)> {
        let key = self.input_key(entity, job, input).await?;
        let object = self.workspace.stores.open(&key).await?;
        Ok((key.path.to_string(), object))
    }

    async fn input_key(&self, entity: &EntityId, job: &str, name: &str) -> anyhow::Result<ObjectKey> {
        let workspace = &self.workspace;
        let job = workspace.nodes.job(find_job(&workspace.nodes, job)?);
        let Some(input) = job.inputs.iter().find(|input| input.name.as_str() == name) else {
            bail!(Mistake(format!("job `{}` has no input named `{}`", job.name, name.escape_debug())));
        };
        let Some(parts) = job.form.split(entity) else {
            bail!(Mistake(format!("job `{}` takes ids of the form `{}`, not `{entity}`", job.name, job.form)));
        };
        if let Route::Source { store, key, exts, optional } = &input.from {
            let source = SourceOf { entity, form: &job.form, store, template: key, exts, optional: *optional };
            return match find_source(&workspace.stores, &workspace.state, source).await? {
                Ok(key) => Ok(key),
                Err(why) => bail!("{}", why.text),
            };
        }
        match parent_of(&workspace.nodes, input, entity, &parts) {
            Some(Ok(parent)) => Ok(parent.key),
            Some(Err(why)) => bail!("{}", why.text),
            None => bail!("`{}` of `{entity}` has no `{name}`", job.name),
        }
    }
}
