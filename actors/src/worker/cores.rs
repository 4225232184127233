//! The cores that jobs share: one is taken before the message where they are scarce, else for the work.

use std::time::Duration;

use super::executor::Executor;
use crate::turns::Turn;

/// How long a message may wait in hand for a core. Then it goes back to its queue, where other nodes find it.
const PATIENCE: Duration = Duration::from_secs(2);

impl Executor {
    /// Whether a worker takes a core first, and a message only with it.
    pub(super) fn cores_are_scarce(&self) -> bool {
        self.pool.cores_are_scarce()
    }

    /// Takes a core for the next message. Returns `false` where cores are not scarce any more, or the pool drains.
    pub(super) async fn take_core(&mut self) -> bool {
        let Some(turns) = self.node.settings.slots.get(&self.job.name) else { return false };
        if let Some(turn) = turns.try_take() {
            self.pool.note_scarce(false); // a core was free, and nobody waited for it
            self.turn = Some(turn);
            return true;
        }
        tokio::select! {
            biased;
            () = self.pool.drains() => false,
            () = self.pool.cores_are_free() => false,
            turn = turns.take() => {
                self.turn = Some(turn);
                true
            }
        }
    }

    /// Gives back the core that was taken for a message, since there is none.
    pub(super) fn leave_core(&mut self) {
        self.turn = None;
        self.pool.note_scarce(false);
    }

    /// A core for the work, where jobs share them; the inner value is none where they do not. None if no core is to be had
    /// for long, or the node ends.
    pub(super) async fn core(&mut self) -> Option<Option<Turn>> {
        if self.pool.is_draining() {
            return None;
        }
        let Some(turns) = self.node.settings.slots.get(&self.job.name) else { return Some(None) };
        if let Some(turn) = self.turn.take().or_else(|| turns.try_take()) {
            return Some(Some(turn));
        }
        if self.pool.cores_are_scarce() {
            return None;
        }
        tokio::select! {
            biased;
            () = self.pool.drains() => None,
            turn = turns.take() => Some(Some(turn)),
            () = tokio::time::sleep(PATIENCE) => {
                self.pool.note_scarce(true);
                None
            }
        }
    }
}
