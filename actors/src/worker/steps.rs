//! The steps of one message: seen? inputs? claimed? work. Each early return is a decision.

use tokio::{sync::oneshot, time::Instant};

use super::claim::{ClaimResult, release};
use super::decision::{Decision, Ending, HeldDecision};
use super::executor::{Executor, SharedStorageError};
use super::outputs::OutputState;
use super::requests::Asked;
use super::work::Worked;
use crate::claims::Claim;
use crate::memory::HoldTurn;
use crate::message::{Base, EntityMessage, Kind};
use crate::mutants::{Mutant, active};
use crate::outcome::{Outcome, Reason};
use crate::points::reach;
use crate::retry::RetryDecision;
use crate::state::{SkipRecord, StateStore};
use crate::storage::StorageErrorKind;
use crate::template::Parts;

/// How far one walk through the steps came.
enum Progress {
    /// With the claim that is kept until the message is settled.
    Decided(Decision, Option<Claim>),
    /// Nothing to decide yet: the steps start again after the answer, or at this moment.
    WaitFor(Instant, oneshot::Receiver<()>),
}

impl From<Decision> for Progress {
    fn from(decision: Decision) -> Self {
        Progress::Decided(decision, None)
    }
}

impl Executor {
    /// Decides what is to become of `message`. The work itself is done here; other messages are left to settling.
    pub(super) async fn decide(&mut self, message: &EntityMessage, isolate: bool) -> HeldDecision {
        if let Kind::Failed(failure) = &message.kind {
            self.node.pending_requests.end(&message.target);
            return Decision::ForwardFailure(failure.clone()).free();
        }
        if !self.is_recipient(message) {
            return Decision::NotRecipient.free();
        }
        if message.ping {
            return Decision::PassOn(Outcome::Ping).free();
        }
        let entity = message.target.entity.clone();
        let Some(parts) = self.job.form.split(&entity) else {
            let text = format!("`{entity}` does not have the form `{}` of job `{}`", self.job.form, self.job.name);
            return Decision::GiveUp(Ending::new(Reason::BadId, text)).free();
        };
        loop {
            if active(Mutant::DropInFlight) && matches!(self.node.in_flight.take(&message.target), HoldTurn::Busy(_)) {
                return Decision::HandOver.free();
            }
            let Some(hold) = self.hold(&message.target).await else { return Decision::Park.free() };
            match self.walk(message, &parts, isolate).await {
                Ok(Progress::Decided(decision, claim)) => return self.note_end(message, decision).under(hold, claim),
                Ok(Progress::WaitFor(until, answer)) => self.wait_for_answer(hold, until, answer).await,
                Err(error) => return self.judge_storage(&error).under(hold, None),
            }
        }
    }

    async fn walk(
        &mut self,
        message: &EntityMessage,
        parts: &Parts<'_>,
        isolate: bool,
    ) -> Result<Progress, SharedStorageError> {
        loop {
            let stamps = match self.seen(message, parts).await? {
                OutputState::Fresh => return Ok(Decision::PassOn(Outcome::Exists).into()),
                OutputState::Missing(stamps) => stamps,
            };
            let inputs = match self.look_at_inputs(message, parts).await? {
                Ok(inputs) => inputs,
                Err(ending) => return Ok(Decision::GiveUp(ending).into()),
            };
            if inputs.iter().any(|input| !input.there) {
                return Ok(match self.ask_parents(message, &inputs).await {
                    Asked::Decided(decision) => decision.into(),
                    Asked::WaitFor(until, answer) => Progress::WaitFor(until, answer),
                });
            }
            let (claim, stamps) = match self.claim(message, parts, stamps).await? {
                ClaimResult::Won(claim, stamps) => (claim, stamps),
                ClaimResult::Exists => return Ok(Decision::PassOn(Outcome::Exists).into()),
                ClaimResult::Held => return Ok(Decision::Park.into()),
            };
            if let Some(decision) = self.known_end(message).await? {
                return Ok(Progress::Decided(decision, claim));
            }
            match self.work(message, parts, inputs, stamps, isolate).await? {
                Worked::Done => {
                    release(claim).await; // a node that waits for the claim finds the output
                    return Ok(Decision::PassOn(Outcome::Done).into());
                }
                Worked::NewerInPlace | Worked::InputVanished(1) => release(claim).await,
                Worked::InputVanished(2) => return Ok(Progress::Decided(Decision::Park, claim)),
                Worked::InputVanished(_) => {
                    let text = "an input was seen three times and could not be read; look at its store";
                    return Ok(Progress::Decided(Decision::GiveUp(Ending::new(Reason::InputUnreadable, text)), claim));
                }
                Worked::Fault(fault) => {
                    let decision = match self.job.retry.judge(message.attempt, &fault, message.id) {
                        RetryDecision::Again(wait) => Decision::Retry(wait, fault),
                        RetryDecision::Permanent(reason) => Decision::GiveUp(Ending::of_fault(reason, fault)),
                        RetryDecision::Skip => Decision::Skip(Ending::of_fault(Reason::Declined, fault), None),
                    };
                    return Ok(Progress::Decided(decision, claim));
                }
            }
        }
    }

    /// A wave is for its origins and for what it may reach. Requests and wake-ups are always for the job that they name.
    fn is_recipient(&self, message: &EntityMessage) -> bool {
        match &message.base {
            Base::Down(wave) if message.is_wave() => {
                let name = &self.job.name;
                wave.origins.contains(name) || wave.only.as_ref().is_none_or(|only| only.contains(name))
            }
            _ => true,
        }
    }

    /// How the target ended before, where that still holds: a failure of this run whose record is there, or a skip.
    async fn known_end(&self, message: &EntityMessage) -> Result<Option<Decision>, SharedStorageError> {
        let state: &StateStore = &self.node.settings.state;
        if message.resumed {
            // `runs resume` asks for another try. The old dead letter stays until that try has ended.
            self.node.failures.forget(message.run, &message.target);
        }
        if let Some(failure) = self.node.failures.of(message.run, &message.target) {
            if state.has(&failure.record).await? {
                let ending = Ending::new(failure.reason, failure.text.clone());
                return Ok(Some(match failure.reason.is_skip() {
                    true => Decision::Skip(ending, Some(failure.record.clone())),
                    false => Decision::GiveUp(ending),
                }));
            }
            self.node.failures.forget(message.run, &message.target);
        }
        if message.force.names(&self.job.name) {
            return Ok(None);
        }
        let skip: Option<SkipRecord> = state.skip_of(&message.target, self.job.settings).await?;
        Ok(skip.map(|skip| {
            Decision::Skip(Ending::new(skip.reason, skip.text), Some(StateStore::skip_key(&message.target)))
        }))
    }

    /// An output answers all requests for this target.
    fn note_end(&self, message: &EntityMessage, decision: Decision) -> Decision {
        if matches!(decision, Decision::PassOn(_)) {
            self.node.pending_requests.end(&message.target);
            self.note_storage(None);
        }
        reach("decided");
        decision
    }

    /// A key that its store can never hold is permanent. Every other error of a store may pass: the message waits.
    fn judge_storage(&self, error: &SharedStorageError) -> Decision {
        if error.kind == StorageErrorKind::BadKey {
            return Decision::GiveUp(Ending::new(Reason::BadKey, error.to_string()));
        }
        self.note_storage(Some(error));
        Decision::Park
    }
}
