//! Leases: what an adapter of the claims port hands out.

use async_trait::async_trait;

use crate::storage::StorageError;

/// The answer to a node that asks for a lease.
pub enum Leased {
    /// The lease is taken.
    Yours(Box<dyn Lease>),
    /// Another node has it.
    Held {
        /// The name of that node, for people.
        by: String,
    },
}

/// The right to a target for one [`Claims::ttl`](super::Claims::ttl), counted from when it was taken or last renewed.
///
/// A lease that is dropped without being released lasts until then, as it does when its node dies.
#[async_trait]
pub trait Lease: Send {
    /// Lets the lease last for another ttl. Returns `false` where another node has taken it over: then it stays theirs.
    ///
    /// # Errors
    /// Those of the place where leases are kept. Whether the lease was renewed is then unknown.
    async fn renew(&mut self) -> Result<bool, StorageError>;

    /// Ends the lease at once. Where another node has taken it over, that node keeps it.
    ///
    /// # Errors
    /// Those of the place where leases are kept. The lease then ends with its ttl.
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
