//! Looks whether outputs are out of date.

use std::collections::HashMap;

use futures::future::BoxFuture;

use super::made::{Made, made};
use super::{Change, OutOfDate, is_other_output, was_accepted};
use crate::edges::{SourceOf, find_source, parent_of, source_paths};
use crate::ids::EntityId;
use crate::message::Target;
use crate::outcome::Reason;
use crate::plan::{InputPlan, JobIx, NodePlan, Route};
use crate::standard::Standard;
use crate::standing::{is_same_version, path_of, print};
use crate::state::StateStore;
use crate::storage::{InputPrints, ObjectInfo, ObjectKey, StorageError, StorageErrorKind, Stores};
use crate::template::{EntityForm, Parts};

/// Looks whether outputs are out of date, and remembers what it found.
pub struct Inspector<'a> {
    pub(super) plan: &'a NodePlan,
    pub(super) stores: &'a Stores,
    state: &'a StateStore,
    pub(super) standard: &'a Standard,
    known: HashMap<Target, Found>,
    lacks_something: bool,
}

/// What was found of an output.
#[derive(Clone, Default)]
struct Found {
    is_there: bool,
    /// What changed below it, or above one that is missing.
    why: Option<OutOfDate>,
}

/// An input as it is now.
enum Now {
    Print(String),
    /// Not there, where it must be: that makes nothing out of date, for nothing can be made of it.
    Missing,
    /// Not there, and need not be.
    None,
}

impl<'a> Inspector<'a> {
    /// An inspector of these stores, by this standard.
    pub fn new(plan: &'a NodePlan, stores: &'a Stores, state: &'a StateStore, standard: &'a Standard) -> Self {
        Self { plan, stores, state, standard, known: HashMap::new(), lacks_something: false }
    }

    /// Whether an output was missing among those that it looked at. When that is made again, whatever it was made into may be
    /// out of date.
    pub fn lacks_something(&self) -> bool {
        self.lacks_something
    }

    /// Why the output of the job at `at` is out of date; none where it is not, or is not there. An output that does not tell
    /// what it was made from counts as up to date.
    ///
    /// # Errors
    /// Those of the stores and of the state. A source that may not be read counts as unchanged: nothing could be made of it.
    pub async fn check(&mut self, at: JobIx, entity: &EntityId) -> Result<Option<OutOfDate>, StorageError> {
        if self.standard.is_nothing() {
            return Ok(None);
        }
        let found = self.look(at, entity).await?;
        Ok(found.why.filter(|_| found.is_there))
    }

    /// The same where it is known what lies under the key of the primary output.
    ///
    /// # Errors
    /// As [`Inspector::check`].
    pub async fn check_found(
        &mut self,
        at: JobIx,
        entity: &EntityId,
        found: Option<&ObjectInfo>,
    ) -> Result<Option<OutOfDate>, StorageError> {
        if self.standard.is_nothing() {
            return Ok(None);
        }
        let stamp = found.and_then(|found| found.stamp.as_ref());
        let modified = found.and_then(|found| found.modified);
        if let Some(stamp) = stamp.filter(|stamp| is_other_output(self.plan, at, 0, stamp))
            && !was_accepted(self.plan, self.state, at, stamp, modified).await?
        {
            let target = Target { job: self.plan.job(at).name.clone(), entity: entity.clone() };
            return Ok(Some(OutOfDate { target, input: None, change: Change::OtherOutput, recipe: None }));
        }
        match found.and_then(made) {
            Some((stamp, making)) => self.compare(at, entity, Made { stamp, making, modified }).await,
            _ => Ok(None),
        }
    }

    /// Whether an output that is there stands for its job: it is up to date, and the other outputs are there too. Where one
    /// of them is missing, the job will be done anew.
    ///
    /// # Errors
    /// As [`Inspector::check`].
    pub async fn stands(
        &mut self,
        at: JobIx,
        entity: &EntityId,
        key: &ObjectKey,
        found: &ObjectInfo,
    ) -> Result<bool, StorageError> {
        let job = self.plan.job(at).clone();
        if self.standard.is_nothing() || job.outputs.len() == 1 {
            return Ok(self.check_found(at, entity, Some(found)).await?.is_none());
        }
        let Some(parts) = job.form.split(entity) else { return Ok(true) };
        let mut primary = found.clone();
        for (number, output) in job.outputs.iter().enumerate() {
            let other = output.key_of(&parts);
            let looked = if other == *key { Some(found.clone()) } else { self.stores.look(&other).await? };
            match looked {
                None => return Ok(false),
                Some(found) if number == 0 => primary = found,
                Some(ObjectInfo { stamp: Some(stamp), modified, .. })
                    if is_other_output(self.plan, at, number, &stamp)
                        && !was_accepted(self.plan, self.state, at, &stamp, modified).await? =>
                {
                    return Ok(false);
                }
                Some(_) => {}
            }
        }
        Ok(self.check_found(at, entity, Some(&primary)).await?.is_none())
    }

    fn look<'s>(&'s mut self, at: JobIx, entity: &'s EntityId) -> BoxFuture<'s, Result<Found, StorageError>> {
        Box::pin(async move {
            let job = self.plan.job(at).clone();
            let target = Target { job: job.name.clone(), entity: entity.clone() };
            if let Some(known) = self.known.get(&target) {
                return Ok(known.clone());
            }
            let Some(parts) = job.form.split(entity) else { return Ok(Found::default()) };
            let found = absent_if_refused(self.stores.look(&job.outputs[0].key_of(&parts)).await)?;
            let is_there = found.is_some();
            let why = match &found {
                Some(found) => self.check_found(at, entity, Some(found)).await?,
                None => self.above(at, entity, &parts).await?,
            };
            let found = Found { is_there, why };
            self.known.insert(target, found.clone());
            Ok(found)
        })
    }

    /// What is out of date above an output that is missing.
    async fn above(
        &mut self,
        at: JobIx,
        entity: &EntityId,
        parts: &Parts<'_>,
    ) -> Result<Option<OutOfDate>, StorageError> {
        for input in &self.plan.job(at).clone().inputs {
            if let Some(Ok(parent)) = parent_of(self.plan, input, entity, parts)
                && let Some(above) = self.look(parent.at, &parent.target.entity).await?.why
            {
                return Ok(Some(above));
            }
        }
        Ok(None)
    }

    /// What came, or was made, after `made` above an output that is missing. Nobody can tell any more what that was made from,
    /// and so whether `made` is still what comes of it: it is to be made again first.
    fn newer_above<'s>(
        &'s self,
        at: JobIx,
        entity: &'s EntityId,
        made: Made<'s>,
    ) -> BoxFuture<'s, Result<Option<OutOfDate>, StorageError>> {
        Box::pin(async move {
            let job = self.plan.job(at).clone();
            let Some(parts) = job.form.split(entity) else { return Ok(None) };
            for input in &job.inputs {
                let is_before = match (parent_of(self.plan, input, entity, &parts), &input.from) {
                    (Some(Ok(parent)), _) => match absent_if_refused(self.stores.look(&parent.key).await)? {
                        Some(found) => made.is_before_output(&found),
                        None => match self.newer_above(parent.at, &parent.target.entity, made).await? {
                            None => false,
                            newer => return Ok(newer),
                        },
                    },
                    (None, Route::Source { .. }) => {
                        let (_, found) = self.source(&job.form, input, entity, (&parts, None)).await?;
                        found.is_some_and(|found| made.is_before_source(&found))
                    }
                    _ => false,
                };
                if is_before {
                    let target = Target { job: job.name.clone(), entity: entity.clone() };
                    return Ok(Some(OutOfDate {
                        target,
                        input: Some(input.name.clone()),
                        change: Change::Newer,
                        recipe: None,
                    }));
                }
            }
            Ok(None)
        })
    }

    /// Compares the inputs of a target with those that its output was made from.
    async fn compare(
        &mut self,
        at: JobIx,
        entity: &EntityId,
        made: Made<'_>,
    ) -> Result<Option<OutOfDate>, StorageError> {
        let making = made.making;
        let job = self.plan.job(at).clone();
        let Some(parts) = job.form.split(entity) else { return Ok(None) };
        let found = |input: Option<&InputPlan>, change| OutOfDate {
            target: Target { job: job.name.clone(), entity: entity.clone() },
            input: input.map(|input| input.name.clone()),
            change,
            recipe: None,
        };
        let is_former = self.standard.is_former(&job.name, &making.recipe, made.modified);
        let former = || OutOfDate { recipe: Some(making.recipe.clone()), ..found(None, Change::Recipe) };
        let (mut first, mut all, mut has_all) = (is_former.then(former), InputPrints::new(), true);
        for input in &job.inputs {
            let recorded = making.inputs.get(&input.name).map(String::as_str);
            let (now, change) = match &input.from {
                Route::Source { .. } => {
                    match self.source(&job.form, input, entity, (&parts, recorded)).await?.0 {
                        // It was made without this input: the job has one more today.
                        Now::Missing if recorded.is_none() && !making.is_shortened() && !making.inputs.is_empty() => {
                            first.get_or_insert_with(|| found(Some(input), Change::Added));
                            has_all = false;
                            continue;
                        }
                        // Whatever else changed: nothing can be made of what is gone.
                        Now::Missing => return Ok(None),
                        now => (now, Change::Replaced),
                    }
                }
                Route::Job { .. } => {
                    let Some(Ok(parent)) = parent_of(self.plan, input, entity, &parts) else { continue };
                    // In this order: an output that is made meanwhile is found to be up to date only when it is in place.
                    let found = self.look(parent.at, &parent.target.entity).await?;
                    let now = self.object(&parent.key).await?;
                    self.lacks_something |= now.is_none() || !found.is_there;
                    let above = match found {
                        // The primary output does not speak for the others.
                        Found { why: None, is_there } if now.is_none() || !is_there => {
                            let newer = self.newer_above(parent.at, &parent.target.entity, made).await?;
                            // What comes of a job that it was not made from cannot be what it was made from.
                            let was_read = made.stamp.runs.contains_key(&parent.target.job)
                                || recorded.and_then(path_of) == Some(&*parent.key.path);
                            let not_read = || OutOfDate {
                                target: parent.target.clone(),
                                input: None,
                                change: Change::NotRead,
                                recipe: None,
                            };
                            newer.or_else(|| (now.is_none() && !was_read).then(not_read))
                        }
                        Found { why, .. } => why,
                    };
                    if let Some(above) = above {
                        first.get_or_insert(above);
                    }
                    (now.map_or(Now::Missing, Now::Print), Change::MadeAnew)
                }
            };
            let change = match (recorded, now) {
                (None, Now::Print(now)) if making.is_shortened() => {
                    all.insert(input.name.clone(), now);
                    continue;
                }
                (Some(recorded), Now::Print(now)) if !is_same_version(recorded, &now) => change,
                (None, Now::Print(_)) if is_optional(input) => Change::Came,
                (Some(_), Now::None) => Change::Went,
                (None, Now::Print(_)) => Change::Added,
                (_, Now::Missing) => {
                    has_all = false;
                    continue;
                }
                _ => continue,
            };
            first.get_or_insert_with(|| found(Some(input), change));
        }
        let removed = making.inputs.keys().find(|name| job.inputs.iter().all(|input| input.name != **name));
        if let Some(removed) = removed.filter(|_| has_all) {
            first.get_or_insert_with(|| OutOfDate { input: Some(removed.clone()), ..found(None, Change::Removed) });
        }
        let differs = making.is_shortened() && has_all && !making.is_of(&all);
        Ok(first.or_else(|| differs.then(|| found(None, Change::OneOfMany))))
    }

    /// A source of an entity as it is now, and what lies there. It is looked for where it lay first.
    async fn source(
        &self,
        form: &EntityForm,
        input: &InputPlan,
        entity: &EntityId,
        (parts, recorded): (&Parts<'_>, Option<&str>),
    ) -> Result<(Now, Option<ObjectInfo>), StorageError> {
        let Route::Source { store, key, exts, optional } = &input.from else { return Ok((Now::Missing, None)) };
        if let Some(path) = recorded.and_then(path_of) {
            let there = ObjectKey::new(store.clone(), path);
            let is_its = key.has_ext() && source_paths(key, exts, parts).iter().any(|allowed| allowed == path);
            if is_its && let Some(now) = absent_if_refused(self.stores.look(&there).await)? {
                return Ok((Now::Print(print(&there, &now)), Some(now)));
            }
        }
        let source = SourceOf { entity, form, store, template: key, exts, optional: *optional };
        let key = match find_source(self.stores, self.state, source).await {
            Ok(Ok(key)) => key,
            Ok(Err(never)) if *optional && never.reason == Reason::SourceMissing => return Ok((Now::None, None)),
            Ok(Err(_)) => return Ok((Now::Missing, None)),
            Err(error) => return absent_if_refused(Err(error)).map(|_: Option<()>| (Now::Missing, None)),
        };
        let found = absent_if_refused(self.stores.look(&key).await)?;
        Ok((found.as_ref().map_or(Now::Missing, |found| Now::Print(print(&key, found))), found))
    }

    async fn object(&self, key: &ObjectKey) -> Result<Option<String>, StorageError> {
        Ok(absent_if_refused(self.stores.look(key).await)?.map(|found| print(key, &found)))
    }
}

fn is_optional(input: &InputPlan) -> bool {
    matches!(input.from, Route::Source { optional: true, .. })
}

/// What a store can never hold, or does not let be seen, counts as not there.
pub(super) fn absent_if_refused<T>(found: Result<Option<T>, StorageError>) -> Result<Option<T>, StorageError> {
    match found {
        Err(error) if matches!(error.kind, StorageErrorKind::BadKey | StorageErrorKind::Denied) => Ok(None),
        found => found,
    }
}
