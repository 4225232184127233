//! What lies under the keys of an entity's outputs, and whether it is what a message asks for.

use super::executor::{Executor, SharedStorageError};
use crate::freshness::Demand;
use crate::message::EntityMessage;
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
    /// Is the output there, and fresh?
    ///
    /// A cached hit may answer a wave, if it was learned under this run or a later one. It may not answer a request: a
    /// request means that somebody saw the object missing.
    pub(super) async fn seen(
        &self,
        message: &EntityMessage,
        parts: &Parts<'_>,
    ) -> Result<OutputState, SharedStorageError> {
        let demand = Demand::new(self.node.plan(), self.at, &message.force, message.run);
        if message.is_wave() && demand.is_presence() {
            let primary = self.job.outputs[0].key_of(parts);
            if self.node.settings.presence.knows(&primary, message.run) {
                return Ok(OutputState::Fresh);
            }
        }
        self.look_at_outputs(message, parts).await
    }

    /// The same, asked of the stores.
    ///
    /// To a wave the primary output speaks for all. To any other message it does not: some output was missing or stale,
    /// and it need not be the primary.
    pub(super) async fn look_at_outputs(
        &self,
        message: &EntityMessage,
        parts: &Parts<'_>,
    ) -> Result<OutputState, SharedStorageError> {
        let presence = &self.node.settings.presence;
        let demand = Demand::new(self.node.plan(), self.at, &message.force, message.run);
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
            if fresh && message.is_wave() {
                break;
            }
        }
        Ok(if fresh { OutputState::Fresh } else { OutputState::Missing(stamps) })
    }
}
