//! The claim to a target among all nodes: taken when all inputs are there, released when the output is visible.

use std::sync::Arc;

use super::executor::{Executor, SharedStorageError};
use super::outputs::OutputState;
use crate::claims::{Claim, Claimed, OnLost};
use crate::events::Event;
use crate::message::EntityMessage;
use crate::mutants::{Mutant, active};
use crate::storage::Stamp;
use crate::template::Parts;

/// After so many times that a message found its target claimed, some three seconds, that is told.
const TOLD_AT: u32 = 5;

/// What became of asking for a claim.
pub(super) enum ClaimResult {
    /// The work is ours. With the claim, where one is needed, and the stamps that now lie under the keys of the outputs.
    Won(Option<Claim>, Vec<Option<Stamp>>),
    /// Another node made the output since we looked.
    Exists,
    /// Another node works on the target.
    Held,
}

impl Executor {
    /// Claims the target, unless there is no other node or the job does not claim. `stamps` are those that were seen
    /// under the keys of the outputs. After the claim is won they are looked at again, because the node that had it
    /// until now may have made the output.
    pub(super) async fn claim(
        &mut self,
        message: &EntityMessage,
        parts: &Parts<'_>,
        stamps: Vec<Option<Stamp>>,
    ) -> Result<ClaimResult, SharedStorageError> {
        let Some(claims) = self.node.settings.claims.as_ref().filter(|_| self.job.claim) else {
            return Ok(ClaimResult::Won(None, stamps));
        };
        let claim = match claims.claim(&message.target, self.on_lost()).await.map_err(Arc::new)? {
            Claimed::Yours(claim) => claim,
            Claimed::Held { by } => {
                tracing::debug!(target = %message.target, %by, "another node is at it");
                if self.parks == TOLD_AT {
                    let (job, entity) = (&self.job.name, &message.target.entity);
                    tracing::info!(%job, %entity, %by, "waits for another node, which works on it, or was killed: then for its claim to end");
                }
                return Ok(ClaimResult::Held);
            }
        };
        if active(Mutant::TrustTheClaim) {
            return Ok(ClaimResult::Won(Some(claim), stamps));
        }
        match self.look_at_outputs(message, parts).await? {
            OutputState::Missing(stamps) | OutputState::BelowChange(stamps) => {
                Ok(ClaimResult::Won(Some(claim), stamps))
            }
            OutputState::Fresh => {
                claim.release().await;
                Ok(ClaimResult::Exists)
            }
        }
    }

    /// Tells the observer that a claim is lost, as soon as that is known.
    fn on_lost(&self) -> OnLost {
        let (observer, job) = (self.node.settings.observer.clone(), self.job.name.clone());
        Box::new(move || observer.on(&Event::ClaimLost { job: &job }))
    }
}

/// Releases a claim, if there is one, and waits until all nodes can see that.
pub(super) async fn release(claim: Option<Claim>) {
    if let Some(claim) = claim {
        claim.release().await;
    }
}
