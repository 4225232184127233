//! Which inputs of an entity are there.

use super::decision::Ending;
use super::executor::{Executor, SharedStorageError};
use crate::edges::{SourceOf, find_source, parent_of};
use crate::freshness::Demand;
use crate::ids::InputName;
use crate::message::{EntityMessage, Target};
use crate::outcome::Reason;
use crate::plan::{JobIx, Route};
use crate::storage::ObjectKey;
use crate::template::Parts;

/// One input, as it was found.
#[derive(Debug)]
pub(super) struct FoundInput {
    pub name: InputName,
    pub key: ObjectKey,
    /// The target that makes it; none for a source.
    pub parent: Option<Target>,
    /// The index of that target's job in the plan.
    pub parent_at: Option<JobIx>,
    /// Whether a wave brings parent and child the same entity.
    pub same: bool,
    /// Whether it is there, and fresh for the message.
    pub there: bool,
    /// Whether it is there and out of date, and so counts as missing.
    pub out_of_date: bool,
}

/// What lies under the key of an input.
enum InputState {
    There,
    /// It is there, and what it was made from changed.
    OutOfDate,
    Missing,
}

impl Executor {
    /// Looks at every input; an optional source that is not there is left out. The inner error is permanent: a source is not there, or an edge names no valid entity.
    pub(super) async fn look_at_inputs(
        &self,
        message: &EntityMessage,
        parts: &Parts<'_>,
    ) -> Result<Result<Vec<FoundInput>, Ending>, SharedStorageError> {
        let mut found = Vec::with_capacity(self.job.inputs.len());
        for input in &self.job.inputs {
            let name = input.name.clone();
            match &input.from {
                Route::Source { store, key, exts, optional } => {
                    let (entity, form) = (&message.target.entity, &self.job.form);
                    let source = SourceOf { entity, form, store, template: key, exts, optional: *optional };
                    match find_source(&self.node.settings.stores, &self.node.settings.state, source).await? {
                        Ok(key) => found.push(FoundInput {
                            name,
                            key,
                            parent: None,
                            parent_at: None,
                            same: false,
                            there: true,
                            out_of_date: false,
                        }),
                        Err(never) if *optional && never.reason == Reason::SourceMissing => {}
                        Err(never) => return Ok(Err(Ending::new(never.reason, never.text))),
                    }
                }
                Route::Job { .. } => {
                    let parent = match parent_of(self.node.plan(), input, &message.target.entity, parts) {
                        Some(Ok(parent)) => parent,
                        Some(Err(never)) => return Ok(Err(Ending::new(never.reason, never.text))),
                        None => continue, // a source, which the arm above has
                    };
                    let demand = self.demand(parent.at, message);
                    let state = self.input_state(message, (parent.at, &parent.target), &parent.key, &demand).await?;
                    found.push(FoundInput {
                        name,
                        key: parent.key,
                        parent: Some(parent.target),
                        parent_at: Some(parent.at),
                        same: parent.same,
                        there: matches!(state, InputState::There),
                        out_of_date: matches!(state, InputState::OutOfDate),
                    });
                }
            }
        }
        Ok(Ok(found))
    }

    /// Is an input there, fresh, and up to date?
    ///
    /// A cached hit may answer waves and wake-ups: if it is wrong, opening the input finds that out and corrects it. It
    /// may not answer a request: a request means that somebody saw the object missing.
    ///
    /// What was made in this run stays good for it, whatever another run makes anew meanwhile; so does what just woke the
    /// target.
    async fn input_state(
        &self,
        message: &EntityMessage,
        (at, target): (JobIx, &Target),
        key: &ObjectKey,
        demand: &Demand<'_>,
    ) -> Result<InputState, SharedStorageError> {
        let presence = &self.node.settings.presence;
        let may_remember = !message.is_request() && self.may_remember(message);
        if may_remember && demand.is_presence() && presence.knows(key, message.run) {
            return Ok(InputState::There);
        }
        let found = match message.is_wake_up() {
            true => self.node.look_at_input(key).await?,
            false => self.node.look(key).await?,
        };
        if found.is_none() {
            presence.forget(key);
        }
        let Some(found) = found.filter(|found| demand.is_met_by(found)) else { return Ok(InputState::Missing) };
        let woke = message.from.as_ref() == Some(target);
        let stands = woke || self.stands(message, at, &target.entity, key, &found).await?;
        Ok(if stands { InputState::There } else { InputState::OutOfDate })
    }
}
