//! Whether a skip record still stands: as long as the job's settings and what it reads are what they were.

use std::time::SystemTime;

use crate::edges::{SourceOf, find_source, parent_of};
use crate::ids::EntityId;
use crate::message::Target;
use crate::plan::{JobIx, NodePlan, Route};
use crate::state::{SkipRecord, StateStore};
use crate::storage::{InputPrints, ObjectInfo, ObjectKey, StorageError, StorageErrorKind, Stores};

/// The skip record of a target that still stands. A repaired file, one that came or went, or an input that was made with
/// another content is looked at again.
///
/// # Errors
/// Those of the stores and of the state.
pub async fn standing_skip(
    plan: &NodePlan,
    stores: &Stores,
    state: &StateStore,
    at: JobIx,
    entity: &EntityId,
) -> Result<Option<SkipRecord>, StorageError> {
    let job = plan.job(at);
    let target = Target { job: job.name.clone(), entity: entity.clone() };
    let Some(record) = state.skip_of(&target, job.settings).await? else { return Ok(None) };
    Ok(stands(plan, stores, state, at, &record).await?.then_some(record))
}

/// Whether what a skip record of the job at `at` says of its inputs is still so.
///
/// # Errors
/// Those of the stores and of the state.
pub async fn stands(
    plan: &NodePlan,
    stores: &Stores,
    state: &StateStore,
    at: JobIx,
    record: &SkipRecord,
) -> Result<bool, StorageError> {
    match &record.inputs {
        None => Ok(true), // of a former version
        Some(then) => Ok(*then == input_prints(plan, stores, state, at, &record.entity).await?),
    }
}

/// What the inputs of a target are now.
///
/// # Errors
/// Those of the stores and of the state.
pub async fn input_prints(
    plan: &NodePlan,
    stores: &Stores,
    state: &StateStore,
    at: JobIx,
    entity: &EntityId,
) -> Result<InputPrints, StorageError> {
    let job = plan.job(at);
    let mut prints = InputPrints::new();
    let Some(parts) = job.form.split(entity) else { return Ok(prints) };
    for input in &job.inputs {
        let key = match (&input.from, parent_of(plan, input, entity, &parts)) {
            (Route::Source { store, key, exts, optional }, _) => {
                let form = &job.form;
                let source = SourceOf { entity, form, store, template: key, exts, optional: *optional };
                absent_if_bad(find_source(stores, state, source).await.map(Result::ok))?
            }
            (_, Some(Ok(parent))) => Some(parent.key),
            _ => None,
        };
        let Some(key) = key else { continue };
        if let Some(found) = absent_if_bad(stores.look(&key).await)? {
            prints.insert(input.name.clone(), print(&key, &found));
        }
    }
    Ok(prints)
}

/// What a store can never hold is not there.
fn absent_if_bad<T>(found: Result<Option<T>, StorageError>) -> Result<Option<T>, StorageError> {
    match found {
        Err(error) if error.kind == StorageErrorKind::BadKey => Ok(None),
        found => found,
    }
}

/// The content of what a job made; the name, size and time of any other file.
pub(crate) fn print(key: &ObjectKey, found: &ObjectInfo) -> String {
    if let Some(stamp) = found.stamp.as_ref().filter(|stamp| !stamp.hash.is_empty()) {
        return stamp.hash.clone();
    }
    let since = found.modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    format!("{} {} {}", key.path, found.size, since.map_or(0, |since| since.as_nanos()))
}
