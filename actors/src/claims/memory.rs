//! Claims in memory: for tests, simulations, and nodes within one process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::lease::{Lease, Leased};
use super::port::Claims;
use crate::message::Target;
use crate::storage::StorageError;

/// The leases of all nodes, as plain data.
#[derive(Debug)]
pub struct LeaseTable {
    ttl: Duration,
    held: HashMap<Target, Entry>,
    taken: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    by: String,
    renewed: Instant,
}

/// Identifies one lease among all that its target ever had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseToken {
    target: Target,
    number: u64,
}

impl LeaseTable {
    /// No leases yet; each will last for `ttl`.
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, held: HashMap::new(), taken: 0 }
    }

    /// Takes a lease of `target` for the node called `by`.
    ///
    /// # Errors
    /// The node that has the lease.
    pub fn take(&mut self, target: &Target, by: &str) -> Result<LeaseToken, String> {
        if let Some(entry) = self.held.get(target).filter(|entry| entry.renewed.elapsed() < self.ttl) {
            return Err(entry.by.clone());
        }
        self.taken += 1;
        let entry = Entry { number: self.taken, by: by.to_owned(), renewed: Instant::now() };
        self.held.insert(target.clone(), entry);
        Ok(LeaseToken { target: target.clone(), number: self.taken })
    }

    /// Renews a lease. Returns whether it still was the target's lease.
    pub fn renew(&mut self, token: &LeaseToken) -> bool {
        let entry = self.held.get_mut(&token.target).filter(|entry| entry.number == token.number);
        entry.map(|entry| entry.renewed = Instant::now()).is_some()
    }

    /// Ends a lease, if it still is the target's.
    pub fn release(&mut self, token: &LeaseToken) {
        if self.held.get(&token.target).is_some_and(|entry| entry.number == token.number) {
            self.held.remove(&token.target);
        }
    }
}

/// Claims that are kept in memory, as one node sees them.
#[derive(Clone, Debug)]
pub struct MemoryClaims {
    table: Arc<Mutex<LeaseTable>>,
    node: Arc<str>,
}

impl MemoryClaims {
    /// No claims yet, as the node called `node` sees them.
    pub fn new(node: &str, ttl: Duration) -> Self {
        Self { table: Arc::new(Mutex::new(LeaseTable::new(ttl))), node: node.into() }
    }

    /// The same claims, as another node sees them.
    pub fn seen_by(&self, node: &str) -> Self {
        Self { node: node.into(), ..self.clone() }
    }
}

fn locked(table: &Mutex<LeaseTable>) -> MutexGuard<'_, LeaseTable> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Claims for MemoryClaims {
    async fn lease(&self, target: &Target) -> Result<Leased, StorageError> {
        Ok(match locked(&self.table).take(target, &self.node) {
            Ok(token) => Leased::Yours(Box::new(MemoryLease { table: self.table.clone(), token })),
            Err(by) => Leased::Held { by },
        })
    }

    fn ttl(&self) -> Duration {
        locked(&self.table).ttl
    }
}

struct MemoryLease {
    table: Arc<Mutex<LeaseTable>>,
    token: LeaseToken,
}

#[async_trait]
impl Lease for MemoryLease {
    async fn renew(&mut self) -> Result<bool, StorageError> {
        Ok(locked(&self.table).renew(&self.token))
    }

    async fn release(self: Box<Self>) -> Result<(), StorageError> {
        locked(&self.table).release(&self.token);
        Ok(())
    }
}
