//! Asks parents for inputs that are missing, unless another message on its way will see to them.

use tokio::{sync::oneshot, time::Instant};

use super::awaited::Awaited;
use super::decision::{Decision, Ending, ParkReason};
use super::executor::{Executor, SharedStorageError};
use super::inputs::FoundInput;
use crate::continuation;
use crate::events::Purpose;
use crate::ids::InputName;
use crate::memory::AskTurn;
use crate::message::{Base, EntityMessage, Target};
use crate::mutants::{Mutant, active};
use crate::outcome::Reason;
use crate::parent_trigger::{RequestError, RequestInputs};
use crate::points::reach;

/// The most often that a parent may say "done" while its output is not there.
const MAX_ABSENT: u8 = 2;

/// What became of asking parents.
pub(super) enum Asked {
    Decided(Decision),
    /// Another continuation asked already: wait for the answer, or until this moment.
    WaitFor(Instant, oneshot::Receiver<()>),
}

impl Executor {
    /// Asks for what is missing, unless a wake-up is on its way that will find it, or another continuation asked.
    pub(super) async fn ask_parents(
        &self,
        message: &EntityMessage,
        inputs: &[FoundInput],
        awaited: &Awaited,
    ) -> Result<Asked, SharedStorageError> {
        let requests = match self.requests(message, inputs) {
            Ok(requests) => requests,
            Err(decision) => return Ok(Asked::Decided(decision)),
        };
        let continuation = continuation::fingerprint(message);
        let may_wait = self.pool.may_wait();
        let pending = &self.node.pending_requests;
        let turn = pending.turn(&message.target, message.run, continuation, may_wait.is_some());
        if !matches!(turn, AskTurn::Ask) {
            let failures = if awaited.looks_at_records() { self.failures_above(message, inputs).await? } else { None };
            let is_news = |failures| pending.is_news(&message.target, message.run, continuation, failures);
            if !failures.is_some_and(is_news) {
                return Ok(match turn {
                    AskTurn::Wait(until, answer) => Asked::WaitFor(until, answer),
                    _ => Asked::Decided(Decision::Park(ParkReason::Others)),
                });
            }
        }
        Ok(Asked::Decided(self.publish_requests(message, requests).await))
    }

    /// The requests for what is missing, or the decision that none is to be made.
    fn requests(&self, message: &EntityMessage, inputs: &[FoundInput]) -> Result<Vec<EntityMessage>, Decision> {
        let missing: Vec<&FoundInput> = inputs.iter().filter(|input| !input.there).collect();
        let is_from = |input: &FoundInput| input.parent.is_some() && input.parent == message.from;
        let mut absent = message.absent;
        if let Some(broken) = missing.iter().find(|input| is_from(input)) {
            absent += 1;
            if absent > MAX_ABSENT {
                let text = format!("`{}` said done three times, and `{}` was not there", broken.name, broken.key);
                let about = broken.parent.clone();
                return Err(Decision::GiveUp(Ending { about, ..Ending::new(Reason::Absent, text) }));
            }
        }
        let owed = self.owed(message, inputs);
        // One that is out of date may have been up to date when its wake-up came: then none comes any more.
        let is_owed =
            |input: &&FoundInput| owed.contains(&&input.name) && !input.out_of_date && !active(Mutant::AskForAllAgain);
        let from_is_there = !missing.iter().any(|input| is_from(input));
        if message.frames.is_empty() && from_is_there && missing.iter().any(is_owed) {
            return Err(Decision::HandOver); // the last message to arrive sees all inputs and asks for the rest
        }
        let mut parents: Vec<&Target> =
            missing.iter().filter(|input| !is_owed(input)).filter_map(|input| input.parent.as_ref()).collect();
        parents.sort_unstable();
        parents.dedup();
        if active(Mutant::AskOneParent) {
            parents.truncate(1);
        }
        if parents.is_empty() {
            return Err(Decision::HandOver); // a wake-up for each is on its way
        }
        let names: Vec<InputName> = missing.iter().map(|input| input.name.clone()).collect();
        let request = |parent: &&Target| {
            let request = continuation::request(message, self.node.next_id(), (*parent).clone(), &names, absent);
            self.node.stamped(request, &message.target)
        };
        Ok(parents.iter().map(request).collect())
    }

    /// The inputs for which a message is on its way that will wake the target: those that the popped frame waited for,
    /// and for a wave those whose parent the wave reaches. The input that just woke the target is not among them.
    fn owed<'i>(&self, message: &EntityMessage, inputs: &'i [FoundInput]) -> Vec<&'i InputName> {
        let plan = self.node.plan();
        let reach = match &message.base {
            Base::Down(wave) if message.is_wave() && message.graph == plan.digest => plan.reach(wave),
            _ => Vec::new(),
        };
        let waited_for = |input: &FoundInput| message.waiting.as_ref().is_some_and(|names| names.contains(&input.name));
        let reached = |input: &FoundInput| input.same && input.parent_at.is_some_and(|at| reach.contains(&at));
        inputs
            .iter()
            .filter(|input| input.parent.is_some() && input.parent != message.from)
            .filter(|input| waited_for(input) || reached(input))
            .map(|input| &input.name)
            .collect()
    }

    /// Publishes the requests; the message is settled only when all of them are confirmed.
    async fn publish_requests(&self, message: &EntityMessage, requests: Vec<EntityMessage>) -> Decision {
        reach("before_requests");
        self.forget_answers(message);
        let count = requests.len();
        let sent = self.node.parent_trigger.send(RequestInputs(requests)).await;
        let text = match sent {
            Ok(Ok(())) => {
                reach("after_requests");
                self.published(Purpose::Request, count);
                return Decision::Requested;
            }
            Ok(Err(RequestError::Wire(too_deep))) => {
                self.node.pending_requests.end(&message.target);
                return Decision::GiveUp(Ending::new(Reason::TooDeep, too_deep.to_string()));
            }
            Ok(Err(RequestError::Broker(error))) => error.to_string(),
            Err(gone) => gone.to_string(),
        };
        self.node.pending_requests.end(&message.target);
        Decision::GiveBack(text)
    }
}
