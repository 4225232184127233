//! A job's workers on one node: rebuilt from a factory with a budget, drained together.

mod restarts;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use actix::prelude::*;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

pub use restarts::{Price, Restarts};

use crate::context::NodeContext;
use crate::events::Event;
use crate::plan::JobIx;
use crate::worker::{Desk, Phase, WaitingRoom, Worker, WorkerStopped};

/// Finish what is in hand and take no more; answered when the last worker ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Drain {
    /// After this long what is in hand is dropped and goes back to its queue.
    pub grace: Duration,
}

/// How a pool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, MessageResponse)]
pub struct PoolState {
    /// Workers alive.
    pub live: usize,
    /// Whether workers were lost faster than they may be replaced.
    pub degraded: bool,
}

/// Asks how a pool is.
#[derive(Debug, Message)]
#[rtype(result = "PoolState")]
pub struct Snapshot;

/// The workers of one job on one node.
pub struct Pool {
    node: Arc<NodeContext>,
    at: JobIx,
    room: Arc<WaitingRoom>,
    live: BTreeSet<usize>,
    restarts: Restarts,
    degraded: bool,
    phase: watch::Sender<Phase>,
    drained: Vec<oneshot::Sender<()>>,
}

impl Pool {
    /// The pool of the job at `at`.
    pub fn new(node: Arc<NodeContext>, at: JobIx) -> Self {
        let room = WaitingRoom::of(node.plan().job(at).workers);
        let (live, drained) = (BTreeSet::new(), Vec::new());
        let phase = watch::Sender::new(Phase::Serving);
        Self { node, at, room, live, restarts: Restarts::default(), degraded: false, phase, drained }
    }

    fn start_worker(&mut self, slot: usize, ctx: &mut Context<Self>) {
        if *self.phase.borrow() != Phase::Serving {
            return;
        }
        let job = self.node.plan().job(self.at).clone();
        let desk = Desk::new(self.node.clone(), self.at, self.room.clone()).map_err(|fault| fault.to_string());
        let subscription = self.node.settings.broker.subscribe(&job.name).map_err(|error| error.to_string());
        match (desk, subscription) {
            (Ok(desk), Ok(subscription)) => {
                self.live.insert(slot);
                let (phase, pool) = (self.phase.subscribe(), ctx.address().recipient());
                Worker::new(slot, desk, subscription, phase, pool).start();
            }
            (Err(text), _) | (_, Err(text)) => {
                self.node.settings.observer.on(&Event::WorkerFailed { job: &job.name, text: &text });
                self.replace(slot, ctx);
            }
        }
    }

    fn replace(&mut self, slot: usize, ctx: &mut Context<Self>) {
        let price = self.restarts.spend(Instant::now());
        self.degraded = price.degraded;
        let restart_in = (!price.degraded).then_some(price.wait);
        let job = &self.node.plan().job(self.at).name;
        self.node.settings.observer.on(&Event::WorkerLost { job, slot, restart_in });
        ctx.run_later(price.wait, move |pool, ctx| pool.start_worker(slot, ctx));
    }

    fn finish_if_empty(&mut self) {
        if self.live.is_empty() {
            // Who asked and is gone does not need the answer.
            self.drained.drain(..).for_each(|waiter| waiter.send(()).unwrap_or_default());
        }
    }
}

impl Actor for Pool {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for slot in 0..self.node.plan().job(self.at).workers {
            self.start_worker(slot, ctx);
        }
    }
}

impl Handler<WorkerStopped> for Pool {
    type Result = ();

    fn handle(&mut self, WorkerStopped { slot }: WorkerStopped, ctx: &mut Self::Context) {
        self.live.remove(&slot);
        let serving = *self.phase.borrow() == Phase::Serving;
        match serving {
            true => self.replace(slot, ctx),
            false => self.finish_if_empty(),
        }
    }
}

impl Handler<Drain> for Pool {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Drain { grace }: Drain, ctx: &mut Self::Context) -> Self::Result {
        let wanted = if grace.is_zero() { Phase::Now } else { Phase::Draining };
        self.phase.send_if_modified(|phase| {
            wanted > *phase && {
                *phase = wanted;
                true
            }
        });
        ctx.run_later(grace, |pool, _| {
            pool.phase.send_replace(Phase::Now);
        });
        let (waiter, empty) = oneshot::channel();
        self.drained.push(waiter);
        self.finish_if_empty();
        Box::pin(async move {
            // An error means that the pool is gone, and its workers with it.
            match empty.await {
                Ok(()) | Err(_) => {}
            }
        })
    }
}

impl Handler<Snapshot> for Pool {
    type Result = PoolState;

    fn handle(&mut self, Snapshot: Snapshot, _: &mut Self::Context) -> PoolState {
        PoolState { live: self.live.len(), degraded: self.degraded }
    }
}
