//! Which inputs of an entity are there, and which parents to ask for the rest.

use super::decision::{Decision, Ending};
use super::desk::{Desk, Trouble};
use crate::edges::{find_source, parent_of};
use crate::freshness::Demand;
use crate::ids::InputName;
use crate::message::{Base, EntityMessage, Target};
use crate::mutants::{Mutant, active};
use crate::outcome::Reason;
use crate::parent_trigger::{RequestError, RequestInputs, frames};
use crate::plan::{JobIx, Route};
use crate::points::reach;
use crate::storage::ObjectKey;
use crate::template::Parts;

/// The most often that a parent may say "done" while its output is not there.
const MAX_ABSENT: u8 = 2;

/// One input, as it was found.
#[derive(Debug)]
pub(super) struct Seen {
    pub name: InputName,
    pub key: ObjectKey,
    /// The parent that makes it; none for a source.
    pub parent: Option<Target>,
    /// That parent's place in the plan.
    pub parent_at: Option<JobIx>,
    /// Whether a wave brings parent and child the same entity.
    same: bool,
    /// Whether it is there, and fresh for the message.
    pub there: bool,
}

/// The requests that a message needs.
#[derive(Debug)]
pub(super) struct Asking {
    requests: Vec<EntityMessage>,
    count: usize,
}

impl Desk {
    /// Looks at every input. The inner error is permanent: a source that is not there, or an entity that is none.
    pub(super) async fn look_at_inputs(
        &self,
        message: &EntityMessage,
        parts: &Parts<'_>,
    ) -> Result<Result<Vec<Seen>, Ending>, Trouble> {
        let mut seen = Vec::with_capacity(self.job.inputs.len());
        for input in &self.job.inputs {
            let name = input.name.clone();
            match &input.from {
                Route::Source { store, key, exts } => {
                    match find_source(&self.node.settings.stores, parts, store, key, exts).await? {
                        Ok(key) => {
                            seen.push(Seen { name, key, parent: None, parent_at: None, same: false, there: true })
                        }
                        Err(never) => return Ok(Err(Ending::new(never.reason, never.text))),
                    }
                }
                Route::Job { .. } => {
                    let parent = match parent_of(self.node.plan(), input, &message.target.entity, parts) {
                        Some(Ok(parent)) => parent,
                        Some(Err(never)) => return Ok(Err(Ending::new(never.reason, never.text))),
                        None => continue, // a source, which the arm above has
                    };
                    let demand = Demand::new(self.node.plan(), parent.at, &message.force, message.run);
                    let there = self.is_there(message, &parent.key, &demand).await?;
                    seen.push(Seen {
                        name,
                        key: parent.key,
                        parent: Some(parent.target),
                        parent_at: Some(parent.at),
                        same: parent.same,
                        there,
                    });
                }
            }
        }
        Ok(Ok(seen))
    }

    /// Remembered presence may answer who does not ask because it is missing: reading it undoes an error.
    async fn is_there(&self, message: &EntityMessage, key: &ObjectKey, demand: &Demand<'_>) -> Result<bool, Trouble> {
        let presence = &self.node.settings.presence;
        if !message.is_request() && demand.is_presence() && presence.knows(key, message.run) {
            return Ok(true);
        }
        let found = match message.is_wake_up() {
            true => self.node.look_at_input(key).await?,
            false => self.node.look(key).await?,
        };
        if found.is_none() {
            presence.forget(key);
        }
        Ok(found.is_some_and(|found| demand.is_met_by(&found)))
    }

    /// The requests to make for what is missing, or the decision that none is to be made.
    pub(super) fn asking(&self, message: &EntityMessage, inputs: &[Seen]) -> Result<Asking, Decision> {
        let missing: Vec<&Seen> = inputs.iter().filter(|input| !input.there).collect();
        let is_from = |input: &Seen| input.parent.is_some() && input.parent == message.from;
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
        let is_owed = |input: &&Seen| owed.contains(&&input.name) && !active(Mutant::AskForAllAgain);
        let from_is_there = !missing.iter().any(|input| is_from(input));
        if message.frames.is_empty() && from_is_there && missing.iter().any(is_owed) {
            return Err(Decision::HandOver); // the last to arrive sees them all and asks for the rest
        }
        let mut parents: Vec<&Target> =
            missing.iter().filter(|input| !is_owed(input)).filter_map(|input| input.parent.as_ref()).collect();
        parents.sort_unstable();
        parents.dedup();
        if active(Mutant::AskOneParent) {
            parents.truncate(1);
        }
        if parents.is_empty() {
            return Err(Decision::HandOver); // somebody owes us a wake-up for each
        }
        let names: Vec<InputName> = missing.iter().map(|input| input.name.clone()).collect();
        let request = |parent: &&Target| {
            let request = frames::request(message, self.node.next_id(), (*parent).clone(), &names, absent);
            self.node.stamped(request, &message.target)
        };
        let requests: Vec<EntityMessage> = parents.iter().map(request).collect();
        Ok(Asking { count: requests.len(), requests })
    }

    /// The inputs whose maker is on its way to wake us: those that the popped frame waited for, and in a wave those
    /// whose parent the wave reaches. The one that just woke us is not among them.
    fn owed<'s>(&self, message: &EntityMessage, inputs: &'s [Seen]) -> Vec<&'s InputName> {
        let plan = self.node.plan();
        let reach = match &message.base {
            Base::Down(wave) if message.is_wave() && message.graph == plan.digest => plan.reach(wave),
            _ => Vec::new(),
        };
        let waited_for = |input: &Seen| message.waiting.as_ref().is_some_and(|names| names.contains(&input.name));
        let reached = |input: &Seen| input.same && input.parent_at.is_some_and(|at| reach.contains(&at));
        inputs
            .iter()
            .filter(|input| input.parent.is_some() && input.parent != message.from)
            .filter(|input| waited_for(input) || reached(input))
            .map(|input| &input.name)
            .collect()
    }

    /// Makes the requests; the message is only settled when all of them are confirmed.
    pub(super) async fn request(&self, message: &EntityMessage, asking: Asking) -> Decision {
        reach("before_requests");
        self.forget_answers(message);
        let sent = self.node.parent_trigger.send(RequestInputs(asking.requests)).await;
        let text = match sent {
            Ok(Ok(())) => {
                reach("after_requests");
                self.published(crate::events::Purpose::Request, asking.count);
                return Decision::Requested;
            }
            Ok(Err(RequestError::Wire(too_deep))) => {
                self.node.asked.end(&message.target);
                return Decision::GiveUp(Ending::new(Reason::TooDeep, too_deep.to_string()));
            }
            Ok(Err(RequestError::Broker(error))) => error.to_string(),
            Err(gone) => gone.to_string(),
        };
        self.node.asked.end(&message.target);
        Decision::Return(text)
    }
}
