//! Ends a target without an output: a record first, then the news to the waiter.

use std::sync::Arc;

use super::decision::{CarryError, Ending, ParkReason, Settled};
use super::executor::Executor;
use crate::broker::Delivery;
use crate::message::{EntityMessage, Failure};
use crate::outcome::{Outcome, Reason};
use crate::points::reach;
use crate::state::{DeadLetter, GivenUp, SkipRecord};
use crate::storage::StorageError;

impl Executor {
    /// A failure for good. The message is settled after the dead letter is kept and the waiter is told.
    pub(super) async fn give_up(&self, message: &EntityMessage, delivery: &Delivery, ending: Ending) -> Settled {
        let Ending { reason, text, stderr, about, worked } = ending;
        let letter = DeadLetter { stderr, about, ..DeadLetter::of_work(message, self.given_up(reason, text.clone())) };
        reach("before_letter");
        let mut patience = self.patience();
        let record = loop {
            match self.node.settings.state.keep_letter(&letter).await {
                Ok(record) => break record,
                Err(error) if worked && self.waits_for(&error, &mut patience).await => {}
                Err(error) => return self.park_for(delivery, &error).await,
            }
        };
        reach("after_letter");
        self.end(message, delivery, (reason, text), record, Outcome::Dead).await
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
                let mut patience = self.patience();
                let skip = SkipRecord {
                    run: message.run,
                    job: self.job.name.clone(),
                    entity: message.target.entity.clone(),
                    reason: ending.reason,
                    text: ending.text.clone(),
                    settings: self.job.settings,
                    recipe: self.node.plan().recipe(self.at).map(str::to_owned),
                    inputs: Some(self.read.clone()),
                    millis: (self.node.settings.clock)(),
                };
                reach("before_skip");
                loop {
                    match self.node.settings.state.keep_skip(&skip).await {
                        Ok(record) => break record,
                        Err(error) if self.waits_for(&error, &mut patience).await => {}
                        Err(error) => return self.park_for(delivery, &error).await,
                    }
                }
            }
        };
        reach("after_skip");
        self.end(message, delivery, (ending.reason, ending.text), record, Outcome::Skipped).await
    }

    /// What each dead letter of this worker says.
    pub(super) fn given_up(&self, reason: Reason, text: String) -> GivenUp<'_> {
        let settings = &self.node.settings;
        GivenUp { job: &self.job.name, node: &settings.name, millis: (settings.clock)(), reason, text }
    }

    async fn end(
        &self,
        message: &EntityMessage,
        delivery: &Delivery,
        (reason, text): (Reason, String),
        record: String,
        outcome: Outcome,
    ) -> Settled {
        let failure = Arc::new(Failure { target: message.target.clone(), reason, text: short(&text), record });
        self.node.failures.keep(message.run, failure.clone());
        self.node.pending_requests.end(&message.target);
        match self.forward_failure(message, failure).await {
            Ok(()) => Ok((outcome, Some((reason, text)))),
            Err(error) => self.not_carried(delivery, error).await,
        }
    }

    /// What follows could not be published, so the message goes back to its queue; or a record of it could not be kept, so
    /// it waits.
    pub(super) async fn not_carried(&self, delivery: &Delivery, error: CarryError) -> Settled {
        match error {
            CarryError::Broker(error) => Err(error),
            CarryError::State(error) => self.park_for(delivery, &error).await,
        }
    }

    /// The record could not be kept, so the message must not be acknowledged as ended: it waits.
    pub(super) async fn park_for(&self, delivery: &Delivery, error: &StorageError) -> Settled {
        self.note_storage(Some(error));
        self.park(delivery, ParkReason::Trouble).await
    }
}

/// The most bytes of a sentence that travel with the news of a failure: a message has a limit, and a transform's text has none.
/// The record has all of it.
const MOST_TEXT: usize = 2048;

fn short(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= MOST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
