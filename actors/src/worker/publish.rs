//! Publishes messages and waits until the broker confirms them.

use std::time::Duration;

use super::decision::Settled;
use super::executor::Executor;
use crate::broker::{BrokerError, Delivery, Outgoing};
use crate::events::{Event, Purpose};
use crate::message::EntityMessage;
use crate::outcome::Outcome;
use crate::points::reach;
use crate::retry::park_wait;
use crate::wire;

impl Executor {
    /// Publishes each message after its delay. Returns when all of them are confirmed.
    pub(super) async fn publish(
        &self,
        purpose: Purpose,
        messages: Vec<(EntityMessage, Duration)>,
    ) -> Result<(), BrokerError> {
        if messages.is_empty() {
            return Ok(());
        }
        let mut outgoing = Vec::with_capacity(messages.len());
        for (message, delay) in messages {
            let job = message.target.job.clone();
            let from = message.from.clone();
            let message = match from {
                Some(at) => self.node.stamped(message, &at),
                None => message,
            };
            let body = wire::encode(&message).map_err(|error| BrokerError::Unconfirmed(error.to_string()))?;
            outgoing.push(Outgoing { delay, ..Outgoing::now(job, body) });
        }
        let count = outgoing.len();
        reach("before_publish");
        self.node.settings.broker.publish(outgoing).await?;
        reach("after_publish");
        self.published(purpose, count);
        Ok(())
    }

    /// Publishes the message once more for later, unchanged. A negative acknowledgement would bring it back at once.
    pub(super) async fn park(&self, delivery: &Delivery) -> Settled {
        let later = Outgoing {
            job: self.job.name.clone(),
            body: delivery.body.clone(),
            format: delivery.format.clone(),
            parks: delivery.parks + 1,
            delay: park_wait(delivery.parks),
        };
        self.node.settings.broker.publish(vec![later]).await?;
        reach("parked");
        self.published(Purpose::Park, 1);
        Ok((Outcome::Parked, None))
    }

    pub(super) fn published(&self, purpose: Purpose, count: usize) {
        self.tell(&Event::Published { job: &self.job.name, purpose, count });
    }
}
