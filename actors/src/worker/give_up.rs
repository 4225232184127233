//! Ends a target without an output: a record first, then the news to the waiter.

use std::{sync::Arc, time::Duration};

use super::decision::{Ending, Settled};
use super::executor::Executor;
use crate::broker::{BrokerError, Delivery};
use crate::continuation;
use crate::events::Purpose;
use crate::message::{EntityMessage, Failure};
use crate::mutants::{Mutant, active};
use crate::outcome::{Outcome, Reason};
use crate::points::reach;
use crate::state::{DeadLetter, GivenUp, SkipRecord};
use crate::storage::StorageError;

impl Executor {
    /// A failure for good. The message is settled after the dead letter is kept and the waiter is told.
    pub(super) async fn give_up(&self, message: &EntityMessage, delivery: &Delivery, ending: Ending) -> Settled {
        let Ending { reason, text, stderr, about } = ending;
        let letter = DeadLetter { stderr, about, ..DeadLetter::of_work(message, self.given_up(reason, text.clone())) };
        reach("before_letter");
        let record = match self.node.settings.state.keep_letter(&letter).await {
            Ok(record) => record,
            Err(error) => return self.park_for(delivery, &error).await,
        };
        reach("after_letter");
        self.end(message, reason, text, record, Outcome::Dead).await
    }

    /// A skip travels like a failure, with its own reason and record.
    pub(super) async fn skip(
        &self,
        message: &EntityMessage,
        delivery: &Delivery,
        ending: Ending,
        old: Option<String>,
    ) -> Settled {
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

    /// What each dead letter of this worker says.
    pub(super) fn given_up(&self, reason: Reason, text: String) -> GivenUp<'_> {
        let settings = &self.node.settings;
        GivenUp { job: &self.job.name, node: &settings.name, millis: (settings.clock)(), reason, text }
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
        self.node.failures.keep(message.run, failure.clone());
        self.node.pending_requests.end(&message.target);
        self.forward_failure(message, failure).await?;
        Ok((outcome, Some((reason, text))))
    }

    /// Tells the waiter of a failure, if there is one.
    pub(super) async fn forward_failure(
        &self,
        message: &EntityMessage,
        failure: Arc<Failure>,
    ) -> Result<(), BrokerError> {
        if active(Mutant::TellNoWaiter) {
            return Ok(());
        }
        match continuation::bad_news(message, self.node.next_id(), failure) {
            Some(news) => self.publish(Purpose::Failure, vec![(news, Duration::ZERO)]).await,
            None => Ok(()),
        }
    }

    /// The record could not be kept, so the message must not be acknowledged as ended: it waits.
    async fn park_for(&self, delivery: &Delivery, error: &StorageError) -> Settled {
        self.note_storage(Some(error));
        self.park(delivery).await
    }
}
