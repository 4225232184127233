//! The traits that every broker implements.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

use super::delivery::Delivery;
use super::format::BodyFormat;
use crate::ids::JobName;
use crate::message::EntityMessage;
use crate::trace::TraceContext;
use crate::wire::{self, WireError};

/// One message on its way to a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The job whose queue it goes to.
    pub job: JobName,
    /// The encoded message.
    pub body: Bytes,
    /// How the body is to be read. Stays beside it when a message by another program is put off.
    pub format: BodyFormat,
    /// How often the message was put off so far; a header beside the body.
    pub parks: u32,
    /// How long the message is to stay out of the queue.
    pub delay: Duration,
    /// Whether its work may have ended a process before: it is then delivered as one that was delivered before. Each copy
    /// of a message keeps that; a header beside the body.
    pub suspect: bool,
    /// The span that caused it; a header beside the body.
    pub trace: Option<TraceContext>,
}

impl Outgoing {
    /// To be delivered as soon as a worker is free.
    pub fn now(job: JobName, body: Bytes) -> Self {
        Self { job, body, format: BodyFormat::Envelope, parks: 0, delay: Duration::ZERO, suspect: false, trace: None }
    }

    /// An entity message to the job of its target, as soon as a worker is free.
    ///
    /// # Errors
    /// A message that is too large.
    pub fn of(message: &EntityMessage) -> Result<Self, WireError> {
        let body = wire::encode(message)?;
        Ok(Self { trace: message.trace, ..Self::now(message.target.job.clone(), body) })
    }
}

/// Where messages wait for workers.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Publishes all messages. Returns when the broker has confirmed every one of them.
    ///
    /// # Errors
    /// When any of them was refused, returned or not confirmed. Others may have been taken, so publish all again.
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError>;

    /// A consumer of a job's queue that holds at most one unsettled delivery for each call of `next` under way.
    fn subscribe(&self, job: &JobName) -> Result<Box<dyn Subscription>, BrokerError>;

    /// How long a delivery of a job may be in hand before this broker takes it away; none where it never does.
    fn longest_in_hand(&self, _job: &JobName) -> Option<Duration> {
        None
    }
}

/// One consumer of a queue. When it is dropped it takes no more; each [`Delivery`] that it gave out stays good.
#[async_trait]
pub trait Subscription: Send {
    /// The next delivery; none when the broker closed for good.
    async fn next(&mut self) -> Option<Delivery>;

    /// A delivery if the queue has one now; none where it is empty, or the broker closed.
    async fn try_next(&mut self) -> Option<Delivery>;

    /// Until [`next`](Self::next) is called again, nothing is to be held ready for this consumer: what was goes back to the
    /// queue, where other nodes find it. It does not count as delivered, but for what the broker was sending in that moment.
    fn rest(&mut self);
}

/// Why a broker did not take a message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BrokerError {
    /// No queue of that name.
    #[error("no queue for job `{0}`")]
    NoQueue(JobName),
    /// Not confirmed: the message may or may not be in the queue.
    #[error("the broker did not confirm: {0}")]
    Unconfirmed(String),
    /// Shut down.
    #[error("the broker is closed")]
    Closed,
}
