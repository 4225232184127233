//! A job's workers on one node: lost ones are replaced within a budget, all are drained together.

mod restarts;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use actix::prelude::*;
use tokio::{sync::oneshot, time::Instant};

use restarts::RestartBudget;

use crate::context::NodeContext;
use crate::events::Event;
use crate::plan::JobIx;
use crate::worker::{Executor, Phase, PhaseSwitch, PoolShared, Worker, WorkerStopped};

/// Finish what is in hand and take no more. Answered when the last worker has ended.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Drain {
    /// After this long, messages in hand are dropped and go back to their queues.
    pub grace: Duration,
}

/// The state of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, MessageResponse)]
pub struct PoolState {
    /// Workers alive.
    pub live: usize,
    /// Whether workers were lost faster than they may be replaced.
    pub degraded: bool,
}

/// Asks for the state of a pool.
#[derive(Debug, Message)]
#[rtype(result = "PoolState")]
pub struct Snapshot;

/// The workers of one job on one node.
pub struct Pool {
    node: Arc<NodeContext>,
    at: JobIx,
    shared: Arc<PoolShared>,
    live: BTreeSet<usize>,
    restarts: RestartBudget,
    degraded: bool,
    phase: Arc<PhaseSwitch>,
    drained: Vec<oneshot::Sender<()>>,
}

impl Pool {
    /// The pool of the job at `at`.
    pub(crate) fn new(node: Arc<NodeContext>, at: JobIx) -> Self {
        let shared = PoolShared::of(node.plan().job(at).workers);
        let (live, drained) = (BTreeSet::new(), Vec::new());
        let phase = PhaseSwitch::new();
        Self { node, at, shared, live, restarts: RestartBudget::default(), degraded: false, phase, drained }
    }

    fn start_worker(&mut self, slot: usize, ctx: &mut Context<Self>) {
        if self.phase.now() != Phase::Serving {
            return;
        }
        let job = self.node.plan().job(self.at).clone();
        let executor = Executor::new(self.node.clone(), self.at, self.shared.clone());
        let executor = executor.map_err(|fault| fault.to_string());
        let subscription = self.node.settings.broker.subscribe(&job.name).map_err(|error| error.to_string());
        match (executor, subscription) {
            (Ok(executor), Ok(subscription)) => {
                self.live.insert(slot);
                let (phase, pool) = (self.phase.clone(), ctx.address().recipient());
                Worker::new(slot, executor, subscription, phase, pool).start();
            }
            (Err(text), _) | (_, Err(text)) => {
                self.node.settings.observer.on(&Event::WorkerFailed { job: &job.name, text: &text });
                self.replace(slot, ctx);
            }
        }
    }

    fn replace(&mut self, slot: usize, ctx: &mut Context<Self>) {
        let restart = self.restarts.spend(Instant::now());
        self.degraded = restart.degraded;
        let restart_in = (!restart.degraded).then_some(restart.wait);
        let job = &self.node.plan().job(self.at).name;
        self.node.settings.observer.on(&Event::WorkerLost { job, slot, restart_in });
        ctx.run_later(restart.wait, move |pool, ctx| pool.start_worker(slot, ctx));
    }

    fn finish_if_empty(&mut self) {
        if self.live.is_empty() {
            // An asker that is gone does not need the answer.
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

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.drain();
        self.phase.raise(Phase::Now); // no worker outlives its pool
    }
}

impl Handler<WorkerStopped> for Pool {
    type Result = ();

    fn handle(&mut self, WorkerStopped { slot }: WorkerStopped, ctx: &mut Self::Context) {
        self.live.remove(&slot);
        let serving = self.phase.now() == Phase::Serving;
        match serving {
            true => self.replace(slot, ctx),
            false => self.finish_if_empty(),
        }
    }
}

impl Handler<Drain> for Pool {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Drain { grace }: Drain, ctx: &mut Self::Context) -> Self::Result {
        self.shared.drain();
        let wanted = if grace.is_zero() { Phase::Now } else { Phase::Draining };
        self.phase.raise(wanted);
        ctx.run_later(grace, |pool, _| pool.phase.raise(Phase::Now));
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
