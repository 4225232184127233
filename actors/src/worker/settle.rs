//! Carries out a decision: publishes what follows from it, and says how the message ended.

use super::decision::{Decision, Settled};
use super::executor::Executor;
use crate::broker::{BrokerError, Delivery};
use crate::events::Purpose;
use crate::message::EntityMessage;
use crate::mutants::{Mutant, active};
use crate::outcome::{Outcome, Reason};

impl Executor {
    /// Carries out a decision. When this returns an outcome, everything that carries the message on is confirmed, and
    /// the message may be acknowledged.
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
            Decision::NotRecipient => Ok((Outcome::NotRecipient, None)),
            Decision::Park => self.park(delivery).await,
            Decision::Retry(wait, fault) => {
                let again = EntityMessage { attempt: message.attempt + 1, id: self.node.next_id(), ..message.clone() };
                self.publish(Purpose::Retry, vec![(again, wait)]).await?;
                Ok((Outcome::Retried, Some((Reason::Failed, fault.text))))
            }
            Decision::GiveUp(ending) => self.give_up(message, delivery, ending).await,
            Decision::Skip(ending, record) => self.skip(message, delivery, ending, record).await,
            Decision::ForwardFailure(failure) => {
                let why = (failure.reason, failure.text.clone());
                self.forward_failure(message, failure).await?;
                Ok((Outcome::UpstreamFailed, Some(why)))
            }
            Decision::GiveBack(text) => Err(BrokerError::Unconfirmed(text)),
        }
    }
}
