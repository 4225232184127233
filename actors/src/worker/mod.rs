//! One worker: takes a delivery when it is free, brings it to its outcome, takes the next.

mod arrive;
mod claimed;
mod decision;
mod desk;
mod inputs;
mod outputs;
mod passed_on;
mod run;
mod settle;
mod verdicts;
mod work;

use std::time::Duration;

use actix::prelude::*;
use tokio::{sync::watch, task::coop::consume_budget, time::Instant};

pub use decision::{Decision, Ending, Step};
pub use desk::{Desk, WaitingRoom};
pub use passed_on::PassedOn;
pub use verdicts::Verdicts;

use crate::broker::{Delivery, Subscription};
use crate::events::Event;
use crate::mutants::{Mutant, active};
use crate::points::reach;

/// How far a pool is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
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
pub struct WorkerStopped {
    /// Its place in the pool.
    pub slot: usize,
}

/// How long a worker waits before it takes on what the broker did not confirm.
const UNCONFIRMED_WAIT: Duration = Duration::from_millis(500);

/// One worker of a pool.
pub struct Worker {
    slot: usize,
    /// At the worker until it starts, then with its work.
    bench: Option<Bench>,
    phase: watch::Receiver<Phase>,
    pool: Recipient<WorkerStopped>,
}

struct Bench {
    desk: Desk,
    subscription: Box<dyn Subscription>,
}

impl Worker {
    /// A worker at its place in a pool.
    pub fn new(
        slot: usize,
        desk: Desk,
        subscription: Box<dyn Subscription>,
        phase: watch::Receiver<Phase>,
        pool: Recipient<WorkerStopped>,
    ) -> Self {
        Self { slot, bench: Some(Bench { desk, subscription }), phase, pool }
    }
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let Some(mut bench) = self.bench.take() else { return };
        let mut phase = self.phase.clone();
        // One future for all deliveries: it is large, and making it anew for each would cost as much as a step of theirs.
        let all = async move {
            while bench.take_one(&mut phase).await {
                consume_budget().await; // the others on this thread have their turn even if nothing here ever waits
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

impl Bench {
    /// Takes one delivery and handles it; whether to go on.
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
            () = self.desk.handle(delivery) => true,
        }
    }
}

impl Desk {
    /// One message from its arrival to its settling.
    async fn handle(&mut self, delivery: Delivery) {
        let arrived = Instant::now();
        let job = self.job.name.clone();
        let mut delivery = Some(delivery);
        let Some(held) = &delivery else { return };
        let (message, settled) = match self.arrive(held).await {
            Err(settled) => (None, settled),
            Ok(message) => {
                reach("arrived");
                let (isolate, copy) = (self.node.settings.isolate || held.redelivered, held.copy());
                if active(Mutant::AckOnReceipt) {
                    delivery.take().into_iter().for_each(Delivery::ack);
                }
                let Step { decision, claim, hold } = self.run(&message, isolate).await;
                let settled = self.settle(&message, delivery.as_ref().unwrap_or(&copy), decision).await;
                claimed::release(claim).await; // before the hold goes on: the next one here claims as well
                drop(hold);
                (Some(message), settled)
            }
        };
        match settled {
            Ok((outcome, why)) => {
                reach("before_ack");
                delivery.into_iter().for_each(Delivery::ack);
                reach("after_ack");
                let why = why.as_ref().map(|(reason, text)| (*reason, text.as_str()));
                self.tell(&Event::Handled {
                    job: &job,
                    message: message.as_ref(),
                    outcome,
                    why,
                    took: arrived.elapsed(),
                });
            }
            Err(error) => {
                self.tell(&Event::Unconfirmed { job: &job, text: &error.to_string() });
                tokio::time::sleep(UNCONFIRMED_WAIT).await;
                drop(delivery); // unsettled: back to its queue
            }
        }
    }
}
