//! The right to work on a target among all nodes: asked for when all inputs are there, held until the output is visible.

use std::sync::Arc;

use super::desk::{Desk, Trouble};
use super::outputs::Placed;
use crate::claims::{Claim, Claimed};
use crate::message::EntityMessage;
use crate::mutants::{Mutant, active};
use crate::storage::Stamp;
use crate::template::Parts;

/// What became of asking for the right to work.
pub(super) enum Claiming {
    /// The work is ours, over what now lies in the places of the outputs. No claim where none is needed.
    Won(Option<Claim>, Vec<Option<Stamp>>),
    /// Another node did it since we looked.
    Exists,
    /// Another node is at it.
    Held,
}

impl Desk {
    /// Asks for the right to work, unless there is no other node or the work is cheaper than asking. `placed` is what was
    /// seen before; whoever had the claim until now may have made the output since, so it is looked at once more.
    pub(super) async fn claim(
        &self,
        message: &EntityMessage,
        parts: &Parts<'_>,
        placed: Vec<Option<Stamp>>,
    ) -> Result<Claiming, Trouble> {
        let Some(claims) = self.node.settings.claims.as_ref().filter(|_| self.job.claim) else {
            return Ok(Claiming::Won(None, placed));
        };
        let claim = match claims.claim(&message.target).await.map_err(Arc::new)? {
            Claimed::Yours(claim) => claim,
            Claimed::Held { by } => {
                tracing::debug!(target = %message.target, %by, "another node is at it");
                return Ok(Claiming::Held);
            }
        };
        if active(Mutant::TrustTheClaim) {
            return Ok(Claiming::Won(Some(claim), placed));
        }
        match self.look_at_outputs(message, parts).await? {
            Placed::Lacking(stamps) => Ok(Claiming::Won(Some(claim), stamps)),
            Placed::Fresh => {
                claim.release().await;
                Ok(Claiming::Exists)
            }
        }
    }
}

/// Ends a claim, if there is one, and waits until that is seen by all.
pub(super) async fn release(claim: Option<Claim>) {
    if let Some(claim) = claim {
        claim.release().await;
    }
}
