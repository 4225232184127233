//! The life of one message: it arrives, is decided on, is settled, and only then is acknowledged.

use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument;

use super::claim::release;
use super::decision::{Decision, HeldDecision, ParkReason, Settled};
use super::executor::Executor;
use super::in_work::InWork;
use super::pause::Allowance;
use super::stopwatch::Stopwatch;
use crate::broker::{BrokerError, Delivery};
use crate::events::{Event, Purpose};
use crate::message::EntityMessage;
use crate::mutants::{Mutant, active};
use crate::outcome::{FaultKind, Outcome};
use crate::points::reach;
use crate::work_span::work_span;

/// How long a worker waits before it takes the next message when the broker did not confirm.
const UNCONFIRMED_WAIT: Duration = Duration::from_millis(500);

impl Executor {
    /// Brings one delivery to its outcome, within what the pool allows.
    pub(super) async fn handle(&mut self, mut delivery: Delivery, allowance: &Allowance) {
        (self.arrived, self.parks) = (Instant::now(), delivery.parks);
        (self.stopwatch, self.span) = (None, None);
        match self.arrive(&delivery).await {
            Err(settled) => {
                self.turn = None; // taken for the message, whose work does not begin here
                self.conclude(Some(delivery), None, settled).await;
            }
            Ok(mut message) => {
                reach("arrived");
                self.begin_span(&mut message, &mut delivery);
                let span = work_span(&message.target.job, &message.target.entity, message.run, message.attempt);
                self.carry_out(delivery, &message, allowance).instrument(span).await;
            }
        }
    }

    /// Decides on a message and settles it.
    async fn carry_out(&mut self, delivery: Delivery, message: &EntityMessage, allowance: &Allowance) {
        let (redelivered, copy) = (delivery.redelivered, delivery.copy());
        let mut delivery = Some(delivery);
        let isolate = self.node.settings.isolate || redelivered;
        if active(Mutant::AckOnReceipt) {
            delivery.take().into_iter().for_each(Delivery::ack);
        }
        let HeldDecision { decision, claim, hold } = self.decide(message, isolate).await;
        self.turn = None;
        self.note_machine(allowance, &decision);
        let settled = self.settle(message, delivery.as_ref().unwrap_or(&copy), decision).await;
        release(claim).await; // before the hold: the next holder on this node claims as well
        drop(hold);
        self.conclude(delivery, Some(message), settled).await;
    }

    /// Acknowledges what is settled, and tells of it. What is not goes back to its queue.
    async fn conclude(&mut self, delivery: Option<Delivery>, message: Option<&EntityMessage>, settled: Settled) {
        let job = self.job.name.clone();
        let times = self.stopwatch.take().map(Stopwatch::published);
        if let Some(times) = times {
            self.tell(&Event::Worked { job: &job, times });
        }
        self.end_span(message, delivery.as_ref(), &settled, times);
        match settled {
            Ok((outcome, why)) => {
                reach("before_ack");
                delivery.into_iter().for_each(Delivery::ack);
                reach("after_ack");
                self.in_work.take().into_iter().for_each(InWork::settled);
                let why = why.as_ref().map(|(reason, text)| (*reason, text.as_str()));
                self.tell(&Event::Handled { job: &job, message, outcome, why, took: self.arrived.elapsed() });
            }
            Err(error) => {
                self.in_work.take().into_iter().for_each(InWork::settled);
                self.tell(&Event::Unconfirmed { job: &job, message, text: &error.to_string() });
                tokio::time::sleep(UNCONFIRMED_WAIT).await;
                drop(delivery); // unsettled: back to its queue
            }
        }
    }

    /// Carries out a decision. When this returns an outcome, everything that carries the message on is confirmed, and
    /// the message may be acknowledged.
    async fn settle(&self, message: &EntityMessage, delivery: &Delivery, decision: Decision) -> Settled {
        match decision {
            Decision::PassOn(outcome) => {
                if active(Mutant::PassOnBeforeWrite) && outcome == Outcome::Done {
                    return Ok((outcome, None));
                }
                match self.pass_on(message, outcome).await {
                    Ok(()) => Ok((outcome, None)),
                    Err(error) => self.not_carried(delivery, error).await,
                }
            }
            Decision::Requested => Ok((Outcome::Requested, None)),
            Decision::HandOver => Ok((Outcome::HandedOver, None)),
            Decision::NotRecipient => Ok((Outcome::NotRecipient, None)),
            Decision::Park(reason) => self.park(delivery, reason).await,
            Decision::Return => self.give_to_others(delivery).await,
            Decision::Pause(_) => self.park(delivery, ParkReason::Trouble).await,
            Decision::Retry(wait, fault) => {
                let (attempt, id, trace) = (message.attempt + 1, self.node.next_id(), delivery.trace);
                let again = EntityMessage { attempt, id, trace, ..message.clone() };
                let suspect = delivery.redelivered || fault.kind == FaultKind::Killed;
                self.node.next_tries.note(&again, wait);
                self.publish_marked(Purpose::Retry, vec![(again, wait)], suspect).await?;
                Ok((Outcome::Retried, Some((fault.kind.reason(), fault.text))))
            }
            Decision::GiveUp(ending) => self.give_up(message, delivery, ending).await,
            Decision::Skip(ending, record) => self.skip(message, delivery, ending, record).await,
            Decision::ForwardFailure(failure) => {
                let why = (failure.reason, failure.text.clone());
                match self.forward_failure(message, failure).await {
                    Ok(()) => Ok((Outcome::UpstreamFailed, Some(why))),
                    Err(error) => self.not_carried(delivery, error).await,
                }
            }
            Decision::GiveBack(text) => Err(BrokerError::Unconfirmed(text)),
        }
    }
}
