//! The steps of one message: seen? inputs? begin (a core, the claim), work. Each early return is a decision.

use tokio::{sync::oneshot, time::Instant};

use super::awaited::Awaited;
use super::claim::{ClaimResult, release};
use super::decision::{Decision, Ending, HeldDecision, ParkReason};
use super::executor::{Executor, SharedStorageError};
use super::outputs::OutputState;
use super::requests::Asked;
use super::work::Worked;
use crate::claims::Claim;
use crate::events::Event;
use crate::ids::EntityId;
use crate::memory::HoldTurn;
use crate::message::{Base, EntityMessage, Kind};
use crate::mutants::{Mutant, active};
use crate::outcome::{Fault, FaultKind, Outcome, Reason};
use crate::points::reach;
use crate::retry::RetryDecision;
use crate::standing::standing_skip;
use crate::state::{SkipRecord, StateStore};
use crate::storage::{Stamp, StorageErrorKind};
use crate::template::Parts;
use crate::turns::Turn;

/// How often trouble of the machine strikes a work on this node before it is asked whether other work goes well.
const OFTEN: u32 = 12;

/// How often work begins anew at once because a source was replaced while it was read. After that it is a failed try.
const MOST_CHANGES: u32 = 2;

/// What work begins with.
struct Begun {
    /// The core, where jobs share them.
    turn: Option<Turn>,
    /// The claim, where one is needed.
    claim: Option<Claim>,
    /// The stamps that lie under the keys of the outputs.
    stamps: Vec<Option<Stamp>>,
}

/// Whether work begins.
enum Beginning {
    Begun(Begun),
    /// It does not, and the message is decided on, under this claim.
    Decided(Decision, Option<Claim>),
}

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
        let mut awaited = Awaited::after(self.parks);
        loop {
            if active(Mutant::DropInFlight) && matches!(self.node.in_flight.take(&message.target), HoldTurn::Busy(_)) {
                return Decision::HandOver.free();
            }
            let hold = match self.hold(&message.target).await {
                Ok(hold) => hold,
                Err(decision) => return decision.free(),
            };
            let progress = self.walk(message, &parts, isolate, &awaited).await;
            if let (Some(took), true) = (awaited.took(), !matches!(progress, Ok(Progress::WaitFor(..)))) {
                self.tell(&Event::Awaited { job: &self.job.name, message, took });
            }
            match progress {
                Ok(Progress::Decided(decision, claim)) => {
                    let decision = self.unless_dropped(message, decision).await;
                    return self.note_end(message, decision).under(hold, claim);
                }
                Ok(Progress::WaitFor(until, answer)) => {
                    drop(hold);
                    if let Err(decision) = self.wait_for_answer(&mut awaited, until, answer).await {
                        return decision.free();
                    }
                }
                Err(error) => {
                    let decision = self.judge_storage(&error);
                    return self.unless_dropped(message, decision).await.under(hold, None);
                }
            }
        }
    }

    async fn walk(
        &mut self,
        message: &EntityMessage,
        parts: &Parts<'_>,
        isolate: bool,
        awaited: &Awaited,
    ) -> Result<Progress, SharedStorageError> {
        let mut changes = 0;
        self.is_made_anew = false;
        loop {
            let (stamps, is_below_change) = match self.seen(message, parts).await? {
                OutputState::Fresh => return Ok(Decision::PassOn(Outcome::Exists).into()),
                OutputState::Missing(stamps) => (stamps, false),
                OutputState::BelowChange(stamps) => (stamps, true),
            };
            let inputs = match self.look_at_inputs(message, parts).await? {
                Ok(inputs) => inputs,
                Err(ending) => return Ok(Decision::GiveUp(ending).into()),
            };
            if inputs.iter().any(|input| !input.there) {
                return Ok(match self.ask_parents(message, &inputs, awaited).await? {
                    Asked::Decided(decision) => decision.into(),
                    Asked::WaitFor(until, answer) => Progress::WaitFor(until, answer),
                });
            }
            // What had changed above was made anew meanwhile; whether the inputs are others by that is known only now.
            if is_below_change && matches!(self.look_at_outputs(message, parts).await?, OutputState::Fresh) {
                return Ok(Decision::PassOn(Outcome::Exists).into());
            }
            self.node.in_flight.begins_work(&message.target);
            let Begun { turn, claim, stamps } = match self.begin(message, parts, stamps).await? {
                Beginning::Begun(begun) => begun,
                Beginning::Decided(decision, claim) => return Ok(Progress::Decided(decision, claim)),
            };
            let replaces = stamps.iter().any(Option::is_some);
            let worked = match self.work(message, parts, inputs, stamps, isolate, turn).await? {
                Worked::SourceChanged(key) if changes == MOST_CHANGES => {
                    let text = format!(
                        "`{key}` is being written to: it was another file each of the three times after it was read; wait until \
                         nobody writes to it, or give each version its name when it is whole (`mv`)"
                    );
                    Worked::Fault(Fault::failed(text))
                }
                worked => worked,
            };
            match worked {
                Worked::Done => {
                    // What a resumed run makes may have been lost when what hangs below was found up to date.
                    self.is_made_anew = replaces || message.resumed;
                    release(claim).await; // a node that waits for the claim finds the output
                    return Ok(Decision::PassOn(Outcome::Done).into());
                }
                Worked::NewerInPlace | Worked::InputVanished(1) => release(claim).await,
                Worked::InputVanished(2) => {
                    return Ok(Progress::Decided(Decision::Park(ParkReason::Trouble), claim));
                }
                Worked::InputVanished(_) => {
                    let text = "an input was seen three times and could not be read; look at its store";
                    return Ok(Progress::Decided(Decision::GiveUp(Ending::new(Reason::InputUnreadable, text)), claim));
                }
                Worked::SourceChanged(_) => {
                    release(claim).await;
                    changes += 1;
                }
                Worked::Drained => return Ok(Progress::Decided(Decision::Return, claim)),
                Worked::Fault(fault) => {
                    let fault = self.own_fault_after_all(&message.target.entity, fault);
                    let decision = match self.job.retry.judge(message.attempt, &fault, message.id) {
                        RetryDecision::Again(wait) => Decision::Retry(wait, fault),
                        RetryDecision::Permanent(reason) => Decision::GiveUp(Ending::of_fault(reason, fault)),
                        RetryDecision::NotTried => Decision::Pause(fault),
                        RetryDecision::Skip => Decision::Skip(Ending::of_fault(Reason::Declined, fault), None),
                    };
                    return Ok(Progress::Decided(decision, claim));
                }
            }
        }
    }

    /// Begins the work on a target whose inputs are all there. `stamps` are those that were seen under the keys of the
    /// outputs.
    async fn begin(
        &mut self,
        message: &EntityMessage,
        parts: &Parts<'_>,
        stamps: Vec<Option<Stamp>>,
    ) -> Result<Beginning, SharedStorageError> {
        let early = match active(Mutant::ClaimBeforeCore) {
            true => Some(self.claim(message, parts, stamps.clone()).await?),
            false => None,
        };
        let Some(turn) = self.core().await else { return Ok(Beginning::Decided(Decision::Return, None)) };
        let claimed = match early {
            Some(claimed) => claimed,
            None => self.claim(message, parts, stamps).await?,
        };
        let (claim, stamps) = match claimed {
            ClaimResult::Won(claim, stamps) => (claim, stamps),
            ClaimResult::Exists => return Ok(Beginning::Decided(Decision::PassOn(Outcome::Exists), None)),
            ClaimResult::Held => return Ok(Beginning::Decided(Decision::Park(ParkReason::Others), None)),
        };
        Ok(match self.known_end(message).await? {
            Some(decision) => Beginning::Decided(decision, claim),
            None if self.node.next_tries.has_another(message) => {
                Beginning::Decided(Decision::Park(ParkReason::Others), claim)
            }
            None => Beginning::Begun(Begun { turn, claim, stamps }),
        })
    }

    /// How the target ended before, where that still holds: a failure of this run whose record is there, or a skip.
    async fn known_end(&self, message: &EntityMessage) -> Result<Option<Decision>, SharedStorageError> {
        let state: &StateStore = &self.node.settings.state;
        if message.resumed {
            // `runs resume` asks for another try. The old dead letter stays until that try has ended.
            self.node.failures.forget(message.run, &message.target);
        }
        if let Some(failure) = self.node.failures.of(message.run, &message.target) {
            if state.still_has(&failure.record).await? {
                let ending = Ending::new(failure.reason, failure.text.clone());
                return Ok(Some(match failure.reason.is_skip() {
                    true => Decision::Skip(ending, Some(failure.record.clone())),
                    false => Decision::GiveUp(ending),
                }));
            }
            self.node.failures.forget(message.run, &message.target);
        }
        self.standing_skip(message).await
    }

    /// The skip that stands for the target, unless the message forces it.
    pub(super) async fn standing_skip(&self, message: &EntityMessage) -> Result<Option<Decision>, SharedStorageError> {
        if message.force.names(&self.job.name) {
            return Ok(None);
        }
        let settings = &self.node.settings;
        let (stores, state, entity) = (&settings.stores, &settings.state, &message.target.entity);
        let skip: Option<SkipRecord> = standing_skip(self.node.plan(), stores, state, self.at, entity).await?;
        let Some(skip) = skip else { return Ok(None) };
        if skip.run < message.run {
            // It accounts for the target in this run, too, whatever becomes of the inputs later.
            state.keep_skip(&SkipRecord { run: message.run, ..skip.clone() }).await?;
        }
        Ok(Some(Decision::Skip(Ending::new(skip.reason, skip.text), Some(state.skip_key(&message.target)))))
    }

    /// Trouble of the machine that struck this work again and again, while other work of the pool went well, is the work's
    /// own: its files are larger than the disk, or it starts more than it may.
    fn own_fault_after_all(&self, entity: &EntityId, fault: Fault) -> Fault {
        let is_trouble = fault.kind == FaultKind::NodeTrouble;
        let is_own = is_trouble && self.pool.note_trouble(entity) >= OFTEN && self.pool.pause.works();
        if is_own { Fault { kind: FaultKind::Failed, ..fault } } else { fault }
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

    /// What cannot be made stays dropped, where a person dropped it and nothing changed since: without a new dead letter.
    async fn unless_dropped(&self, message: &EntityMessage, decision: Decision) -> Decision {
        // What the transform was tried on was not dropped when it began, and is not to be tried again for a look at that.
        if !matches!(&decision, Decision::GiveUp(ending) if !ending.worked) {
            return decision;
        }
        match self.standing_skip(message).await {
            Ok(skip) => skip.unwrap_or(decision),
            Err(error) => self.judge_storage(&error),
        }
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

    /// A key that its store can never hold is permanent. Every other error may pass, of the store or of this machine: the
    /// message waits.
    fn judge_storage(&self, error: &SharedStorageError) -> Decision {
        if error.kind == StorageErrorKind::BadKey {
            return Decision::GiveUp(Ending::new(Reason::BadKey, error.to_string()));
        }
        if error.kind == StorageErrorKind::Machine {
            return Decision::Pause(Fault::node_trouble(error.to_string()));
        }
        self.note_storage(Some(error));
        Decision::Park(ParkReason::Trouble)
    }
}
