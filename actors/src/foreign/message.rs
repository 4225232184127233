//! What another program asks for, once its body is understood; and why a body asks for nothing.

use super::publish_id::PublishId;
use crate::addressing::messages_of;
use crate::ids::{EntityId, RunId};
use crate::message::{EntityMessage, Force};
use crate::plan::{JobIx, NodePlan};
use crate::state::Selection;

/// What a body asks for: as much as a run that starts at one job, for one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignMessage {
    /// The one entity.
    pub entity: EntityId,
    /// The job in whose queue the body lies, and how to run it.
    pub selection: Selection,
    /// The run that the message belongs to; the inbox where there is none.
    pub run: Option<RunId>,
}

/// Why a body asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// All that is wrong with it, in one sentence.
    pub text: String,
    /// The run that it names, if that much could be read.
    pub run: Option<RunId>,
}

impl ForeignMessage {
    /// The entity message; none where the job is not in the graph.
    pub fn message(&self, plan: &NodePlan, publish: PublishId, id: u64) -> Option<EntityMessage> {
        let run = self.run.unwrap_or(publish.run);
        messages_of(plan, &self.selection, run, publish.wave, &self.entity, || id).pop()
    }

    /// Whether it redoes what is there without naming a run. The run must be later than all before and must be the same
    /// at each delivery, and nothing in the body can give it.
    pub fn needs_a_run(&self) -> bool {
        self.run.is_none() && self.selection.force != Force::None
    }
}

/// A run that starts at the job at `job`.
pub(super) fn starting_at(job: JobIx, plan: &NodePlan) -> Selection {
    Selection { job: Some(plan.job(job).name.clone()), ..Selection::default() }
}
