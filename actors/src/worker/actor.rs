//! The actor of one worker: takes deliveries one at a time until its pool drains.

use actix::prelude::*;
use tokio::{sync::watch, task::coop::consume_budget};

use super::executor::Executor;
use crate::broker::Subscription;

/// How far a pool is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Taking messages.
    Serving,
    /// Finishing what is in hand, taking no more.
    Draining,
    /// Dropping what is in hand: it goes back to its queue.
    Now,
}

/// A worker ended. Sent from its last moment, also when it panicked.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(crate) struct WorkerStopped {
    /// The worker's number in its pool.
    pub slot: usize,
}

/// One worker of a pool.
pub(crate) struct Worker {
    slot: usize,
    /// Taken by the loop when the worker starts.
    work_loop: Option<WorkLoop>,
    phase: watch::Receiver<Phase>,
    pool: Recipient<WorkerStopped>,
}

struct WorkLoop {
    executor: Executor,
    subscription: Box<dyn Subscription>,
}

impl Worker {
    /// The worker number `slot` of a pool; it tells `pool` when it ends.
    pub fn new(
        slot: usize,
        executor: Executor,
        subscription: Box<dyn Subscription>,
        phase: watch::Receiver<Phase>,
        pool: Recipient<WorkerStopped>,
    ) -> Self {
        Self { slot, work_loop: Some(WorkLoop { executor, subscription }), phase, pool }
    }
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(mut work_loop) = self.work_loop.take() else { return };
        let mut phase = self.phase.clone();
        // One future for all deliveries: it is large, and making a new one for each would cost as much as a step.
        let all = async move {
            while work_loop.take_one(&mut phase).await {
                consume_budget().await; // lets other tasks of this thread run even if nothing above ever waits
            }
        };
        ctx.spawn(all.into_actor(self).map(|(), _, ctx| ctx.stop()));
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // A control message that must not be lost to a full mailbox, and nothing here may panic.
        #[allow(clippy::disallowed_methods)]
        self.pool.do_send(WorkerStopped { slot: self.slot });
    }
}

impl WorkLoop {
    /// Takes one delivery and handles it. Returns whether to go on.
    async fn take_one(&mut self, phase: &mut watch::Receiver<Phase>) -> bool {
        if *phase.borrow() != Phase::Serving {
            return false;
        }
        let delivery = tokio::select! {
            biased;
            _ = phase.wait_for(|phase| *phase != Phase::Serving) => return false,
            delivery = self.subscription.next() => delivery,
        };
        let Some(delivery) = delivery else { return false };
        tokio::select! {
            biased;
            _ = phase.wait_for(|phase| *phase == Phase::Now) => false, // dropped unsettled: back to its queue
            () = self.executor.handle(delivery) => true,
        }
    }
}
