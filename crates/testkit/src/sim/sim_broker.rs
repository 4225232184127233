//! The broker as a simulated node sees it: order, duplicates, delays and confirms are the schedule's to choose.

use std::{
    future::pending,
    sync::{Arc, PoisonError, Weak},
};

use async_trait::async_trait;
use rand::Rng;
use tokio::sync::oneshot;

use super::{
    incarnation::Incarnation,
    queues::Consumer,
    state::{CallEnd, Port},
    world::World,
};
use euterpe_actors::broker::{Broker, BrokerError, Delivery, Outgoing, Subscription, Ticket};
use euterpe_actors::ids::JobName;

/// The broker, seen from one incarnation of a node.
pub(super) struct SimBroker {
    pub(super) world: Arc<World>,
    pub(super) incarnation: Incarnation,
    /// The jobs that have a queue.
    pub(super) jobs: Arc<[JobName]>,
}

#[async_trait]
impl Broker for SimBroker {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        if let Some(lost) = messages.iter().find(|message| !self.jobs.contains(&message.job)) {
            return Err(BrokerError::NoQueue(lost.job.clone()));
        }
        if messages.is_empty() {
            return Ok(());
        }
        let name = messages.iter().map(|message| message.job.as_str()).collect::<Vec<_>>().join(" ");
        self.world
            .call(&self.incarnation, Port::Publish, name, move |state, end| {
                for message in messages {
                    // Of a publish that is not confirmed, any part may have been taken.
                    if end == CallEnd::Succeeds || end != CallEnd::Refused && state.rng.random() {
                        state.enqueue(message);
                    }
                }
                if end == CallEnd::Succeeds { Ok(()) } else { Err(BrokerError::Unconfirmed("lost".to_owned())) }
            })
            .await
    }

    fn subscribe(&self, job: &JobName) -> Result<Box<dyn Subscription>, BrokerError> {
        if !self.jobs.contains(job) {
            return Err(BrokerError::NoQueue(job.clone()));
        }
        Ok(Box::new(SimSubscription {
            world: self.world.clone(),
            incarnation: self.incarnation.clone(),
            job: job.clone(),
        }))
    }
}

struct SimSubscription {
    world: Arc<World>,
    incarnation: Incarnation,
    job: JobName,
}

#[async_trait]
impl Subscription for SimSubscription {
    async fn next(&mut self) -> Option<Delivery> {
        if self.incarnation.is_over() {
            return pending().await;
        }
        let (sender, receiver) = oneshot::channel();
        let consumer = Consumer { incarnation: self.incarnation.clone(), job: self.job.clone(), sender };
        self.world.state().queues.consumers.push(consumer);
        self.world.changed.notify_one();
        match receiver.await {
            Ok(delivery) if !self.incarnation.is_over() => Some(delivery),
            _ => pending().await,
        }
    }

    async fn try_next(&mut self) -> Option<Delivery> {
        if self.incarnation.is_over() {
            return pending().await;
        }
        let world = Arc::downgrade(&self.world);
        let ticket = |number| -> Box<dyn Ticket> { Box::new(SimTicket { world, number }) };
        self.world.state().take(&self.job, &self.incarnation, ticket)
    }

    fn rest(&mut self) {} // nothing is held ready for anybody
}

/// The right to settle one delivery, once. Void when the broker took the delivery back in the meantime.
pub(super) struct SimTicket {
    pub(super) world: Weak<World>,
    pub(super) number: u64,
}

impl SimTicket {
    fn spend(&self, acked: bool) {
        if let Some(world) = self.world.upgrade() {
            world.settled.lock().unwrap_or_else(PoisonError::into_inner).push((self.number, acked));
            world.changed.notify_one();
        }
    }
}

impl Ticket for SimTicket {
    fn ack(self: Box<Self>) {
        self.spend(true);
    }

    fn give_back(self: Box<Self>) {
        self.spend(false);
    }
}
