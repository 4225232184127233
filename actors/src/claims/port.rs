//! The trait that every place for claims implements.

use std::time::Duration;

use async_trait::async_trait;

use super::claim::{Claim, OnLost};
use super::lease::Leased;
use crate::message::Target;
use crate::storage::StorageError;

/// How long a claim outlives its node.
pub const TTL: Duration = Duration::from_secs(15);

/// Where the nodes of one graph take leases of targets.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Takes a lease of a target, if no node has one, or if it was not renewed for a [`Claims::ttl`].
    ///
    /// The age of a lease is measured by the clock of the place where leases are kept: the clocks of two nodes are never
    /// compared. If several nodes ask at once, exactly one gets the lease.
    ///
    /// # Errors
    /// Those of the place where leases are kept. Waiting may help; the target is never the cause.
    async fn lease(&self, target: &Target) -> Result<Leased, StorageError>;

    /// How long a lease lasts without being renewed.
    fn ttl(&self) -> Duration;

    /// How much longer a lease may last where the clock of its place is coarse.
    fn lag(&self) -> Duration {
        Duration::ZERO
    }

    /// Takes a lease of a target and renews it three times within each [`Claims::ttl`] until the claim ends. Calls `on_lost`
    /// if it is lost before that.
    ///
    /// # Errors
    /// Those of [`Claims::lease`].
    async fn claim(&self, target: &Target, on_lost: OnLost) -> Result<Claimed, StorageError> {
        Ok(match self.lease(target).await? {
            Leased::Yours(lease) => Claimed::Yours(Claim::keep(lease, self.ttl(), on_lost)),
            Leased::Held { by } => Claimed::Held { by },
        })
    }
}

/// The answer to a node that asks for a claim.
#[derive(Debug)]
pub enum Claimed {
    /// The claim is taken.
    Yours(Claim),
    /// Another node has it.
    Held {
        /// The name of that node, for people.
        by: String,
    },
}
