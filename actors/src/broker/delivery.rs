//! One message in hand: acknowledged once, or back in its queue when it is dropped.

use bytes::Bytes;

use super::format::BodyFormat;
use crate::trace::TraceContext;

/// How an adapter settles one delivery: exactly one of these is called, once.
pub trait Ticket: Send {
    /// Acknowledges the message: it is gone from its queue.
    fn ack(self: Box<Self>);
    /// Puts the message back into its queue. Must not fail and must not wait.
    fn give_back(self: Box<Self>);
}

/// One message in hand, still to be settled. Dropped unsettled, it goes back to its queue.
pub struct Delivery {
    /// The encoded message.
    pub body: Bytes,
    /// How the body is to be read.
    pub format: BodyFormat,
    /// How often the message was put off so far.
    pub parks: u32,
    /// Whether the message was delivered before and not settled.
    pub redelivered: bool,
    /// The span that caused the message, where its publisher named one.
    pub trace: Option<TraceContext>,
    ticket: Option<Box<dyn Ticket>>,
}

impl Delivery {
    /// A delivery with its ticket.
    pub fn new(body: Bytes, format: BodyFormat, parks: u32, redelivered: bool, ticket: Box<dyn Ticket>) -> Self {
        Self { body, format, parks, redelivered, trace: None, ticket: Some(ticket) }
    }

    /// The same, caused by this span.
    pub fn caused_by(mut self, trace: Option<TraceContext>) -> Self {
        self.trace = trace;
        self
    }

    /// The same bytes without a ticket: to publish again, not to settle.
    pub fn copy(&self) -> Self {
        Self {
            body: self.body.clone(),
            format: self.format.clone(),
            parks: self.parks,
            redelivered: self.redelivered,
            trace: self.trace,
            ticket: None,
        }
    }

    /// Acknowledges the message.
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
