//! Waiters whose job the graph has no more: a dead letter instead of a message that no queue takes.
//!
//! A broker refuses a message for a job that it has no queue for, now and for ever. So a target that waits in a frame and
//! whose job is gone gets a dead letter `unknown_job`, which holds all that a retry needs once the job is back, and who waits
//! behind it is told.

use std::{sync::Arc, time::Duration};

use super::decision::CarryError;
use super::executor::Executor;
use crate::continuation;
use crate::events::Purpose;
use crate::message::{EntityMessage, Failure, Kind, Target};
use crate::mutants::{Mutant, active};
use crate::outcome::Reason;
use crate::state::DeadLetter;

impl Executor {
    /// Whether the graph has the job of a target.
    pub(super) fn knows(&self, target: &Target) -> bool {
        self.node.plan().find(target.job.as_str()).is_some()
    }

    /// Tells the nearest waiter of a failure, if there is one. Waiters of unknown jobs on the way get their dead letters.
    pub(super) async fn forward_failure(
        &self,
        message: &EntityMessage,
        failure: Arc<Failure>,
    ) -> Result<(), CarryError> {
        if active(Mutant::TellNoWaiter) {
            return Ok(());
        }
        let mut news = continuation::bad_news(message, self.node.next_id(), failure.clone());
        while let Some(told) = news {
            if self.knows(&told.target) {
                return Ok(self.publish(Purpose::Failure, vec![(told, Duration::ZERO)]).await?);
            }
            let Failure { target, reason, text, .. } = &*failure;
            self.bury_waiter(&told, &format!("it waited for {target}, which ended: {reason}: {text}")).await?;
            news = continuation::bad_news(&told, self.node.next_id(), failure.clone());
        }
        Ok(())
    }

    /// Buries the waiter that `wake_up` would wake, and tells who waits behind it.
    pub(super) async fn give_up_waiter(&self, wake_up: &EntityMessage) -> Result<(), CarryError> {
        let failure = self.bury_waiter(wake_up, "all that it asked for is there").await?;
        self.forward_failure(wake_up, Arc::new(failure)).await
    }

    /// Keeps the dead letter of a target of an unknown job: a message that asks for it once more.
    async fn bury_waiter(&self, message: &EntityMessage, why: &str) -> Result<Failure, CarryError> {
        let target = message.target.clone();
        let text = format!("no job named `{}` in this graph; {why}", target.job);
        let work = EntityMessage { kind: Kind::Work, ..message.clone() };
        let mut letter = DeadLetter::of_message(work, self.given_up(Reason::UnknownJob, text.clone()));
        letter.job = target.job.clone();
        let record = self.node.settings.state.keep_letter(&letter).await?;
        tracing::error!(job = %target.job, entity = %target.entity, "dead: unknown_job: {text}");
        Ok(Failure { target, reason: Reason::UnknownJob, text, record })
    }
}
