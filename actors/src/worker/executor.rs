//! What one worker works with: its job, its transform, and the node around it.

use std::sync::Arc;

use super::pool_shared::PoolShared;
use crate::context::NodeContext;
use crate::events::Event;
use crate::memory::{HoldTurn, InFlight, TargetHold};
use crate::message::Target;
use crate::mutants::{Mutant, active};
use crate::outcome::Fault;
use crate::plan::{JobIx, JobPlan};
use crate::storage::StorageError;
use crate::transform::Transform;

/// An error of a store, shared by all workers that share the look-up.
pub(super) type SharedStorageError = Arc<StorageError>;

/// Executes the messages of one job, one at a time. Its methods are the steps of a message, one file for each step.
pub(crate) struct Executor {
    pub(super) node: Arc<NodeContext>,
    pub(super) at: JobIx,
    pub(super) job: Arc<JobPlan>,
    pub(super) pool: Arc<PoolShared>,
    /// None after a panic, until it is built anew.
    pub(super) transform: Option<Box<dyn Transform>>,
}

impl Executor {
    /// For a worker of the job at `at`.
    ///
    /// # Errors
    /// Where the transform cannot be built.
    pub fn new(node: Arc<NodeContext>, at: JobIx, pool: Arc<PoolShared>) -> Result<Self, Fault> {
        let job = node.plan().job(at).clone();
        let transform = Some((job.transform)()?);
        Ok(Self { node, at, job, pool, transform })
    }

    /// The hold of a target: one holder at a time on this node. None where too many workers wait already.
    pub(super) async fn hold(&self, target: &Target) -> Option<TargetHold> {
        if active(Mutant::NoSingleHolder) {
            // The wrong variant: everybody gets a hold of its own.
            match InFlight::default().take(target) {
                HoldTurn::Yours(hold) => return Some(hold),
                HoldTurn::Busy(_) => return None,
            }
        }
        match self.node.in_flight.take(target) {
            HoldTurn::Yours(hold) => Some(hold),
            HoldTurn::Busy(busy) => {
                let _waiting = self.pool.may_wait()?;
                Some(busy.wait().await)
            }
        }
    }

    /// Tells the node's observer.
    pub(super) fn tell(&self, event: &Event<'_>) {
        self.node.settings.observer.on(event);
    }

    /// Tells the observer once that a store is in trouble, and once that it is not any more.
    pub(super) fn note_storage(&self, error: Option<&StorageError>) {
        if !self.pool.note_stalled(error.is_some()) {
            return;
        }
        match error {
            Some(error) => self.tell(&Event::Stalled { job: &self.job.name, text: &error.to_string() }),
            None => self.tell(&Event::Recovered { job: &self.job.name }),
        }
    }
}
