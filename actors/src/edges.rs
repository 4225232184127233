//! What a job's inputs mean for one entity: a parent's target and key, or the one object of a source.

use crate::ids::{EntityId, StoreName, escaped_form, normal_form};
use crate::message::Target;
use crate::outcome::Reason;
use crate::plan::{InputPlan, JobIx, Mapping, NodePlan, Route};
use crate::state::StateStore;
use crate::storage::{ObjectKey, Spelled, StorageError, Stores, each_once, find_spelled};
use crate::template::{EntityForm, Parts, Template};

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

/// What is asked for of a source.
#[derive(Clone, Copy, Debug)]
pub struct SourceOf<'s> {
    /// Whose source it is.
    pub entity: &'s EntityId,
    /// The form of its job's ids.
    pub form: &'s EntityForm,
    /// The store it lies in.
    pub store: &'s StoreName,
    /// Its key.
    pub template: &'s Template,
    /// What `{ext}` may stand for.
    pub exts: &'s [String],
    /// Whether work goes on without it. Then nobody lists the store for a name that nobody recorded.
    pub optional: bool,
}

/// The one object that a source template means for an entity, under the name that it really has: the composed form of
/// the id, the decomposed one that Macs write, one that was recorded when it was found, or one that a listing shows. The
/// inner error is permanent: there is none, or two.
///
/// # Errors
/// The store's own, and the state's where a name may be recorded there;
/// [`StorageErrorKind::BadKey`](crate::storage::StorageErrorKind::BadKey) where there is none and the store can never hold
/// one of this id.
pub async fn find_source(
    stores: &Stores,
    state: &StateStore,
    source: SourceOf<'_>,
) -> Result<Result<ObjectKey, Unobtainable>, StorageError> {
    let SourceOf { entity, form, store, template, exts, optional } = source;
    let Some(parts) = form.split(entity) else {
        let text = format!("`{entity}` does not have the form `{form}`");
        return Ok(Err(Unobtainable { reason: Reason::BadId, text }));
    };
    let storage = &**stores.get(store);
    let Spelled { mut found, refused } = find_spelled(storage, source_paths(template, exts, &parts)).await?;
    if found.is_empty() {
        for name in state.names_of(entity).await? {
            if let Some(parts) = form.split_name(&name) {
                found.extend(find_spelled(storage, source_paths(template, exts, &parts)).await?.found);
            }
        }
        if found.is_empty() && refused.is_none() && !optional {
            for path in source_paths(template, exts, &parts) {
                found.extend(stores.odd_names(store, template.prefix(), &path).await?);
            }
        }
        found.sort_unstable();
        found.dedup();
        found = each_once(storage, found).await?;
    }
    if let (true, Some(refused)) = (found.is_empty(), refused) {
        return Err(refused);
    }
    let (reason, text) = match found.as_slice() {
        [one] => return Ok(Ok(ObjectKey::new(store.clone(), one.as_str()))),
        [] if template.has_ext() => {
            let (wanted, exts) = (template.source_key(&parts, "{ext}"), exts.join(", "));
            let text =
                format!("no source `{store}:{wanted}` with one of the extensions {exts} (in {})", storage.place());
            (Reason::SourceMissing, text)
        }
        [] => {
            let key = template.source_key(&parts, "");
            (Reason::SourceMissing, format!("the source `{store}:{key}` is not there (in {})", storage.place()))
        }
        [one, another, ..] => {
            let alike = if normal_form(one) == normal_form(another) { ", which look alike" } else { "" };
            let choose = match template.has_ext() && alike.is_empty() {
                true => ", or write one extension in the graph file in place of `{ext}`",
                false => "",
            };
            let text = format!(
                "two sources have this id, `{store}:{}` and `{store}:{}`{alike}; rename or remove one{choose}",
                told(one, another),
                told(another, one)
            );
            (Reason::SourceAmbiguous, text)
        }
    };
    Ok(Err(Unobtainable { reason, text }))
}

/// The paths that the template of a source allows for an entity, one for each extension.
pub fn source_paths(template: &Template, exts: &[String], parts: &Parts<'_>) -> Vec<String> {
    if !template.has_ext() {
        return vec![template.source_key(parts, "")];
    }
    let both = exts.iter().flat_map(|ext| [ext.clone(), ext.to_ascii_uppercase()]);
    both.map(|ext| template.source_key(parts, &ext)).collect()
}

/// A path as a message names it: with escapes where it looks like the other one.
fn told(path: &str, other: &str) -> String {
    if normal_form(path) == normal_form(other) { escaped_form(path) } else { path.to_owned() }
}
