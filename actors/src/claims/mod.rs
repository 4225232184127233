//! The claims port: which node of several works on what, so that none does another's work again.
//!
//! Nothing but cost rests on a claim. Without it, with one that was lost, or with two for one target, work is done
//! twice and the results are the same: storage alone says what is done, and a write never lowers a stamp.

mod claim;
pub mod memory;

use std::time::Duration;

use async_trait::async_trait;

pub use claim::Claim;

use crate::message::Target;
use crate::storage::StorageError;

/// How long a claim outlives a node that died.
pub const TTL: Duration = Duration::from_secs(15);

/// Where the nodes of one graph settle among themselves who works on what.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Takes a lease of a target, if nobody has it, or whoever has it did not renew it for a [`Claims::ttl`].
    ///
    /// How old another's lease is goes by the clock of the place where leases are kept, never by a comparison of two
    /// nodes' clocks. Of several who ask at once exactly one gets it.
    ///
    /// # Errors
    /// The place's own, always as trouble: waiting may help, and a target is never at fault.
    async fn lease(&self, target: &Target) -> Result<Leased, StorageError>;

    /// How long a lease lasts that is not renewed.
    fn ttl(&self) -> Duration;

    /// How much longer it may last, where the clock of the place is coarse.
    fn lag(&self) -> Duration {
        Duration::ZERO
    }

    /// Takes a lease of a target and renews it three times within each [`Claims::ttl`] until the claim ends.
    ///
    /// # Errors
    /// Those of [`Claims::lease`].
    async fn claim(&self, target: &Target) -> Result<Claimed, StorageError> {
        Ok(match self.lease(target).await? {
            Leased::Yours(lease) => Claimed::Yours(Claim::keep(lease, self.ttl() / 3)),
            Leased::Held { by } => Claimed::Held { by },
        })
    }
}

/// The answer to who asks for a claim.
#[derive(Debug)]
pub enum Claimed {
    /// It is yours.
    Yours(Claim),
    /// A node works on the target.
    Held {
        /// Which one, for people.
        by: String,
    },
}

/// The answer to who asks for a lease.
pub enum Leased {
    /// It is yours.
    Yours(Box<dyn Lease>),
    /// Somebody has it.
    Held {
        /// Who, for people.
        by: String,
    },
}

/// The right to a target for one [`Claims::ttl`], counted from when it was taken or last renewed.
///
/// Dropped without being released it stays until then, as it does when its node dies.
#[async_trait]
pub trait Lease: Send {
    /// Lets it last for another ttl. `false` where somebody has taken it over: then it stays theirs.
    ///
    /// # Errors
    /// The place's own; whether it was renewed is then not known.
    async fn renew(&mut self) -> Result<bool, StorageError>;

    /// Ends it at once. Where somebody has taken it over, theirs stays.
    ///
    /// # Errors
    /// The place's own; then it ends with its ttl.
    async fn release(self: Box<Self>) -> Result<(), StorageError>;
}

impl std::fmt::Debug for Leased {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Leased::Yours(_) => f.write_str("Yours"),
            Leased::Held { by } => f.debug_struct("Held").field("by", by).finish(),
        }
    }
}
