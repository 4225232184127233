//! Remembers what was passed on, so that stacked diamonds do not multiply the messages from level to level.
//!
//! A wave is passed on once for each target. A wake-up is sent once for each continuation: two parents that finish together
//! both find everything there, and the second would send the same wake-up to the same waiter again.
//! What was sent and confirmed is in a queue or was handled, and the message that is handled last sees everything.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::message::{EntityMessage, Target};
use crate::wire::{self, WireError};

/// How many are remembered. What is forgotten is passed on once more, which is only a message too many.
const LIMIT: usize = 1 << 14;

/// What this node passed on, as 128-bit hashes.
#[derive(Clone, Debug, Default)]
pub struct PassedOn {
    memory: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    /// Being published, with the workers that wait for the end of it.
    under_way: HashMap<u128, Vec<oneshot::Sender<()>>>,
    /// Published and confirmed.
    confirmed: HashSet<u128>,
    /// What was confirmed, the oldest first. Keys that were forgotten since may still stand here.
    order: VecDeque<u128>,
}

/// Whether to pass on.
#[derive(Debug)]
pub enum PassTurn {
    /// Pass on, and say when it is confirmed.
    Pass(Passing),
    /// Another worker is passing it on: wait, then ask again.
    Wait(oneshot::Receiver<()>),
    /// It was passed on, all confirmed.
    Confirmed,
}

/// One publish under way. If it is dropped unconfirmed, nothing counts as passed on.
#[derive(Debug)]
pub struct Passing {
    memory: Arc<Mutex<Memory>>,
    key: u128,
}

impl PassedOn {
    /// Whether what has this key is to be published.
    pub fn turn(&self, key: u128) -> PassTurn {
        let mut memory = locked(&self.memory);
        if memory.confirmed.contains(&key) {
            return PassTurn::Confirmed;
        }
        if let Some(waiting) = memory.under_way.get_mut(&key) {
            let (sender, done) = oneshot::channel();
            waiting.push(sender);
            return PassTurn::Wait(done);
        }
        memory.under_way.insert(key, Vec::new());
        drop(memory);
        PassTurn::Pass(Passing { memory: self.memory.clone(), key })
    }

    /// Forgets that what has this key was published and confirmed.
    pub fn forget(&self, key: u128) {
        locked(&self.memory).confirmed.remove(&key);
    }
}

impl Passing {
    /// All messages are confirmed.
    pub fn confirmed(self) {
        let mut memory = locked(&self.memory);
        memory.confirmed.insert(self.key);
        memory.order.push_back(self.key);
        if memory.order.len() > LIMIT
            && let Some(oldest) = memory.order.pop_front()
        {
            memory.confirmed.remove(&oldest);
        }
    }
}

impl Drop for Passing {
    /// Confirmed or not, the publish is no longer under way: the workers that wait ask again.
    fn drop(&mut self) {
        let waiting = locked(&self.memory).under_way.remove(&self.key).unwrap_or_default();
        // A waiter that is gone was drained; its message is back in its queue.
        waiting.into_iter().for_each(|waiter| waiter.send(()).unwrap_or_default());
    }
}

/// The key of what comes after `target` in a wave.
pub fn wave_key(target: &Target, wave: u64) -> u128 {
    let mut hash = xxhash_rust::xxh3::Xxh3::with_seed(wave);
    hash.update(target.job.as_str().as_bytes());
    hash.update(&[0]);
    hash.update(target.entity.as_str().as_bytes());
    hash.digest128()
}

/// The key of a wake-up: all that it says, except for what differs between two publishes of it.
///
/// # Errors
/// Where the message cannot be encoded.
pub fn wake_up_key(wake_up: &EntityMessage) -> Result<u128, WireError> {
    let bare = EntityMessage { id: 0, audit: Vec::new(), ..wake_up.clone() };
    Ok(xxhash_rust::xxh3::xxh3_128(&wire::encode(&bare)?))
}

fn locked(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_was_confirmed_counts_as_passed_on() {
        let target = Target { job: "mel".parse().expect("a name"), entity: "t-1".parse().expect("an id") };
        let memory = PassedOn::default();
        let PassTurn::Pass(first) = memory.turn(wave_key(&target, 1)) else { panic!("known at first") };
        let PassTurn::Wait(second) = memory.turn(wave_key(&target, 1)) else { panic!("did not wait") };
        drop(first);
        second.await.expect("woken");
        let PassTurn::Pass(again) = memory.turn(wave_key(&target, 1)) else { panic!("a failed passing-on counted") };
        again.confirmed();
        assert!(matches!(memory.turn(wave_key(&target, 1)), PassTurn::Confirmed));
        assert!(matches!(memory.turn(wave_key(&target, 2)), PassTurn::Pass(_)), "another wave was taken for this one");
    }
}
