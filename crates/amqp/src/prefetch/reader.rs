//! A worker's end of a buffer: waits for the next delivery, or asks for one where others rest.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::broker::{Delivery, Subscription};
use tokio::sync::oneshot;

use super::PrefetchBuffer;

/// How long a worker waits for the answer to its question whether the queue has a delivery.
const ANSWERED: Duration = Duration::from_secs(2);
/// How long a worker waits that asked in vain while others of its job rest.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// A worker's end of a buffer.
pub(crate) struct Reader {
    buffer: Arc<PrefetchBuffer>,
    is_resting: bool,
}

impl Reader {
    pub fn of(buffer: Arc<PrefetchBuffer>) -> Self {
        Self { buffer, is_resting: false }
    }

    /// The next delivery with the routing key that it was published with; `None` when the adapter is closed.
    pub async fn next_with_key(&mut self) -> Option<(String, Delivery)> {
        self.set_resting(false);
        loop {
            let arrived = self.buffer.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            if self.buffer.closed.load(Ordering::Acquire) {
                return None;
            }
            let taken = if self.buffer.held.load(Ordering::Acquire) { None } else { self.buffer.take() };
            match taken {
                Some(delivery) => return Some(delivery.into_delivery()),
                None if self.buffer.is_at_rest() => {
                    if let Some(delivery) = self.ask().await {
                        return Some(delivery);
                    }
                    tokio::select! {
                        () = arrived => {}
                        () = tokio::time::sleep(ASK_AGAIN) => {}
                    }
                }
                None => arrived.await,
            }
        }
    }

    /// Asks the broker for one delivery.
    async fn ask(&self) -> Option<(String, Delivery)> {
        if self.buffer.held.load(Ordering::Acquire) || self.buffer.closed.load(Ordering::Acquire) {
            return None;
        }
        let (ask, answer) = oneshot::channel();
        self.buffer.asks.lock().unwrap_or_else(PoisonError::into_inner).push_back(ask);
        self.buffer.changed.notify_one();
        // Without a connection there is no answer.
        tokio::time::timeout(ANSWERED, answer).await.ok()?.ok()??.take()
    }

    fn set_resting(&mut self, resting: bool) {
        if std::mem::replace(&mut self.is_resting, resting) == resting {
            return;
        }
        match resting {
            true => self.buffer.resting.fetch_add(1, Ordering::AcqRel),
            false => self.buffer.resting.fetch_sub(1, Ordering::AcqRel),
        };
        self.buffer.changed.notify_one();
        if resting {
            self.buffer.arrived.notify_waiters(); // from now on nothing is pushed: those that wait have to ask
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.set_resting(false);
    }
}

#[async_trait]
impl Subscription for Reader {
    async fn next(&mut self) -> Option<Delivery> {
        self.next_with_key().await.map(|(_, delivery)| delivery)
    }

    async fn try_next(&mut self) -> Option<Delivery> {
        let held = self.buffer.held.load(Ordering::Acquire) || self.buffer.closed.load(Ordering::Acquire);
        let ready = if held { None } else { self.buffer.take() };
        let delivery = match ready {
            Some(ready) => Some(ready.into_delivery()),
            None if self.is_resting => self.ask().await,
            None => None,
        };
        delivery.map(|(_, delivery)| delivery)
    }

    fn rest(&mut self) {
        self.set_resting(true);
    }
}
