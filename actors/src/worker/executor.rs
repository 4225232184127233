//! What one worker works with: its job, its transform, and the node around it.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::decision::{Decision, ParkReason};
use super::in_work::InWork;
use super::pause::Allowance;
use super::pool_shared::PoolShared;
use super::stopwatch::Stopwatch;
use crate::context::NodeContext;
use crate::events::Event;
use crate::memory::{HoldTurn, InFlight, TargetHold};
use crate::message::Target;
use crate::mutants::{Mutant, active};
use crate::outcome::{Fault, Outcome};
use crate::plan::{JobIx, JobPlan};
use crate::storage::{InputPrints, StorageError};
use crate::trace::MessageSpan;
use crate::transform::Transform;
use crate::turns::Turn;

/// An error of a store, shared by all workers that share the look-up.
pub(super) type SharedStorageError = Arc<StorageError>;

/// For how long a worker waits for another one that only looks, or passes on.
const MOMENT: Duration = Duration::from_millis(100);

/// Executes the messages of one job, one at a time. Its methods are the steps of a message, one file for each step.
pub(crate) struct Executor {
    pub(super) node: Arc<NodeContext>,
    pub(super) at: JobIx,
    pub(super) job: Arc<JobPlan>,
    pub(super) pool: Arc<PoolShared>,
    /// None after a panic, until it is built anew.
    pub(super) transform: Option<Box<dyn Transform>>,
    /// The core for the message in hand, where it was taken before the message.
    pub(super) turn: Option<Turn>,
    /// For how long no message is to be taken after this one.
    pub(super) rest: Duration,
    /// What told the versions of the inputs apart that the transform was last given.
    pub(super) read: InputPrints,
    /// Whether this run made the output of the message in hand anew: then the children look at theirs.
    pub(super) is_made_anew: bool,
    /// When the message in hand came.
    pub(super) arrived: Instant,
    /// How often it was put off before.
    pub(super) parks: u32,
    /// Runs where the transform ran for the message in hand.
    pub(super) stopwatch: Option<Stopwatch>,
    /// The span of the message in hand, where this node traces.
    pub(super) span: Option<MessageSpan>,
    /// There from the beginning of a try until its message is settled.
    pub(super) in_work: Option<InWork>,
}

impl Executor {
    /// For a worker of the job at `at`.
    ///
    /// # Errors
    /// Where the transform cannot be built.
    pub fn new(node: Arc<NodeContext>, at: JobIx, pool: Arc<PoolShared>) -> Result<Self, Fault> {
        let job = node.plan().job(at).clone();
        let transform = Some((job.transform)()?);
        Ok(Self {
            node,
            at,
            job,
            pool,
            transform,
            turn: None,
            rest: Duration::ZERO,
            read: InputPrints::new(),
            is_made_anew: false,
            arrived: Instant::now(),
            parks: 0,
            stopwatch: None,
            span: None,
            in_work: None,
        })
    }

    /// The hold of a target: one holder at a time on this node. The error: too many workers wait already, this one is needed for
    /// the messages that come next, or the node ends.
    pub(super) async fn hold(&mut self, target: &Target) -> Result<TargetHold, Decision> {
        if active(Mutant::NoSingleHolder) {
            // The wrong variant: everybody gets a hold of its own.
            match InFlight::default().take(target) {
                HoldTurn::Yours(hold) => return Ok(hold),
                HoldTurn::Busy(_) => return Err(Decision::Park(ParkReason::Others)),
            }
        }
        match self.node.in_flight.take(target) {
            HoldTurn::Yours(hold) => Ok(hold),
            HoldTurn::Busy(busy) => {
                self.turn = None; // the holder may need the core
                // A holder that only looks, or passes on, is waited for by whoever comes; one that works, by few.
                let is_brief = !busy.is_at_work();
                let waiting = if is_brief { None } else { self.pool.may_wait() };
                if !is_brief && waiting.is_none() {
                    return Err(Decision::Park(ParkReason::Others));
                }
                let is_needed = async {
                    tokio::time::sleep(if is_brief { MOMENT } else { Duration::ZERO }).await;
                    self.pool.is_needed().await;
                };
                tokio::select! {
                    biased;
                    hold = busy.wait() => Ok(hold),
                    () = self.pool.drains() => Err(Decision::Return),
                    () = is_needed => Err(Decision::Park(ParkReason::Others)),
                }
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

    /// Takes note of whether this machine could do the work in hand, and tells the observer once of trouble and once of
    /// its end. Work that ends without being tried, and a try that may have failed because of the trouble, say nothing.
    pub(super) fn note_machine(&self, allowance: &Allowance, decision: &Decision) {
        let job = &self.job.name;
        match decision {
            Decision::Pause(fault) if allowance.in_trouble() => {
                self.tell(&Event::PoolPaused { job, text: &fault.text })
            }
            Decision::PassOn(Outcome::Done) | Decision::Skip(_, None) if allowance.succeeded() => {
                self.tell(&Event::PoolResumed { job });
            }
            Decision::GiveUp(ending) if ending.worked && allowance.succeeded() => {
                self.tell(&Event::PoolResumed { job })
            }
            _ => {}
        }
    }
}
