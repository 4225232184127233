//! The broker port: queues of encoded messages, at least once.

pub mod in_process;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

use crate::ids::JobName;

/// Who wrote a body, and so how it is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Writing {
    /// A node, in our own envelope.
    #[default]
    Envelope,
    /// Another program.
    Foreign(Arc<Foreign>),
}

impl Writing {
    /// What another program says that its body is; none of our own envelope.
    pub fn content_type(&self) -> Option<String> {
        match self {
            Writing::Envelope => None,
            Writing::Foreign(said) => Some(said.content_type.chars().take(255).collect()),
        }
    }
}

/// What another program says beside a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// The media type, such as `text/plain`; empty where none was given.
    pub content_type: String,
    /// The run that it belongs to, as text; none where it names none.
    pub run: Option<String>,
    /// The name that its publisher gave to this one publishing, such as AMQP's property `message-id`; none where it gave
    /// none. A publisher that heard no confirm publishes again under the same name: then work that is forced is done
    /// once, where otherwise two wishes to do it anew could not be told from one wish that was said twice.
    pub id: Option<String>,
}

/// One message on its way to a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The job whose queue it goes to.
    pub job: JobName,
    /// The encoded message.
    pub body: Bytes,
    /// Who wrote the body: of others' messages the word stays beside it when they are put off.
    pub writing: Writing,
    /// How often it was put off so far; a header beside the body.
    pub parks: u32,
    /// How long it is to stay out of the queue.
    pub delay: Duration,
}

impl Outgoing {
    /// To be delivered as soon as somebody is free.
    pub fn now(job: JobName, body: Bytes) -> Self {
        Self { job, body, writing: Writing::Envelope, parks: 0, delay: Duration::ZERO }
    }
}

/// Where messages wait for workers.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Publishes all and returns when the broker has taken responsibility for every one of them.
    ///
    /// # Errors
    /// When any of them was refused, returned or not confirmed; others may have been taken, so publish all again.
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError>;

    /// A consumer of a job's queue that holds at most one unsettled delivery for each call of `next` under way.
    fn subscribe(&self, job: &JobName) -> Result<Box<dyn Subscription>, BrokerError>;
}

/// One consumer of a queue. Dropped, it takes no more; what it delivered stays with its [`Delivery`].
#[async_trait]
pub trait Subscription: Send {
    /// The next delivery; none when the broker closed for good.
    async fn next(&mut self) -> Option<Delivery>;
}

/// What to do with the ticket of a delivery.
pub trait Ticket: Send {
    /// The message is settled for good.
    fn ack(self: Box<Self>);
    /// The message goes back to its queue. Must not fail and never waits.
    fn give_back(self: Box<Self>);
}

/// One message in hand, still to be settled. Dropped unsettled, it goes back to its queue.
pub struct Delivery {
    /// The encoded message.
    pub body: Bytes,
    /// Who wrote the body.
    pub writing: Writing,
    /// How often it was put off so far.
    pub parks: u32,
    /// Whether it was delivered before and not settled.
    pub redelivered: bool,
    ticket: Option<Box<dyn Ticket>>,
}

impl Delivery {
    /// A delivery with its ticket.
    pub fn new(body: Bytes, writing: Writing, parks: u32, redelivered: bool, ticket: Box<dyn Ticket>) -> Self {
        Self { body, writing, parks, redelivered, ticket: Some(ticket) }
    }

    /// The same bytes without a ticket: to publish again, not to settle.
    pub fn copy(&self) -> Self {
        Self {
            body: self.body.clone(),
            writing: self.writing.clone(),
            parks: self.parks,
            redelivered: self.redelivered,
            ticket: None,
        }
    }

    /// Settles the message for good.
    pub fn ack(mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.ack();
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.give_back();
        }
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery").field("bytes", &self.body.len()).field("parks", &self.parks).finish()
    }
}

/// Why a broker did not take a message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BrokerError {
    /// No queue of that name.
    #[error("no queue for job `{0}`")]
    NoQueue(JobName),
    /// Not confirmed; it may or may not be in the queue.
    #[error("the broker did not confirm: {0}")]
    Unconfirmed(String),
    /// Shut down.
    #[error("the broker is closed")]
    Closed,
}
