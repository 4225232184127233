//! Passes a target that is done on: wakes the waiter, or sends the entity to the children.

use std::time::Duration;

use super::executor::Executor;
use crate::broker::BrokerError;
use crate::continuation;
use crate::events::Purpose;
use crate::memory::{PassTurn, wake_up_key, wave_key};
use crate::message::{Base, EntityMessage, Target};
use crate::outcome::Outcome;

impl Executor {
    /// Wakes the waiter, if there is one; otherwise, in a wave, tells the children.
    pub(super) async fn pass_on(&self, message: &EntityMessage, outcome: Outcome) -> Result<(), BrokerError> {
        let wake_up = continuation::wake_up(message, self.node.next_id());
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
                PassTurn::Confirmed => return self.publish(Purpose::PassOn, next).await,
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
                messages.push((next, Duration::ZERO));
            }
        }
        messages
    }
}
