//! What lies under the keys of an entity's outputs, and whether it is what a message asks for.

use super::executor::{Executor, SharedStorageError};
use crate::freshness::Demand;
use crate::message::{EntityMessage, Force};
use crate::plan::JobIx;
use crate::storage::Stamp;
use crate::template::Parts;

/// What lies under the keys of the outputs.
pub(super) enum OutputState {
    /// All that was asked for.
    Fresh,
    /// Some output is missing or stale. With the stamp under each key, the primary's first.
    Missing(Vec<Option<Stamp>>),
}

impl Executor {
    /// What a message demands of the output of the job at `at`.
    pub(super) fn demand(&self, at: JobIx, message: &EntityMessage) -> Demand<'_> {
        let now = if message.force == Force::None { 0 } else { (self.node.settings.clock)() };
        Demand::new(self.node.plan(), at, &message.force, message.run, now)
    }

    /// Is the output there, and fresh?
    ///
    /// A cached hit may answer a wave, if it was learned under this run or a later one. It may not answer a request: a
    /// request means that somebody saw the object missing.
    pub(super) async fn seen(
        &self,
        message: &EntityMessage,
        parts: &Parts<'_>,
    ) -> Result<OutputState, SharedStorageError> {
        let demand = self.demand(self.at, message);
        if message.is_wave() && demand.is_presence() {
            let presence = &self.node.settings.presence;
            if self.job.outputs.iter().all(|output| presence.knows(&output.key_of(parts), message.run)) {
                return Ok(OutputState::Fresh);
            }
        }
        self.look_at_outputs(message, parts).await
    }

    /// The same, asked of the stores. The primary output does not speak for the others: somebody may have removed one.
    pub(super) async fn look_at_outputs(
        &self,
        message: &EntityMessage,
        parts: &Parts<'_>,
    ) -> Result<OutputState, SharedStorageError> {
        let presence = &self.node.settings.presence;
        let demand = self.demand(self.at, message);
        let mut stamps = Vec::with_capacity(self.job.outputs.len());
        let mut fresh = true;
        for output in &self.job.outputs {
            let key = output.key_of(parts);
            let found = self.node.look(&key).await?;
            match &found {
                Some(found) if demand.is_met_by(found) => presence.learn(&key, message.run),
                Some(_) => fresh = false,
                None => {
                    presence.forget(&key);
                    fresh = false;
                }
            }
            stamps.push(found.and_then(|found| found.stamp));
        }
        Ok(if fresh { OutputState::Fresh } else { OutputState::Missing(stamps) })
    }
}
