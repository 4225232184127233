//! The inputs of a job for one entity: where they are, or which are missing and what makes them.

use euterpe_actors::edges::{SourceOf, find_source, parent_of};
use euterpe_actors::ids::{EntityId, InputName};
use euterpe_actors::message::Target;
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{JobIx, Route};
use euterpe_actors::storage::{ObjectKey, StorageErrorKind};

use crate::mistake::Mistake;
use crate::session::Session;
use crate::workspace::Workspace;

/// An input that is not there.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The job's name for it.
    pub name: InputName,
    /// What is missing, in a sentence.
    pub text: String,
    /// What makes it; none where it comes from outside.
    pub made_by: Option<Target>,
}

/// The keys of the inputs that are there, or those that are missing. An optional source that is not there is left out.
///
/// # Errors
/// An id that does not have the form of the job; a store that cannot be read.
pub(super) async fn find(
    workspace: &Workspace,
    at: JobIx,
    entity: &EntityId,
) -> anyhow::Result<Result<Vec<(InputName, ObjectKey)>, Vec<Missing>>> {
    let job = workspace.nodes.job(at);
    let Some(parts) = job.form.split(entity) else {
        return Err(Mistake(format!("`{entity}` does not have the form `{}` of job `{}`", job.form, job.name)).into());
    };
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for input in &job.inputs {
        let name = input.name.clone();
        let lacks = |text: String, made_by: Option<Target>| Missing { name: input.name.clone(), text, made_by };
        match (&input.from, parent_of(&workspace.nodes, input, entity, &parts)) {
            (Route::Source { store, key, exts, optional }, _) => {
                let source = SourceOf { entity, form: &job.form, store, template: key, exts, optional: *optional };
                match find_source(&workspace.stores, &workspace.state, source).await {
                    Ok(Ok(key)) => found.push((name, key)),
                    Ok(Err(why)) if *optional && why.reason == Reason::SourceMissing => {}
                    Ok(Err(why)) => missing.push(lacks(why.text, None)),
                    Err(error) if error.kind == StorageErrorKind::BadKey => {
                        missing.push(lacks(error.to_string(), None));
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            (Route::Job { .. }, Some(Ok(parent))) => match workspace.stores.look(&parent.key).await {
                Ok(Some(_)) => found.push((name, parent.key)),
                Ok(None) => missing.push(lacks(format!("`{}` is not there", parent.key), Some(parent.target))),
                Err(error) if error.kind == StorageErrorKind::BadKey => missing.push(lacks(error.to_string(), None)),
                Err(error) => return Err(error.into()),
            },
            (Route::Job { .. }, Some(Err(why))) => missing.push(lacks(why.text, None)),
            (Route::Job { .. }, None) => {} // only a source has no parent
        }
    }
    Ok(if missing.is_empty() { Ok(found) } else { Err(missing) })
}

impl Session {
    /// The inputs that are missing before a job can be measured for an entity.
    ///
    /// # Errors
    /// A job that does not exist, an id that does not have its form; a store that cannot be read.
    pub async fn missing_inputs(&self, job: &str, entity: &EntityId) -> anyhow::Result<Vec<Missing>> {
        let workspace = self.workspace();
        let at = crate::mistake::find_job(&workspace.nodes, job)?;
        Ok(find(workspace, at, entity).await?.err().unwrap_or_default())
    }
}
