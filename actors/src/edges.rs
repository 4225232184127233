//! What a job's inputs mean for one entity: a parent's target and key, or the one object of a source.

use crate::ids::{EntityId, StoreName};
use crate::message::Target;
use crate::outcome::Reason;
use crate::plan::{InputPlan, JobIx, Mapping, NodePlan, Route};
use crate::storage::{ObjectKey, StorageError, Stores};
use crate::template::{Parts, Template};

/// Why an input can never be obtained: known without a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unobtainable {
    /// The kind of reason.
    pub reason: Reason,
    /// One sentence for people.
    pub text: String,
}

/// An input that another job makes, for one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentInput {
    /// The index of the parent's job.
    pub at: JobIx,
    /// The parent's target.
    pub target: Target,
    /// The key of the input.
    pub key: ObjectKey,
    /// Whether a wave brings parent and child the same entity.
    pub same: bool,
}

/// The parent's target and key for an input of `entity`; none where the input is a source.
///
/// The inner error is permanent: the edge names no valid entity.
pub fn parent_of(
    plan: &NodePlan,
    input: &InputPlan,
    entity: &EntityId,
    parts: &Parts<'_>,
) -> Option<Result<ParentInput, Unobtainable>> {
    let Route::Job { job: at, output, entity: mapping } = &input.from else { return None };
    let bad_id = |text: String| Unobtainable { reason: Reason::BadId, text: format!("input `{}`: {text}", input.name) };
    let theirs = match mapping {
        Mapping::Same => Ok(entity.clone()),
        Mapping::To(map) => map.entity(parts),
    };
    let theirs = match theirs {
        Ok(theirs) => theirs,
        Err(bad) => return Some(Err(bad_id(bad.to_string()))),
    };
    let parent = plan.job(*at);
    let Some(their_parts) = parent.form.split(&theirs) else {
        return Some(Err(bad_id(format!("`{theirs}` does not have the form `{}`", parent.form))));
    };
    let key = parent.outputs[*output].key_of(&their_parts);
    let target = Target { job: parent.name.clone(), entity: theirs };
    Some(Ok(ParentInput { at: *at, target, key, same: matches!(mapping, Mapping::Same) }))
}

/// The one object that a source template means for an entity. The inner error is permanent: there is none, or two.
///
/// # Errors
/// The store's own.
pub async fn find_source(
    stores: &Stores,
    parts: &Parts<'_>,
    store: &StoreName,
    template: &Template,
    exts: &[String],
) -> Result<Result<ObjectKey, Unobtainable>, StorageError> {
    let storage = stores.get(store);
    let missing = |text: String| Ok(Err(Unobtainable { reason: Reason::SourceMissing, text }));
    if !template.has_ext() {
        let key = ObjectKey::new(store.clone(), template.source_key(parts, ""));
        return match storage.look(&key.path).await? {
            Some(_) => Ok(Ok(key)),
            None => missing(format!("the source `{key}` is not there (in {})", storage.place())),
        };
    }
    let mut found = Vec::new();
    for ext in exts {
        for ext in [ext.clone(), ext.to_ascii_uppercase()] {
            let path = template.source_key(parts, &ext);
            if storage.look(&path).await?.is_some() {
                found.push(path);
            }
        }
    }
    match found.as_slice() {
        [one] => Ok(Ok(ObjectKey::new(store.clone(), one.as_str()))),
        [] => {
            let (wanted, exts) = (template.source_key(parts, "{ext}"), exts.join(", "));
            missing(format!("no source `{store}:{wanted}` with one of the extensions {exts} (in {})", storage.place()))
        }
        [one, another, ..] => {
            let text =
                format!("two sources have this id, `{store}:{one}` and `{store}:{another}`; rename or remove one");
            Ok(Err(Unobtainable { reason: Reason::SourceAmbiguous, text }))
        }
    }
}
