//! Whether a skip record still stands: as long as what the job does and what it reads are what they were.

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
    if record.recipe.as_deref().zip(plan.recipe(at)).is_some_and(|(then, today)| then != today) {
        return Ok(None);
    }
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
        Some(then) => Ok(are_same(then, &input_prints(plan, stores, state, at, &record.entity).await?)),
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

/// The content of what a job made; the name, size and time of any other file, and what its store calls this version of it.
pub(crate) fn print(key: &ObjectKey, found: &ObjectInfo) -> String {
    if let Some(stamp) = found.stamp.as_ref().filter(|stamp| !stamp.hash.is_empty()) {
        return stamp.hash.clone();
    }
    let time = match found.modified.map(|time| time.duration_since(SystemTime::UNIX_EPOCH)) {
        Some(Ok(since)) => since.as_nanos().to_string(),
        Some(Err(before)) => format!("-{}", before.duration().as_nanos()),
        None => "0".to_owned(),
    };
    let file = format!("{} {} {time}", key.path, found.size);
    match &found.etag {
        // A blank would make two words of it.
        Some(etag) if !etag.contains(' ') => format!("{file} etag:{etag}"),
        _ => file,
    }
}

/// The name, size, time and version of a file, of its print. A hash has one word.
fn words(print: &str) -> Option<(&str, &str, &str, Option<&str>)> {
    let (file, etag) = match print.rsplit_once(" etag:") {
        Some((file, etag)) if !etag.contains(' ') => (file, Some(etag)),
        _ => (print, None),
    };
    let mut words = file.rsplitn(3, ' ');
    let (time, size) = (words.next()?, words.next()?);
    Some((words.next()?, size, time, etag))
}

/// The name of a file, of its print.
pub(crate) fn path_of(print: &str) -> Option<&str> {
    words(print).map(|(path, ..)| path)
}

/// Whether two prints are of one version, whatever its name: a catalogue whose files are moved within their store is not made
/// anew. Of files the size tells, and what the store calls the version; where one of them does not tell that, the time.
pub(crate) fn is_same_version(one: &str, other: &str) -> bool {
    match (words(one), words(other)) {
        (Some((_, size, _, Some(etag))), Some((_, other, _, Some(theirs)))) => size == other && etag == theirs,
        (Some((_, size, time, _)), Some((_, other, theirs, _))) => size == other && time == theirs,
        _ => one == other,
    }
}

/// Whether two records of inputs are of the same versions, under the same names.
fn are_same(then: &InputPrints, now: &InputPrints) -> bool {
    let is_same = |(one, other): (&String, &String)| is_same_version(one, other) && path_of(one) == path_of(other);
    then.keys().eq(now.keys()) && then.values().zip(now.values()).all(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_tell_versions_apart() {
        let (key, epoch) = (ObjectKey::new("src".parse().expect("a name"), "a.wav"), SystemTime::UNIX_EPOCH);
        let print = |time| print(&key, &ObjectInfo { modified: Some(time), ..ObjectInfo::of_size(8) });
        let second = std::time::Duration::from_secs(1);
        let prints = [epoch - 2 * second, epoch - second, epoch, epoch + second].map(print);
        assert_eq!(prints, ["a.wav 8 -2000000000", "a.wav 8 -1000000000", "a.wav 8 0", "a.wav 8 1000000000"]);
        assert!(!is_same_version(&prints[0], &prints[1]) && is_same_version(&prints[0], "b.wav 8 -2000000000"));
    }

    #[test]
    fn versions_are_told_by_what_the_store_calls_them_else_by_size_and_time() {
        let same = |one: &str, other: &str| {
            assert_eq!(is_same_version(one, other), is_same_version(other, one));
            is_same_version(one, other)
        };
        assert!(same("a b.wav 5 7", "c.wav 5 7") && !same("a.wav 5 7", "a.wav 5 8") && !same("a.wav 5 7", "a.wav 6 7"));
        assert!(same("a.wav 5 7 etag:\"x\"", "a.wav 5 9 etag:\"x\""), "uploaded anew");
        assert!(!same("a.wav 5 7 etag:\"x\"", "a.wav 5 7 etag:\"y\""), "of one second");
        assert!(same("a.wav 5 7", "a.wav 5 7 etag:\"x\""), "recorded by a former version");
        assert!(same("3f2a", "3f2a") && !same("3f2a", "3f2b") && !same("3f2a", "a.wav 5 7"));
        assert_eq!(path_of("a etag:b 5 7 etag:\"x\""), Some("a etag:b"));
        assert_eq!(path_of("3f2a"), None);
    }

    #[test]
    fn a_record_is_of_the_same_files_only_under_the_same_names() {
        let inputs = |name: &str, print: &str| InputPrints::from([(name.parse().expect("a name"), print.to_owned())]);
        let then = inputs("x", "a.wav 5 7");
        assert!(are_same(&then, &inputs("x", "a.wav 5 7 etag:\"x\"")));
        for other in [inputs("y", "a.wav 5 7"), inputs("x", "b.wav 5 7"), inputs("x", "a.wav 5 8"), InputPrints::new()]
        {
            assert!(!are_same(&then, &other) && !are_same(&other, &then), "{other:?}");
        }
    }
}
