//! What lies under the keys of an entity's outputs, and whether it is what a message asks for.

use super::desk::{Desk, Trouble};
use crate::freshness::Demand;
use crate::message::EntityMessage;
use crate::storage::Stamp;
use crate::template::Parts;

/// What lies under the keys of the outputs.
pub(super) enum Placed {
    /// What was asked for.
    Fresh,
    /// Something is missing or stale: the stamp in each place, the primary's first.
    Lacking(Vec<Option<Stamp>>),
}

impl Desk {
    /// Is the output there, and fresh? Remembered presence may answer a wave only, and only of this run or later.
    pub(super) async fn seen(&self, message: &EntityMessage, parts: &Parts<'_>) -> Result<Placed, Trouble> {
        let demand = Demand::new(self.node.plan(), self.at, &message.force, message.run);
        if message.is_wave() && demand.is_presence() {
            let primary = self.job.outputs[0].key_of(parts);
            if self.node.settings.presence.knows(&primary, message.run) {
                return Ok(Placed::Fresh);
            }
        }
        self.look_at_outputs(message, parts).await
    }

    /// The same by the word of the stores. The primary speaks for all, but not to who comes because one of them was
    /// missing or stale.
    pub(super) async fn look_at_outputs(&self, message: &EntityMessage, parts: &Parts<'_>) -> Result<Placed, Trouble> {
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
        Ok(if fresh { Placed::Fresh } else { Placed::Lacking(stamps) })
    }
}
