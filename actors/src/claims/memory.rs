//! Claims in memory: for tests, simulations, and nodes within one process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Claims, Lease, Leased};
use crate::message::Target;
use crate::storage::StorageError;

/// The leases of all nodes, as plain data.
#[derive(Debug)]
pub struct Table {
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

/// What tells a lease from the others of its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    target: Target,
    number: u64,
}

impl Table {
    /// No leases yet; each will last for `ttl`.
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, held: HashMap::new(), taken: 0 }
    }

    /// Takes a lease of `target` for the node called `by`.
    ///
    /// # Errors
    /// Who has it.
    pub fn take(&mut self, target: &Target, by: &str) -> Result<Token, String> {
        if let Some(entry) = self.held.get(target).filter(|entry| entry.renewed.elapsed() < self.ttl) {
            return Err(entry.by.clone());
        }
        self.taken += 1;
        let entry = Entry { number: self.taken, by: by.to_owned(), renewed: Instant::now() };
        self.held.insert(target.clone(), entry);
        Ok(Token { target: target.clone(), number: self.taken })
    }

    /// Renews a lease; whether it still was one.
    pub fn renew(&mut self, token: &Token) -> bool {
        let entry = self.held.get_mut(&token.target).filter(|entry| entry.number == token.number);
        entry.map(|entry| entry.renewed = Instant::now()).is_some()
    }

    /// Ends a lease, if it still is one.
    pub fn release(&mut self, token: &Token) {
        if self.held.get(&token.target).is_some_and(|entry| entry.number == token.number) {
            self.held.remove(&token.target);
        }
    }
}

/// One node's way to claims that are kept in memory.
#[derive(Clone, Debug)]
pub struct MemoryClaims {
    table: Arc<Mutex<Table>>,
    node: Arc<str>,
}

impl MemoryClaims {
    /// No claims yet, as the node called `node` sees them.
    pub fn new(node: &str, ttl: Duration) -> Self {
        Self { table: Arc::new(Mutex::new(Table::new(ttl))), node: node.into() }
    }

    /// The same claims, as another node sees them.
    pub fn seen_by(&self, node: &str) -> Self {
        Self { node: node.into(), ..self.clone() }
    }
}

fn locked(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
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
    table: Arc<Mutex<Table>>,
    token: Token,
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
