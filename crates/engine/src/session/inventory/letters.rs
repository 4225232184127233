//! Which targets have dead letters, in whatever run of this graph: told by the keys of the letters, sixty bytes for each.

use std::collections::HashSet;

use euterpe_actors::edges::parent_of;
use euterpe_actors::ids::EntityId;
use euterpe_actors::message::Target;
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::state::{Holds, LetterFilter, LetterOwner, target_number_of};

use crate::session::Session;
use crate::session::other_runs::OtherRuns;

/// The targets that have dead letters.
pub(super) struct Letters {
    /// By the number of the target, each once.
    known: Vec<(u128, Known)>,
}

/// The newest letter of a target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Whose it is.
    pub owner: LetterOwner,
    /// Why it was given up.
    pub reason: Reason,
    /// When, in milliseconds after the Unix epoch.
    pub millis: u64,
}

impl Letters {
    /// Lists all letters of this graph. Only those are read that count for another target as well.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn of(session: &Session) -> anyhow::Result<Self> {
        let state = &session.workspace.state;
        let list = state.list_letters(&LetterFilter::default()).await?;
        let mut others = OtherRuns::of(session, false);
        let mut known = Vec::new();
        for one in list.iter() {
            if others.has(one.owner(), 0).await? {
                continue;
            }
            let letter = Known { owner: one.owner(), reason: one.reason(), millis: one.millis() };
            known.push((one.target(), letter));
            if one.holds() == Holds::MessageAbout
                && let Some(about) = state.letter(&one.key()).await?.and_then(|letter| letter.about)
            {
                // A letter of its own speaks for it first.
                known.push((target_number_of(&about), Known { millis: 0, ..letter }));
            }
        }
        known.sort_by_key(|(target, letter)| (*target, std::cmp::Reverse(letter.millis)));
        known.dedup_by_key(|(target, _)| *target);
        Ok(Self { known })
    }

    /// The newest letter of a target.
    pub fn get(&self, target: &Target) -> Option<Known> {
        let number = target_number_of(target);
        let at = self.known.binary_search_by_key(&number, |(target, _)| *target).ok()?;
        Some(self.known[at].1)
    }

    /// The target that has a letter because of which this one is not there: itself, or what it is made from, unless that
    /// `is_there`.
    pub fn cause(
        &self,
        plan: &NodePlan,
        (at, entity): (JobIx, &EntityId),
        is_there: &dyn Fn(&Target) -> bool,
    ) -> Option<(Target, Known)> {
        if self.known.is_empty() {
            return None;
        }
        self.cause_of(plan, (at, entity), is_there, &mut HashSet::new())
    }

    fn cause_of(
        &self,
        plan: &NodePlan,
        (at, entity): (JobIx, &EntityId),
        is_there: &dyn Fn(&Target) -> bool,
        visited: &mut HashSet<Target>,
    ) -> Option<(Target, Known)> {
        let job = plan.job(at);
        let target = Target { job: job.name.clone(), entity: entity.clone() };
        if let Some(letter) = self.get(&target) {
            return Some((target, letter));
        }
        let parts = job.form.split(entity)?;
        if !visited.insert(target) {
            return None;
        }
        let parents = job.inputs.iter().filter_map(|input| parent_of(plan, input, entity, &parts)?.ok());
        let mut missing = parents.filter(|parent| !is_there(&parent.target));
        missing.find_map(|parent| self.cause_of(plan, (parent.at, &parent.target.entity), is_there, visited))
    }
}
