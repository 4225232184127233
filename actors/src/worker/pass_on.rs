//! Passes a target that is done on: wakes the waiter, or sends the entity to the children. What is published is confirmed
//! before anything is acknowledged.

use std::time::Duration;

use super::decision::{CarryError, ParkReason, Settled};
use super::executor::Executor;
use crate::broker::{BrokerError, Delivery, Outgoing};
use crate::continuation;
use crate::events::{Event, Purpose};
use crate::memory::{PassTurn, wake_up_key, wave_key};
use crate::message::{Base, EntityMessage, Target};
use crate::outcome::Outcome;
use crate::points::reach;
use crate::refresh::Refresh;
use crate::retry::{LONGEST_AT, park_wait};

impl Executor {
    /// Wakes the waiter, if there is one; otherwise, in a wave, tells the children.
    pub(super) async fn pass_on(&self, message: &EntityMessage, outcome: Outcome) -> Result<(), CarryError> {
        let wake_up = continuation::wake_up(message, self.node.next_id());
        if let Some(wake_up) = wake_up.as_ref().filter(|wake_up| !self.knows(&wake_up.target)) {
            return self.give_up_waiter(wake_up).await;
        }
        let wakes = wake_up.is_some();
        let key = match (&wake_up, &message.base) {
            (Some(wake_up), _) => wake_up_key(wake_up).map_err(|error| BrokerError::Unconfirmed(error.to_string()))?,
            (None, Base::Down(wave)) => wave_key(&message.target, wave.id),
            (None, Base::Stop) => return Ok(()),
        };
        let next = match wake_up {
            Some(wake_up) => vec![(wake_up, Duration::ZERO)],
            None => self.children(message),
        };
        if next.is_empty() {
            return Ok(());
        }
        loop {
            match self.node.passed_on.turn(key) {
                // A new request gets a new answer: the earlier one may have been used up by what was deleted since.
                PassTurn::Confirmed if outcome != Outcome::Done && !(wakes && message.is_request()) => return Ok(()),
                PassTurn::Confirmed => return Ok(self.publish(Purpose::PassOn, next).await?),
                PassTurn::Pass(passing) => {
                    self.publish(Purpose::PassOn, next).await?;
                    passing.confirmed();
                    return Ok(());
                }
                // Confirmed, failed, or its worker is gone: in each case ask again.
                PassTurn::Wait(done) => match done.await {
                    Ok(()) | Err(_) => {}
                },
            }
        }
    }

    /// Forgets that the waiter of this message was answered: its target is missing again, and is asked for anew.
    pub(super) fn forget_answers(&self, message: &EntityMessage) {
        if let Some(Ok(key)) = continuation::wake_up(message, 0).map(|wake_up| wake_up_key(&wake_up)) {
            self.node.passed_on.forget(key);
        }
    }

    /// The messages to the children that a wave reaches.
    fn children(&self, message: &EntityMessage) -> Vec<(EntityMessage, Duration)> {
        let Base::Down(wave) = &message.base else { return Vec::new() };
        let mut messages = Vec::with_capacity(self.job.children.len());
        for child in &self.job.children {
            let child = &self.node.plan().job(*child).name;
            if wave.only.as_ref().is_none_or(|only| only.contains(child)) {
                let target = Target { job: child.clone(), entity: message.target.entity.clone() };
                let mut next = message.follow_up(self.node.next_id(), target);
                next.from = Some(message.target.clone());
                if self.is_made_anew && self.refresh(message).inputs {
                    next.refresh = Some(Refresh { exact: true, ..self.refresh(message).clone() });
                }
                messages.push((next, Duration::ZERO));
            }
        }
        messages
    }

    /// Publishes each message after its delay. Returns when all of them are confirmed.
    pub(super) async fn publish(
        &self,
        purpose: Purpose,
        messages: Vec<(EntityMessage, Duration)>,
    ) -> Result<(), BrokerError> {
        self.publish_marked(purpose, messages, false).await
    }

    /// The same. `suspect` where the work of the messages may end a process.
    pub(super) async fn publish_marked(
        &self,
        purpose: Purpose,
        messages: Vec<(EntityMessage, Duration)>,
        suspect: bool,
    ) -> Result<(), BrokerError> {
        if messages.is_empty() {
            return Ok(());
        }
        let mut outgoing = Vec::with_capacity(messages.len());
        for (message, delay) in messages {
            let from = message.from.clone();
            let message = match from {
                Some(at) => self.node.stamped(message, &at),
                None => message,
            };
            let message = Outgoing::of(&message).map_err(|error| BrokerError::Unconfirmed(error.to_string()))?;
            outgoing.push(Outgoing { delay, suspect, ..message });
        }
        let count = outgoing.len();
        reach("before_publish");
        self.node.settings.broker.publish(outgoing).await?;
        reach("after_publish");
        self.published(purpose, count);
        Ok(())
    }

    /// Publishes the message once more for later, unchanged. A negative acknowledgement would bring it back at once.
    pub(super) async fn park(&self, delivery: &Delivery, reason: ParkReason) -> Settled {
        let (delay, parks) = match reason {
            ParkReason::Trouble => (park_wait(delivery.parks), delivery.parks + 1),
            // The count is also how long a message of a newer version was waited for, which these short waits are not.
            ParkReason::Others => {
                (self.pool.put_off(delivery.parks), (delivery.parks + 1).min(LONGEST_AT.max(delivery.parks)))
            }
        };
        self.publish_copy(delivery, parks, delay).await
    }

    /// Publishes the message once more for whoever has a core for it. A negative acknowledgement would count as a delivery
    /// that came to nothing, after which the work is done in a child process.
    pub(super) async fn give_to_others(&self, delivery: &Delivery) -> Settled {
        self.publish_copy(delivery, delivery.parks, Duration::ZERO).await
    }

    async fn publish_copy(&self, delivery: &Delivery, parks: u32, delay: Duration) -> Settled {
        let (body, format, suspect) = (delivery.body.clone(), delivery.format.clone(), delivery.redelivered);
        let trace = delivery.trace;
        let copy = Outgoing { job: self.job.name.clone(), body, format, parks, delay, suspect, trace };
        self.node.settings.broker.publish(vec![copy]).await?;
        reach("parked");
        self.published(Purpose::Park, 1);
        Ok((Outcome::Parked, None))
    }

    pub(super) fn published(&self, purpose: Purpose, count: usize) {
        self.tell(&Event::Published { job: &self.job.name, purpose, count });
    }
}
