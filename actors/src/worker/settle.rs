//! Publish, then settle: the message is acked only after everything that carries it on is confirmed.

use std::{sync::Arc, time::Duration};

use super::decision::{Decision, Ending};
use super::desk::Desk;
use super::passed_on::{Turn, wake_up_key, wave_key};
use crate::broker::{BrokerError, Delivery, Outgoing};
use crate::events::{Event, Purpose};
use crate::message::{Base, EntityMessage, Failure, Target};
use crate::mutants::{Mutant, active};
use crate::outcome::{Outcome, Reason};
use crate::parent_trigger::frames;
use crate::points::reach;
use crate::retry::park_wait;
use crate::state::{DeadLetter, SkipRecord};
use crate::storage::StorageError;
use crate::wire;

/// What settling concluded: the outcome and its reason, or that the message goes back to its queue.
pub(super) type Settled = Result<(Outcome, Option<(Reason, String)>), BrokerError>;

impl Desk {
    /// Carries out a decision. On an error the delivery must go back: nothing was settled.
    pub(super) async fn settle(&self, message: &EntityMessage, delivery: &Delivery, decision: Decision) -> Settled {
        match decision {
            Decision::PassOn(outcome) => {
                if !(active(Mutant::PassOnBeforeWrite) && outcome == Outcome::Done) {
                    self.pass_on(message, outcome).await?;
                }
                Ok((outcome, None))
            }
            Decision::Requested => Ok((Outcome::Requested, None)),
            Decision::HandOver => Ok((Outcome::HandedOver, None)),
            Decision::Ignore => Ok((Outcome::NotRecipient, None)),
            Decision::Park => self.park(delivery).await,
            Decision::Again(wait, fault) => {
                let again = EntityMessage { attempt: message.attempt + 1, id: self.node.next_id(), ..message.clone() };
                self.publish(Purpose::Retry, vec![(again, wait)]).await?;
                Ok((Outcome::Retried, Some((Reason::Failed, fault.text))))
            }
            Decision::GiveUp(ending) => self.give_up(message, delivery, ending).await,
            Decision::Skip(ending, record) => self.skip(message, delivery, ending, record).await,
            Decision::Tell(failure) => {
                let why = (failure.reason, failure.text.clone());
                self.tell_waiter(message, failure).await?;
                Ok((Outcome::UpstreamFailed, Some(why)))
            }
            Decision::Return(text) => Err(BrokerError::Unconfirmed(text)),
        }
    }

    /// Wakes who waits; else tells the children, if this is a wave.
    pub(super) async fn pass_on(&self, message: &EntityMessage, outcome: Outcome) -> Result<(), BrokerError> {
        let wake_up = frames::wake_up(message, self.node.next_id());
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
                // Who asks anew is answered anew: the earlier answer may have been spent on what was deleted since.
                Turn::Confirmed if outcome != Outcome::Done && !(wakes && message.is_request()) => return Ok(()),
                Turn::Confirmed => return self.publish(Purpose::PassOn, next).await,
                Turn::Pass(passing) => {
                    self.publish(Purpose::PassOn, next).await?;
                    passing.confirmed();
                    return Ok(());
                }
                // Confirmed, failed, or its worker is gone: in each case ask again.
                Turn::Wait(done) => match done.await {
                    Ok(()) | Err(_) => {}
                },
            }
        }
    }

    /// Forgets that the waiter of this message was answered: its target is missing again, and is asked for anew.
    pub(super) fn forget_answers(&self, message: &EntityMessage) {
        if let Some(Ok(key)) = frames::wake_up(message, 0).map(|wake_up| wake_up_key(&wake_up)) {
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

    /// Dead letter first, then the news to who waits; the message is settled after both.
    async fn give_up(&self, message: &EntityMessage, delivery: &Delivery, ending: Ending) -> Settled {
        let letter = DeadLetter {
            run: Some(message.run),
            job: self.job.name.clone(),
            entity: message.target.entity.to_string(),
            reason: ending.reason,
            text: ending.text.clone(),
            stderr: ending.stderr,
            tries: message.attempt + 1,
            millis: (self.node.settings.clock)(),
            node: self.node.settings.name.to_string(),
            about: ending.about,
            message: Some(EntityMessage { attempt: 0, ..message.clone() }),
            body: None,
            content_type: None,
            envelope: None,
        };
        reach("before_letter");
        let record = match self.node.settings.state.keep_letter(&letter).await {
            Ok(record) => record,
            Err(error) => return self.park_for(delivery, &error).await,
        };
        reach("after_letter");
        self.end(message, ending.reason, ending.text, record, Outcome::Dead).await
    }

    /// A skip travels like a failure, with its own reason and record.
    async fn skip(&self, message: &EntityMessage, delivery: &Delivery, ending: Ending, old: Option<String>) -> Settled {
        let record = match old {
            Some(record) => record,
            None => {
                let skip = SkipRecord {
                    run: message.run,
                    job: self.job.name.clone(),
                    entity: message.target.entity.clone(),
                    reason: ending.reason,
                    text: ending.text.clone(),
                    settings: self.job.settings,
                    millis: (self.node.settings.clock)(),
                };
                reach("before_skip");
                match self.node.settings.state.keep_skip(&skip).await {
                    Ok(record) => record,
                    Err(error) => return self.park_for(delivery, &error).await,
                }
            }
        };
        reach("after_skip");
        self.end(message, ending.reason, ending.text, record, Outcome::Skipped).await
    }

    async fn end(
        &self,
        message: &EntityMessage,
        reason: Reason,
        text: String,
        record: String,
        outcome: Outcome,
    ) -> Settled {
        let failure = Arc::new(Failure { target: message.target.clone(), reason, text: text.clone(), record });
        self.node.verdicts.keep(message.run, failure.clone());
        self.node.asked.end(&message.target);
        self.tell_waiter(message, failure).await?;
        Ok((outcome, Some((reason, text))))
    }

    async fn tell_waiter(&self, message: &EntityMessage, failure: Arc<Failure>) -> Result<(), BrokerError> {
        if active(Mutant::TellNoWaiter) {
            return Ok(());
        }
        match frames::bad_news(message, self.node.next_id(), failure) {
            Some(news) => self.publish(Purpose::Failure, vec![(news, Duration::ZERO)]).await,
            None => Ok(()),
        }
    }

    async fn park_for(&self, delivery: &Delivery, error: &StorageError) -> Settled {
        self.note_trouble(Some(error));
        self.park(delivery).await
    }

    /// A copy to a later time, unchanged; never a negative acknowledgement in order to wait.
    pub(super) async fn park(&self, delivery: &Delivery) -> Settled {
        let later = Outgoing {
            job: self.job.name.clone(),
            body: delivery.body.clone(),
            writing: delivery.writing.clone(),
            parks: delivery.parks + 1,
            delay: park_wait(delivery.parks),
        };
        self.node.settings.broker.publish(vec![later]).await?;
        reach("parked");
        self.published(Purpose::Park, 1);
        Ok((Outcome::Parked, None))
    }

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

    pub(super) fn published(&self, purpose: Purpose, count: usize) {
        self.tell(&Event::Published { job: &self.job.name, purpose, count });
    }
}
