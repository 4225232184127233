//! Says how it stands with what jobs make of one entity.

use std::time::UNIX_EPOCH;

use euterpe_actors::accounting::{Expected, Fate, Forecaster};
use euterpe_actors::ids::EntityId;
use euterpe_actors::message::Target;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::{LetterFilter, Selection};
use euterpe_actors::storage::StorageErrorKind;

use super::item::{Item, ItemOutput, ItemState};
use super::letters::{Known, Letters};
use super::request::InventoryRequest;
use crate::session::Session;

/// Says how it stands with what jobs make of entities.
pub(super) struct Judge<'s> {
    pub session: &'s Session,
    pub forecaster: Forecaster,
    pub letters: Letters,
    /// Which jobs are meant, by their numbers.
    pub is_meant: Vec<bool>,
    pub request: InventoryRequest,
}

/// A state with what there is to say of it.
#[derive(Debug)]
struct Verdict {
    state: ItemState,
    reason: Option<String>,
    text: Option<String>,
    cause: Option<Target>,
}

impl Verdict {
    fn of(state: ItemState) -> Self {
        Self { state, reason: None, text: None, cause: None }
    }
}

impl Judge<'_> {
    /// What jobs that are meant make of an entity, as far as its state is one that is meant.
    ///
    /// # Errors
    /// The stores' own.
    pub async fn items(&self, selection: &Selection, entity: &EntityId) -> anyhow::Result<Vec<Item>> {
        let expected = self.forecaster.entity(selection, entity).await?;
        let states = &self.request.states;
        let mut items = Vec::new();
        for one in expected.iter().filter(|one| one.required && self.is_meant[one.at.0]) {
            let may_be = |state: ItemState| states.is_empty() || states.contains(&state);
            // Most are done, and told without a look where they are not asked for.
            if one.fate == Fate::Have && !may_be(ItemState::Done) {
                continue;
            }
            // Of what is out of date the time tells whether it was given up since.
            let looks = one.out_of_date.is_some() || (one.fate == Fate::Have && self.request.looks);
            let outputs = self.outputs(one.at, entity, looks).await?;
            let verdict = self.verdict(&expected, one, &outputs).await?;
            if may_be(verdict.state) {
                let Verdict { state, reason, text, cause } = verdict;
                items.push(Item { at: one.at, job: one.target.job.clone(), state, reason, text, cause, outputs });
            }
        }
        Ok(items)
    }

    async fn verdict(&self, all: &[Expected], one: &Expected, outputs: &[ItemOutput]) -> anyhow::Result<Verdict> {
        let nodes = &self.session.workspace.nodes;
        let blocked = match &one.fate {
            Fate::Have => return Ok(Verdict::of(ItemState::Done)),
            Fate::Skipped(at, why) => {
                let (reason, text) = (Some(why.reason.to_string()), Some(why.text.clone()));
                return Ok(Verdict { reason, text, cause: other(at, one), ..Verdict::of(ItemState::Skipped) });
            }
            Fate::Make if one.out_of_date.is_some() => {
                // What was given up since it was written was to be made anew.
                let written = outputs.first().and_then(|output| output.modified).unwrap_or(0);
                if let Some(letter) = self.letters.get(&one.target).filter(|letter| letter.millis > written) {
                    return self.dead(one, one.target.clone(), letter).await;
                }
                let why = one.out_of_date.as_ref();
                let (reason, text) = (why.map(|why| why.change.name().to_owned()), why.map(ToString::to_string));
                return Ok(Verdict { reason, text, ..Verdict::of(ItemState::Stale) });
            }
            Fate::Make => None,
            Fate::Blocked(at, why) => Some((at, why)),
        };
        let is_there = |target: &Target| all.iter().any(|other| other.target == *target && other.fate == Fate::Have);
        if let Some((target, letter)) = self.letters.cause(nodes, (one.at, &one.target.entity), &is_there) {
            return self.dead(one, target, letter).await;
        }
        let missing = Verdict::of(ItemState::Missing);
        Ok(match blocked {
            None => missing,
            Some((at, why)) => {
                let (reason, text) = (Some(why.reason.to_string()), Some(why.text.clone()));
                Verdict { reason, text, cause: other(at, one), ..missing }
            }
        })
    }

    async fn dead(&self, one: &Expected, target: Target, letter: Known) -> anyhow::Result<Verdict> {
        let text = match self.request.texts {
            true => self.text_of(&target, letter).await?,
            false => None,
        };
        let (reason, cause) = (Some(letter.reason.to_string()), other(&target, one));
        Ok(Verdict { state: ItemState::Dead, reason, text, cause })
    }

    /// What the newest letter of a target says.
    async fn text_of(&self, target: &Target, letter: Known) -> anyhow::Result<Option<String>> {
        let filter = LetterFilter {
            run: Some(letter.owner),
            job: Some(target.job.clone()),
            entity: Some(target.entity.to_string()),
            reason: None,
        };
        let letters = self.session.workspace.state.letters(&filter).await?;
        Ok(letters.into_iter().map(|(_, letter)| letter).max_by_key(|letter| letter.millis).map(|letter| letter.text))
    }

    /// The outputs of a job for an entity, looked at or not.
    async fn outputs(&self, at: JobIx, entity: &EntityId, looks: bool) -> anyhow::Result<Vec<ItemOutput>> {
        let (workspace, session) = (&self.session.workspace, self.session);
        let (job, shapes) = (workspace.nodes.job(at), workspace.plan.jobs[at.0].shapes());
        let Some(parts) = job.form.split(entity) else { return Ok(Vec::new()) };
        let mut outputs = Vec::with_capacity(job.outputs.len());
        for (output, shape) in job.outputs.iter().zip(shapes) {
            let key = output.key_of(&parts);
            let found = match looks {
                false => None,
                true => match workspace.stores.find(&key).await {
                    Ok(found) => found,
                    Err(error) if error.kind == StorageErrorKind::BadKey => None,
                    Err(error) => return Err(error.into()),
                },
            };
            let path = found.as_ref().map_or(&*key.path, |(path, _)| *path);
            let place = session.place_of(&key.store, path);
            let info = found.map(|(_, info)| info);
            outputs.push(ItemOutput {
                name: shape.name,
                place,
                there: info.is_some(),
                size: info.as_ref().map(|info| info.size),
                modified: info.as_ref().and_then(|info| {
                    Some(info.modified?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64))
                }),
                run: info.and_then(|info| info.stamp?.run()),
                key,
            });
        }
        Ok(outputs)
    }
}

/// A target, unless it is the one that is asked about.
fn other(target: &Target, one: &Expected) -> Option<Target> {
    (*target != one.target).then(|| target.clone())
}
