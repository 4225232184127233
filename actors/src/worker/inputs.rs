//! Which inputs of an entity are there, and which parents to ask for the rest.

use super::decision::{Decision, Ending};
use super::desk::{Desk, Trouble};
use crate::freshness::Demand;
use crate::ids::{InputName, StoreName};
use crate::message::{Base, EntityMessage, Target};
use crate::mutants::{Mutant, active};
use crate::outcome::Reason;
use crate::parent_trigger::{RequestError, RequestInputs, frames};
use crate::plan::{Mapping, Route};
use crate::points::reach;
use crate::storage::ObjectKey;
use crate::template::{Parts, Template};

/// The most often that a parent may say "done" while its output is not there.
const MAX_ABSENT: u8 = 2;

/// One input, as it was found.
#[derive(Debug)]
pub(super) struct Seen {
    pub name: InputName,
    pub key: ObjectKey,
    /// The parent that makes it; none for a source.
    pub parent: Option<Target>,
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
                Route::Source { store, key, exts } => match self.find_source(parts, store, key, exts).await? {
                    Ok(key) => seen.push(Seen { name, key, parent: None, same: false, there: true }),
                    Err(ending) => return Ok(Err(ending)),
                },
                Route::Job { job: at, output, entity } => {
                    let parent = self.node.plan().job(*at);
                    let theirs = match entity {
                        Mapping::Same => Ok(message.target.entity.clone()),
                        Mapping::To(map) => map.entity(parts),
                    };
                    let theirs = match theirs {
                        Ok(theirs) => theirs,
                        Err(bad) => return Ok(Err(Ending::new(Reason::BadId, format!("input `{name}`: {bad}")))),
                    };
                    let Some(their_parts) = parent.form.split(&theirs) else {
                        let text = format!("input `{name}`: `{theirs}` does not have the form `{}`", parent.form);
                        return Ok(Err(Ending::new(Reason::BadId, text)));
                    };
                    let key = parent.outputs[*output].key_of(&their_parts);
                    let demand = Demand::new(self.node.plan(), *at, &message.force, message.run);
                    let there = self.is_there(message, &key, &demand).await?;
                    let target = Target { job: parent.name.clone(), entity: theirs };
                    let same = matches!(entity, Mapping::Same);
                    seen.push(Seen { name, key, parent: Some(target), same, there });
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

    /// The one object that a source template means for an entity.
    async fn find_source(
        &self,
        parts: &Parts<'_>,
        store: &StoreName,
        template: &Template,
        exts: &[String],
    ) -> Result<Result<ObjectKey, Ending>, Trouble> {
        let storage = self.node.settings.stores.get(store);
        if !template.has_ext() {
            let key = ObjectKey::new(store.clone(), template.source_key(parts, ""));
            if storage.look(&key.path).await?.is_some() {
                return Ok(Ok(key));
            }
            let text = format!("the source `{key}` is not there (in {})", storage.place());
            return Ok(Err(Ending::new(Reason::SourceMissing, text)));
        }
        let mut found = Vec::new();
        for ext in exts {
            for ext in [ext.clone(), ext.to_ascii_uppercase()] {
                let path = template.source_key(parts, &ext);
                if storage.look(&path).await?.is_some() {
                    found.push(path);
                }
            }
        }
        Ok(match found.as_slice() {
            [one] => Ok(ObjectKey::new(store.clone(), one.as_str())),
            [] => {
                let (wanted, exts) = (template.source_key(parts, "{ext}"), exts.join(", "));
                let text =
                    format!("no source `{store}:{wanted}` with one of the extensions {exts} (in {})", storage.place());
                Err(Ending::new(Reason::SourceMissing, text))
            }
            [one, another, ..] => {
                let text =
                    format!("two sources have this id, `{store}:{one}` and `{store}:{another}`; rename or remove one");
                Err(Ending::new(Reason::SourceAmbiguous, text))
            }
        })
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
        let is_owed = |input: &&Seen| owed.contains(&&input.name) && !active(Mutant::X6);
        let from_is_there = !missing.iter().any(|input| is_from(input));
        if message.frames.is_empty() && from_is_there && missing.iter().any(is_owed) {
            return Err(Decision::HandOver); // the last to arrive sees them all and asks for the rest
        }
        let mut parents: Vec<&Target> =
            missing.iter().filter(|input| !is_owed(input)).filter_map(|input| input.parent.as_ref()).collect();
        parents.sort_unstable();
        parents.dedup();
        if active(Mutant::X5) {
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
        let reached = |input: &Seen| {
            input.same
                && input.parent.as_ref().and_then(|p| plan.find(p.job.as_str())).is_some_and(|at| reach.contains(&at))
        };
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
