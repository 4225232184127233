//! Remembers which targets are to be tried again, so that the retries of a job are those of an entity, however many
//! messages wait for it: one message tries again when the time has come, and the others wait for what comes of it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::ids::RunId;
use crate::message::{EntityMessage, Target};

/// How many are remembered. Beyond that a message tries by itself.
const LIMIT: usize = 1 << 14;

/// How long after its time another try may begin, before the others do not wait for it any more: it waits in its queue, and
/// another node may have it, whose end this one does not see.
const LATE: Duration = Duration::from_secs(10);

/// The tries to come of this node's targets.
#[derive(Debug, Default)]
pub struct NextTries {
    table: Mutex<HashMap<(RunId, Target), NextTry>>,
}

#[derive(Debug)]
struct NextTry {
    /// The message that tries again.
    message: u64,
    until: Instant,
}

impl NextTries {
    /// `message` was put off by `wait`, to try its target again.
    pub fn note(&self, message: &EntityMessage, wait: Duration) {
        let now = Instant::now();
        let mut table = self.locked();
        if table.len() >= LIMIT {
            table.retain(|_, next| next.until > now);
        }
        if table.len() < LIMIT {
            let next = NextTry { message: message.id, until: now + wait + LATE };
            table.insert((message.run, message.target.clone()), next);
        }
    }

    /// Whether another message is to try the target again, so that this one waits for that.
    pub fn has_another(&self, message: &EntityMessage) -> bool {
        let mut table = self.locked();
        if table.is_empty() {
            return false;
        }
        let key = (message.run, message.target.clone());
        let Some(next) = table.get(&key) else { return false };
        if next.message == message.id || next.until <= Instant::now() {
            table.remove(&key);
            return false;
        }
        true
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<(RunId, Target), NextTry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
