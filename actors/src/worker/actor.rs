//! The actor of one worker: takes deliveries one at a time until its pool drains.

use std::sync::Arc;

use actix::prelude::*;
use tokio::task::coop::consume_budget;

use super::executor::Executor;
use super::pause::Allowance;
use super::phase::{Phase, PhaseSwitch};
use crate::actors_thread::on_actors_thread;
use crate::broker::{Delivery, Subscription};

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
    phase: Arc<PhaseSwitch>,
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
        phase: Arc<PhaseSwitch>,
        pool: Recipient<WorkerStopped>,
    ) -> Self {
        Self { slot, work_loop: Some(WorkLoop { executor, subscription }), phase, pool }
    }
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(mut work_loop) = self.work_loop.take() else { return };
        let phase = self.phase.clone();
        // One future for all deliveries: it is large, and making a new one for each would cost as much as a step.
        let all = async move {
            while work_loop.take_one(&phase).await {
                consume_budget().await; // lets other tasks of this thread run even if nothing above ever waits
            }
        };
        ctx.spawn(on_actors_thread(all).into_actor(self).map(|(), _, ctx| ctx.stop()));
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // A control message that must not be lost to a full mailbox, and nothing here may panic.
        #[allow(clippy::disallowed_methods)]
        self.pool.do_send(WorkerStopped { slot: self.slot });
    }
}

impl WorkLoop {
    /// Takes one delivery and handles it. Returns whether to go on.
    async fn take_one(&mut self, phase: &PhaseSwitch) -> bool {
        if phase.now() != Phase::Serving {
            return false;
        }
        let allowance = tokio::select! {
            biased;
            () = phase.reaches(Phase::Draining) => return false,
            allowance = self.allowance() => allowance,
        };
        let delivery = match self.executor.cores_are_scarce() {
            true => tokio::select! {
                biased;
                () = allowance.is_over() => {
                    self.executor.leave_core(); // it may have been taken already, and others need it during the pause
                    return true;
                }
                delivery = self.next_with_core() => match delivery {
                    Some(delivery) => Some(delivery),
                    None => return true, // look again whether to go on, and how
                },
            },
            false => {
                let pool = self.executor.pool.clone();
                let _idle = pool.idles();
                tokio::select! {
                    biased;
                    () = phase.reaches(Phase::Draining) => return false,
                    () = allowance.is_over() => return true,
                    delivery = self.subscription.next() => delivery,
                }
            }
        };
        let Some(delivery) = delivery else { return false };
        tokio::select! {
            biased;
            () = phase.reaches(Phase::Now) => return false, // dropped unsettled: back to its queue
            () = self.executor.handle(delivery, &allowance) => {}
        }
        drop(allowance);
        let rest = std::mem::take(&mut self.executor.rest);
        if rest.is_zero() {
            return true;
        }
        self.subscription.rest(); // other nodes may take what was held ready for this worker
        tokio::select! {
            biased;
            () = phase.reaches(Phase::Draining) => false,
            () = tokio::time::sleep(rest) => true,
        }
    }

    /// Waits until the pool allows this worker a message. Meanwhile other nodes may take what was held ready for it.
    async fn allowance(&mut self) -> Allowance {
        let pause = self.executor.pool.pause.clone();
        if let Ok(allowance) = pause.take() {
            return allowance;
        }
        self.subscription.rest();
        pause.allowance().await
    }

    /// A core first, then a delivery for it; none if there is no delivery, or cores are not scarce any more.
    async fn next_with_core(&mut self) -> Option<Delivery> {
        self.subscription.rest();
        if !self.executor.take_core().await {
            return None;
        }
        let delivery = self.subscription.try_next().await;
        if delivery.is_none() {
            self.executor.leave_core();
        }
        delivery
    }
}
