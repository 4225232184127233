//! The steps of one message: seen? inputs? claimed? work. Each early return is a decision.

use tokio::time::{Instant, timeout_at};

use super::claimed::{Claiming, release};
use super::decision::{Decision, Ending, Step};
use super::desk::{Desk, Trouble};
use super::outputs::Placed;
use super::work::Worked;
use crate::claims::Claim;
use crate::dedupe::Hold;
use crate::message::{Base, EntityMessage, Kind};
use crate::mutants::{Mutant, active};
use crate::outcome::{Outcome, Reason};
use crate::parent_trigger::Turn;
use crate::points::reach;
use crate::retry::Verdict;
use crate::state::{SkipRecord, StateStore};
use crate::storage::StorageErrorKind;
use crate::template::Parts;

/// The end of a walk through the steps: decided, or to be walked again when somebody else is further.
enum Walk {
    /// With the claim that is kept until the message is settled.
    Decided(Decision, Option<Claim>),
    WaitFor(Instant, tokio::sync::oneshot::Receiver<()>),
}

impl From<Decision> for Walk {
    fn from(decision: Decision) -> Self {
        Walk::Decided(decision, None)
    }
}

impl Desk {
    /// Decides what is to become of `message`; the work itself is done here, the telling is left to settling.
    pub async fn run(&mut self, message: &EntityMessage, isolate: bool) -> Step {
        if let Kind::Failed(failure) = &message.kind {
            self.node.asked.end(&message.target);
            return Decision::Tell(failure.clone()).free();
        }
        if !self.is_recipient(message) {
            return Decision::Ignore.free();
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
            if active(Mutant::DropInFlight)
                && matches!(self.node.in_flight.take(&message.target), crate::dedupe::Turn::Busy(_))
            {
                return Decision::HandOver.free();
            }
            let Some(hold) = self.hold(&message.target).await else { return Decision::Park.free() };
            match self.walk(message, &parts, isolate).await {
                Ok(Walk::Decided(decision, claim)) => return self.note_end(message, decision).under(hold, claim),
                Ok(Walk::WaitFor(until, answer)) => self.wait_for_answer(hold, until, answer).await,
                Err(trouble) => return self.judge_trouble(&trouble).under(hold, None),
            }
        }
    }

    async fn walk(&mut self, message: &EntityMessage, parts: &Parts<'_>, isolate: bool) -> Result<Walk, Trouble> {
        loop {
            let placed = match self.seen(message, parts).await? {
                Placed::Fresh => return Ok(Decision::PassOn(Outcome::Exists).into()),
                Placed::Lacking(stamps) => stamps,
            };
            let inputs = match self.look_at_inputs(message, parts).await? {
                Ok(inputs) => inputs,
                Err(ending) => return Ok(Decision::GiveUp(ending).into()),
            };
            if inputs.iter().any(|input| !input.there) {
                return self.ask_parents(message, &inputs).await;
            }
            let (claim, placed) = match self.claim(message, parts, placed).await? {
                Claiming::Won(claim, placed) => (claim, placed),
                Claiming::Exists => return Ok(Decision::PassOn(Outcome::Exists).into()),
                Claiming::Held => return Ok(Decision::Park.into()),
            };
            if let Some(verdict) = self.standing_verdict(message).await? {
                return Ok(Walk::Decided(verdict, claim));
            }
            match self.work(message, parts, inputs, placed, isolate).await? {
                Worked::Done => {
                    release(claim).await; // who waits for it finds the output
                    return Ok(Decision::PassOn(Outcome::Done).into());
                }
                Worked::NewerInPlace | Worked::InputVanished(1) => release(claim).await,
                Worked::InputVanished(2) => return Ok(Walk::Decided(Decision::Park, claim)),
                Worked::InputVanished(_) => {
                    let text = "an input was seen three times and could not be read; look at its store";
                    return Ok(Walk::Decided(Decision::GiveUp(Ending::new(Reason::InputUnreadable, text)), claim));
                }
                Worked::Fault(fault) => {
                    let decision = match self.job.retry.judge(message.attempt, &fault, message.id) {
                        Verdict::Again(wait) => Decision::Again(wait, fault),
                        Verdict::Permanent(reason) => Decision::GiveUp(Ending::of_fault(reason, fault)),
                        Verdict::Skip => Decision::Skip(Ending::of_fault(Reason::Declined, fault), None),
                    };
                    return Ok(Walk::Decided(decision, claim));
                }
            }
        }
    }

    /// A wave goes to its origins and to what it may reach; requests and wake-ups are always for whom they name.
    fn is_recipient(&self, message: &EntityMessage) -> bool {
        match &message.base {
            Base::Down(wave) if message.is_wave() => {
                let name = &self.job.name;
                wave.origins.contains(name) || wave.only.as_ref().is_none_or(|only| only.contains(name))
            }
            _ => true,
        }
    }

    /// Asks for what is missing, unless somebody owes us a wake-up that will find it, or another continuation asked.
    async fn ask_parents(&self, message: &EntityMessage, inputs: &[super::inputs::Seen]) -> Result<Walk, Trouble> {
        let asking = match self.asking(message, inputs) {
            Ok(asking) => asking,
            Err(decision) => return Ok(decision.into()),
        };
        let continuation = crate::parent_trigger::frames::continuation(message);
        let seat = self.room.seat();
        match self.node.asked.turn(&message.target, continuation, seat.is_some()) {
            Turn::Ask => {}
            Turn::Wait(until, answer) => return Ok(Walk::WaitFor(until, answer)),
            Turn::Full => return Ok(Decision::Park.into()),
        }
        Ok(self.request(message, asking).await.into())
    }

    /// The hold is let go meanwhile: the wake-up that brings the answer needs it.
    async fn wait_for_answer(&self, hold: Hold, until: Instant, answer: tokio::sync::oneshot::Receiver<()>) {
        drop(hold);
        let _seat = self.room.seat();
        // Answered, given up or run out: in each case the steps are walked again.
        match timeout_at(until, answer).await {
            Ok(Ok(()) | Err(_)) | Err(_) => {}
        }
    }

    /// A failure of this run that this node remembers while its record stands, or a skip that stands.
    async fn standing_verdict(&self, message: &EntityMessage) -> Result<Option<Decision>, Trouble> {
        let state: &StateStore = &self.node.settings.state;
        if message.resumed {
            // Somebody wants it tried again, and its letter stays until that has ended.
            self.node.verdicts.forget(message.run, &message.target);
        }
        if let Some(failure) = self.node.verdicts.of(message.run, &message.target) {
            if state.has(&failure.record).await? {
                let ending = Ending::new(failure.reason, failure.text.clone());
                return Ok(Some(match failure.reason.is_skip() {
                    true => Decision::Skip(ending, Some(failure.record.clone())),
                    false => Decision::GiveUp(ending),
                }));
            }
            self.node.verdicts.forget(message.run, &message.target);
        }
        if message.force.names(&self.job.name) {
            return Ok(None);
        }
        let standing: Option<SkipRecord> = state.skip_of(&message.target, self.job.settings).await?;
        Ok(standing.map(|skip| {
            Decision::Skip(Ending::new(skip.reason, skip.text), Some(StateStore::skip_key(&message.target)))
        }))
    }

    /// An output, a failure or a skip answers everybody who asked for this target.
    fn note_end(&self, message: &EntityMessage, decision: Decision) -> Decision {
        if matches!(decision, Decision::PassOn(_)) {
            self.node.asked.end(&message.target);
            self.note_trouble(None);
        }
        reach("decided");
        decision
    }

    fn judge_trouble(&self, trouble: &Trouble) -> Decision {
        if trouble.kind == StorageErrorKind::BadKey {
            return Decision::GiveUp(Ending::new(Reason::BadKey, trouble.to_string()));
        }
        self.note_trouble(Some(trouble));
        Decision::Park
    }
}
