//! A worker's desk: its job, its transform, and the node around it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::context::NodeContext;
use crate::dedupe::{Hold, Turn};
use crate::events::Event;
use crate::message::Target;
use crate::mutants::{Mutant, active};
use crate::outcome::Fault;
use crate::plan::{JobIx, JobPlan};
use crate::storage::StorageError;
use crate::transform::Transform;

/// A store that did not answer as it should; shared by all who asked together.
pub type Trouble = Arc<StorageError>;

/// What one worker has in front of it.
pub struct Desk {
    pub(super) node: Arc<NodeContext>,
    pub(super) at: JobIx,
    pub(super) job: Arc<JobPlan>,
    pub(super) room: Arc<WaitingRoom>,
    pub(super) transform: Option<Box<dyn Transform>>,
}

impl Desk {
    /// A desk for a worker of the job at `at`.
    ///
    /// # Errors
    /// Where the transform cannot be built.
    pub fn new(node: Arc<NodeContext>, at: JobIx, room: Arc<WaitingRoom>) -> Result<Self, Fault> {
        let job = node.plan().job(at).clone();
        let transform = Some((job.transform)()?);
        Ok(Self { node, at, job, room, transform })
    }

    /// The right to work on a target: one holder at a time on this node. None where too many wait already.
    pub(super) async fn hold(&self, target: &Target) -> Option<Hold> {
        if active(Mutant::NoSingleHolder) {
            // The wrong variant: everybody gets a hold of its own.
            match crate::dedupe::InFlight::default().take(target) {
                Turn::Yours(hold) => return Some(hold),
                Turn::Busy(_) => return None,
            }
        }
        match self.node.in_flight.take(target) {
            Turn::Yours(hold) => Some(hold),
            Turn::Busy(busy) => {
                let _seat = self.room.seat()?;
                Some(busy.wait().await)
            }
        }
    }

    /// Tells whoever watches.
    pub(super) fn tell(&self, event: &Event<'_>) {
        self.node.settings.observer.on(event);
    }

    /// Says once that a store is in trouble, and once that it is not any more.
    pub(super) fn note_trouble(&self, trouble: Option<&StorageError>) {
        let now = trouble.is_some();
        if self.room.in_trouble.swap(now, Ordering::Relaxed) == now {
            return;
        }
        match trouble {
            Some(error) => self.tell(&Event::Stalled { job: &self.job.name, text: &error.to_string() }),
            None => self.tell(&Event::Recovered { job: &self.job.name }),
        }
    }
}

/// How many of a pool's workers may wait for somebody else: half of them, so that the pool always moves.
#[derive(Debug)]
pub struct WaitingRoom {
    seats: usize,
    taken: AtomicUsize,
    in_trouble: AtomicBool,
}

/// A place in the waiting room; dropped, it is free again.
#[derive(Debug)]
pub struct Seat(Arc<WaitingRoom>);

impl WaitingRoom {
    /// The waiting room of a pool of so many workers.
    pub fn of(workers: usize) -> Arc<Self> {
        Arc::new(Self { seats: workers / 2, taken: AtomicUsize::new(0), in_trouble: AtomicBool::new(false) })
    }

    /// A seat, if one is free.
    pub fn seat(self: &Arc<Self>) -> Option<Seat> {
        let take = |taken| (taken < self.seats).then_some(taken + 1);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).ok()?;
        Some(Seat(self.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
    }
}
