//! The feeder of a retry: the messages of dead letters, as somebody who saw their outputs missing would send them now.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{Hash, Hasher};

use async_trait::async_trait;
use euterpe_actors::edges::parent_of;
use euterpe_actors::ids::{EntityId, InputName};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::plan::{JobIx, NodePlan};

use super::passed::Passed;
#[cfg(feature = "amqp")]
use super::retry_ends::RetryEnds;
use super::sink::{Feeder, Sink};

/// Feeds the messages of dead letters again.
pub struct Retrial {
    /// The messages of the letters.
    pub messages: Vec<EntityMessage>,
    /// How it is known over a broker what failed again.
    #[cfg(feature = "amqp")]
    pub ends: RetryEnds,
    /// Whether nodes take them, which may remember how their targets ended before.
    pub by_nodes: bool,
}

#[async_trait(?Send)]
impl Feeder for Retrial {
    async fn feed(&mut self, sink: &Sink<'_>) -> anyhow::Result<Passed> {
        // All of an entity together: what was asked for by several is tried once, and tells them all. So only the first of
        // a target asks for another try, where nobody remembers the one before.
        let mut entities: BTreeMap<EntityId, Vec<EntityMessage>> = BTreeMap::new();
        let mut concerned: BTreeMap<EntityId, BTreeSet<JobIx>> = BTreeMap::new();
        let mut messages = std::mem::take(&mut self.messages);
        let plan = &sink.workspace.nodes;
        await_only_these(&mut messages, plan);
        for message in messages {
            for (entity, jobs) in concerned_by(plan, &message) {
                concerned.entry(entity.clone()).or_default().extend(jobs);
            }
            let of_entity = entities.entry(message.target.entity.clone()).or_default();
            let is_first = !of_entity.iter().any(|other| other.target == message.target && other.run == message.run);
            of_entity.push(EntityMessage { resumed: is_first || self.by_nodes, ..again(message, sink.next_id()) });
        }
        let mut waiting = 0;
        for (entity, messages) in entities {
            sink.room(waiting).await?;
            // Whoever waits under another id is followed before what it waits for can end.
            let waiters = messages.iter().flat_map(|message| &message.frames).map(|frame| &frame.to.entity);
            for followed in waiters.chain([&entity]) {
                if let Some(jobs) = concerned.remove(followed) {
                    let jobs: Vec<JobIx> = jobs.into_iter().collect();
                    sink.running.tracker.expect(&jobs);
                    sink.running.tracker.begin(followed, &jobs);
                    waiting += usize::from(*followed != entity);
                }
            }
            sink.publish(&entity, &messages).await?;
        }
        Ok(Passed::default())
    }

    #[cfg(feature = "amqp")]
    fn retry_ends(&self) -> Option<RetryEnds> {
        Some(self.ends.clone())
    }
}

/// The message as somebody who saw its output missing would send it now: nobody owes it a wake-up any more.
fn again(message: EntityMessage, id: u64) -> EntityMessage {
    EntityMessage { id, attempt: 0, from: None, waiting: None, absent: 0, ..message }
}

/// Leaves in the frames of the messages only the inputs that one of them comes through. For all others nobody is on the way: what
/// made one of those ended otherwise, or lies in a queue for nodes of another setup. So the target asks for them itself.
fn await_only_these(messages: &mut [EntityMessage], plan: &NodePlan) {
    let ways: HashSet<u64> = messages
        .iter()
        .flat_map(|message| (0..message.frames.len()).map(|at| way(message, at, child(message, at))))
        .collect();
    for message in messages {
        for at in 0..message.frames.len() {
            let mut waiting = std::mem::take(&mut message.frames[at].waiting);
            let to = &message.frames[at].to;
            waiting
                .retain(|input| parent(plan, to, input).is_none_or(|parent| ways.contains(&way(message, at, &parent))));
            message.frames[at].waiting = waiting;
        }
    }
}

/// What the frame at `at` waits for on the way of this message.
fn child(message: &EntityMessage, at: usize) -> &Target {
    message.frames.get(at + 1).map_or(&message.target, |frame| &frame.to)
}

/// A fingerprint of the way by which `from` wakes the target of the frame at `at`, and it those above.
fn way(message: &EntityMessage, at: usize, from: &Target) -> u64 {
    let mut hash = DefaultHasher::new();
    let wave = match &message.base {
        Base::Stop => None,
        Base::Down(wave) => Some(wave),
    };
    (message.run, wave, from).hash(&mut hash);
    message.frames[..=at].iter().for_each(|frame| frame.to.hash(&mut hash));
    hash.finish()
}

/// The target that makes an input of another one; none where the graph has no such job or input.
fn parent(plan: &NodePlan, of: &Target, input: &InputName) -> Option<Target> {
    let job = plan.job(plan.find(of.job.as_str())?);
    let input = job.inputs.iter().find(|one| one.name == *input)?;
    let parts = job.form.split(&of.entity)?;
    Some(parent_of(plan, input, &of.entity, &parts)?.ok()?.target)
}

/// The jobs that the message brings to their end, by entity: its own, those who wait, and what a wave reaches below.
fn concerned_by<'m>(plan: &NodePlan, message: &'m EntityMessage) -> BTreeMap<&'m EntityId, BTreeSet<JobIx>> {
    let mut concerned: BTreeMap<&EntityId, BTreeSet<JobIx>> = BTreeMap::new();
    for target in message.frames.iter().map(|frame| &frame.to).chain([&message.target]) {
        concerned.entry(&target.entity).or_default().extend(plan.find(target.job.as_str()));
    }
    let outermost = message.frames.first().map_or(&message.target, |frame| &frame.to);
    if let Base::Down(wave) = &message.base {
        let below = Wave { id: 0, origins: vec![outermost.job.clone()], only: wave.only.clone() };
        concerned.entry(&outermost.entity).or_default().extend(plan.reach(&below));
    }
    concerned
}
