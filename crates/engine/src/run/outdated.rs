//! Outputs that are there and are made anew, counted by job and by what changed.

use std::collections::BTreeMap;

use euterpe_actors::ids::{EntityId, InputName, JobName};
use euterpe_actors::out_of_date::{Change, OutOfDate};
use euterpe_actors::plan::{JobIx, NodePlan};
use serde_json::{Value, json};

use super::former::change_since;
use crate::workspace::Workspace;

/// Outputs that are out of date, counted by job and by what changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outdated(BTreeMap<Cause, OutdatedGroup>);

/// The job, the job of which an input changed, that input where it is known, how it changed, and the recipe that made it, where
/// that is it.
type Cause = (JobIx, JobName, Option<InputName>, Change, Option<String>);

/// How many outputs of a job are out of date for one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutdatedGroup {
    /// How many.
    pub count: u64,
    /// One of them.
    pub entity: EntityId,
    /// Why, in a sentence.
    pub text: String,
}

impl Outdated {
    /// Adds the output of a job.
    pub fn add(&mut self, at: JobIx, entity: &EntityId, why: &OutOfDate) {
        let key = (at, why.target.job.clone(), why.input.clone(), why.change, why.recipe.clone());
        let new = || OutdatedGroup { count: 0, entity: entity.clone(), text: why.to_string() };
        self.0.entry(key).or_insert_with(new).count += 1;
    }

    /// The same with what changed in recipes, as far as that is known.
    pub async fn with_changes(mut self, workspace: &Workspace) -> Self {
        for ((_, job, _, _, recipe), group) in &mut self.0 {
            if let Some(recipe) = recipe
                && let Some(change) = change_since(workspace, job, recipe).await
            {
                group.text += &format!(": {change}");
            }
        }
        self
    }

    /// The groups, parents before children.
    pub fn iter(&self) -> impl Iterator<Item = (JobIx, &OutdatedGroup)> {
        self.0.iter().map(|((at, ..), group)| (*at, group))
    }

    /// For programs.
    pub fn json(&self, plan: &NodePlan) -> Value {
        let group = |(key, group): (&Cause, &OutdatedGroup)| {
            let ((at, cause, input, change, _), OutdatedGroup { count, entity, text }) = (key, group);
            json!({
                "job": plan.job(*at).name, "at": cause, "input": input, "change": change.name(), "count": count,
                "example": {"entity": entity, "text": text},
            })
        };
        self.0.iter().map(group).collect()
    }
}
