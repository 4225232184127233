//! The life of one channel: a delivery can be settled only on the channel that delivered it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use euterpe_actors::broker::Ticket;
use tokio::sync::mpsc;

/// What becomes of the delivery of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settle {
    /// It is acknowledged.
    Ack(u64),
    /// It goes back to its queue.
    GiveBack(u64),
}

/// One channel from its opening to its end. A new channel counts tags from 1 again, so tags of an older epoch mean nothing
/// to it.
#[derive(Debug)]
pub(super) struct ChannelEpoch {
    alive: AtomicBool,
    settled: mpsc::UnboundedSender<Settle>,
}

impl ChannelEpoch {
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Settle>) {
        let (settled, settles) = mpsc::unbounded_channel();
        (Arc::new(Self { alive: AtomicBool::new(true), settled }), settles)
    }

    pub fn end(&self) {
        self.alive.store(false, Ordering::Release);
    }

    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// Does nothing where the channel is gone: the broker has taken the delivery back.
    fn settle(&self, settle: Settle) {
        if !self.is_alive() || self.settled.send(settle).is_err() {
            tracing::debug!(?settle, "its channel is gone; the broker delivers it again");
        }
    }
}

/// The right to settle one delivery.
pub(super) struct ChannelTicket {
    pub epoch: Arc<ChannelEpoch>,
    pub tag: u64,
}

impl Ticket for ChannelTicket {
    fn ack(self: Box<Self>) {
        self.epoch.settle(Settle::Ack(self.tag));
    }

    fn give_back(self: Box<Self>) {
        self.epoch.settle(Settle::GiveBack(self.tag));
    }
}
