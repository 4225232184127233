//! What a target lacks, as the worker would find it: its output, its inputs, and what can never be had.

use crate::accounting::view::RunView;
use crate::edges::{ParentInput, SourceOf, Unobtainable, find_source, parent_of};
use crate::message::Target;
use crate::outcome::Reason;
use crate::plan::{JobIx, Route};
use crate::storage::{StorageError, StorageErrorKind};

/// One input of a target that is to be made.
pub(super) struct Need {
    /// The parent and whether a wave brings both the same entity.
    pub at: JobIx,
    pub target: Target,
    pub same: bool,
}

/// The inputs of a target that other jobs make and that are not there, or not fresh. The inner error is permanent.
pub(super) async fn needs(
    view: &RunView,
    at: JobIx,
    target: &Target,
) -> Result<Result<Vec<Need>, Unobtainable>, StorageError> {
    let job = view.plan.job(at);
    let Some(parts) = job.form.split(&target.entity) else {
        let text = format!("`{}` does not have the form `{}` of job `{}`", target.entity, job.form, job.name);
        return Ok(Err(Unobtainable { reason: Reason::BadId, text }));
    };
    let mut needs = Vec::new();
    for input in &job.inputs {
        if let Route::Source { store, key, exts, optional } = &input.from {
            let (entity, form) = (&target.entity, &job.form);
            let source = SourceOf { entity, form, store, template: key, exts, optional: *optional };
            match find_source(&view.stores, &view.state, source).await {
                Ok(Ok(_)) => continue,
                Ok(Err(never)) if *optional && never.reason == Reason::SourceMissing => continue,
                Ok(Err(never)) => return Ok(Err(never)),
                // A run waits for the right to it, and goes on with the others meanwhile.
                Err(error) if error.kind == StorageErrorKind::Denied => {
                    return Ok(Err(Unobtainable { reason: Reason::InputUnreadable, text: error.to_string() }));
                }
                Err(error) => return bad_key(error).map(Err),
            }
        }
        let Some(parent) = parent_of(&view.plan, input, &target.entity, &parts) else { continue };
        let parent = match parent {
            Ok(parent) => parent,
            Err(never) => return Ok(Err(never)),
        };
        match view.is_there(parent.at, &parent.target.entity, &parent.key).await {
            Ok(true) => {}
            Ok(false) => {
                let ParentInput { at, target, same, .. } = parent;
                needs.push(Need { at, target, same });
            }
            Err(error) => return bad_key(error).map(Err),
        }
    }
    Ok(Ok(needs))
}

/// A key that a store can never hold is permanent; any other trouble is the store's.
pub(super) fn bad_key(error: StorageError) -> Result<Unobtainable, StorageError> {
    match error.kind {
        StorageErrorKind::BadKey => Ok(Unobtainable { reason: Reason::BadKey, text: error.to_string() }),
        _ => Err(error),
    }
}
