//! Outputs that are there and are made anew, counted by job and by what changed.

use std::collections::BTreeMap;

use euterpe_actors::ids::{EntityId, InputName, JobName};
use euterpe_actors::out_of_date::{Change, OutOfDate};
use euterpe_actors::plan::{JobIx, NodePlan};
use serde_json::{Value, json};

/// Outputs that are out of date, counted by job and by what changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outdated(BTreeMap<Cause, OutdatedGroup>);

/// The job, the job of which an input changed, that input where it is known, and how it changed.
type Cause = (JobIx, JobName, Option<InputName>, Change);

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
        let key = (at, why.target.job.clone(), why.input.clone(), why.change);
        let new = || OutdatedGroup { count: 0, entity: entity.clone(), text: why.to_string() };
        self.0.entry(key).or_insert_with(new).count += 1;
    }

    /// The groups, parents before children.
    pub fn iter(&self) -> impl Iterator<Item = (JobIx, &OutdatedGroup)> {
        self.0.iter().map(|((at, ..), group)| (*at, group))
    }

    /// For programs.
    pub fn json(&self, plan: &NodePlan) -> Value {
        let group = |(key, group): (&Cause, &OutdatedGroup)| {
            let ((at, cause, input, change), OutdatedGroup { count, entity, text }) = (key, group);
            json!({
                "job": plan.job(*at).name, "at": cause, "input": input, "change": change.name(), "count": count,
                "example": {"entity": entity, "text": text},
            })
        };
        self.0.iter().map(group).collect()
    }
}
