//! The stamp of an output that is about to be stored: which runs it is made from.

use std::{collections::BTreeMap, sync::Arc};

use super::executor::Executor;
use super::inputs::FoundInput;
use crate::freshness::is_of_the_future;
use crate::ids::{JobName, RunId};
use crate::message::EntityMessage;
use crate::storage::{InputPrints, Making, Stamp};
use crate::transform::Input;

impl Executor {
    /// For the job itself, the newest of this run and the runs in place. For an ancestor, the oldest run among the inputs that
    /// come from it; if the stamp of such an input does not name the ancestor, it counts as never run.
    ///
    /// A run of the future proves nothing: in place it is passed over, and of an input it counts as never run. Otherwise a
    /// younger run among the other inputs would stand for an input that may be of any age.
    pub(super) fn stamp(
        &self,
        message: &EntityMessage,
        found: &[FoundInput],
        inputs: &[Input],
        in_place: &[Option<Stamp>],
        read: &InputPrints,
    ) -> Stamp {
        let plan = self.node.plan();
        let now = (self.node.settings.clock)();
        let is_proof = |run: &RunId| !is_of_the_future(*run, message.run, now);
        let mut runs: BTreeMap<JobName, RunId> = BTreeMap::new();
        for ancestor in &self.job.ancestors {
            let name = &plan.job(*ancestor).name;
            let mut oldest: Option<Option<RunId>> = None;
            for (found, input) in found.iter().zip(inputs) {
                let Some(parent) = found.parent_at else { continue };
                if parent == *ancestor || plan.job(parent).ancestors.contains(ancestor) {
                    let run = input.object.info.stamp.as_ref().and_then(|s| s.runs.get(name).copied()).filter(is_proof);
                    oldest = Some(oldest.map_or(run, |so_far| so_far.min(run))); // none is older than any
                }
            }
            runs.insert(name.clone(), oldest.flatten().unwrap_or(RunId::NEVER));
        }
        let own = in_place.iter().flatten().filter_map(Stamp::run).filter(is_proof).fold(message.run, RunId::max);
        runs.insert(self.job.name.clone(), own);
        let recipe = self.node.settings.recipes.get(&self.job.name).cloned().unwrap_or_default();
        Stamp {
            job: self.job.name.clone(),
            entity: Some(message.target.entity.clone()),
            runs: Arc::new(runs),
            hash: String::new(),
            making: Some(Arc::new(Making::new(recipe, read.clone()))),
        }
    }
}
