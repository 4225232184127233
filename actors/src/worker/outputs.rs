//! What lies under the keys of an entity's outputs, and whether it is what a message asks for.

use std::sync::Arc;
use std::time::SystemTime;

use super::executor::{Executor, SharedStorageError};
use crate::context::NodeSettings;
use crate::freshness::{Demand, is_made_since};
use crate::ids::EntityId;
use crate::message::{EntityMessage, Force};
use crate::mutants::{Mutant, active};
use crate::out_of_date::{Inspector, OutOfDate, is_other_output, was_accepted};
use crate::plan::JobIx;
use crate::refresh::Refresh;
use crate::standard::Standard;
use crate::storage::{ObjectInfo, ObjectKey, Stamp};
use crate::template::Parts;

/// What lies under the keys of the outputs.
pub(super) enum OutputState {
    /// All that was asked for.
    Fresh,
    /// Some output is missing or stale. With the stamp under each key, the primary's first.
    Missing(Vec<Option<Stamp>>),
    /// They are there, and something above the inputs changed since they were made. With the same stamps.
    BelowChange(Vec<Option<Stamp>>),
}

/// What was found of an output that is there.
#[derive(Default)]
struct Judged {
    why: Option<OutOfDate>,
    /// Whether it stays so in this run: nothing above it is missing.
    is_certain: bool,
}

impl Executor {
    /// What a message demands of the output of the job at `at`.
    pub(super) fn demand(&self, at: JobIx, message: &EntityMessage) -> Demand<'_> {
        let now = if message.force == Force::None { 0 } else { (self.node.settings.clock)() };
        Demand::new(self.node.plan(), at, &message.force, message.run, now)
    }

    /// Is the output there, and fresh?
    ///
    /// A cached hit may answer a wave, if it was learned under this run or a later one. It may not answer a request: a
    /// request means that somebody saw the object missing.
    pub(super) async fn seen(
        &mut self,
        message: &EntityMessage,
        parts: &Parts<'_>,
    ) -> Result<OutputState, SharedStorageError> {
        let demand = self.demand(self.at, message);
        if message.is_wave() && demand.is_presence() && self.may_remember(message) {
            let NodeSettings { plan, presence, dates, .. } = &self.node.settings;
            if let Some(dates) = dates.as_ref().filter(|dates| dates.answers_for(message.run)) {
                dates.forget_doubtful(plan, presence, &[self.at], &message.target.entity);
            }
            if self.job.outputs.iter().all(|output| presence.knows(&output.key_of(parts), message.run)) {
                return Ok(OutputState::Fresh);
            }
        }
        self.look_at_outputs(message, parts).await
    }

    /// The same, asked of the stores. The primary output does not speak for the others: somebody may have removed one.
    pub(super) async fn look_at_outputs(
        &mut self,
        message: &EntityMessage,
        parts: &Parts<'_>,
    ) -> Result<OutputState, SharedStorageError> {
        let node = self.node.clone();
        let presence = &node.settings.presence;
        let demand = self.demand(self.at, message);
        let mut all = Vec::with_capacity(self.job.outputs.len());
        let mut fresh = true;
        let keys: Vec<ObjectKey> = self.job.outputs.iter().map(|output| output.key_of(parts)).collect();
        for (number, key) in keys.iter().enumerate() {
            let found = self.node.look(key).await?;
            fresh &= found.as_ref().is_some_and(|found| demand.is_met_by(found));
            let stamp = found.as_ref().and_then(|found| found.stamp.as_ref());
            // The primary one is judged with what it was made from.
            if let Some((stamp, found)) = stamp.zip(found.as_ref()).filter(|_| number > 0) {
                fresh &= !self.is_other(message, number, stamp, found.modified).await?;
            }
            if found.is_none() {
                presence.forget(key);
            }
            all.push(found);
        }
        let Judged { why, is_certain } = match all.first() {
            Some(Some(primary)) if fresh => self.out_of_date(message, primary).await?,
            _ => Judged::default(),
        };
        if !fresh || why.is_some() {
            let stamps = all.into_iter().map(|found| found.and_then(|found| found.stamp)).collect();
            let is_above = why.is_some_and(|why| why.target != message.target);
            return Ok(if is_above { OutputState::BelowChange(stamps) } else { OutputState::Missing(stamps) });
        }
        let primary = all.first().and_then(Option::as_ref);
        self.is_made_anew = self.is_of_this_run(message, primary.and_then(|found| found.stamp.as_ref()));
        if is_certain && (self.refresh(message).inputs || !self.node.plan().refresh().inputs) {
            keys.iter().for_each(|key| presence.learn(key, message.run));
        }
        Ok(OutputState::Fresh)
    }

    /// What a message makes anew although it is there.
    pub(super) fn refresh<'m>(&'m self, message: &'m EntityMessage) -> &'m Refresh {
        message.refresh.as_ref().unwrap_or_else(|| self.node.plan().refresh())
    }

    /// Whether what this node remembers to be there is good for a message: it was looked at, or listed, with an eye to what the
    /// message makes anew.
    pub(super) fn may_remember(&self, message: &EntityMessage) -> bool {
        let refresh = self.refresh(message);
        refresh.is_never() || (refresh.trusts_times() && self.node.plan().refresh().inputs)
    }

    /// What a message measures outputs by.
    async fn standard(&self, message: &EntityMessage) -> Result<Standard, SharedStorageError> {
        let refresh = self.refresh(message);
        if refresh.recipes == Force::None {
            return Ok(Standard::of_inputs(refresh.inputs));
        }
        let known = match self.node.known_recipes.of(message.run) {
            Some(known) => known,
            None => {
                let read = Arc::new(self.node.settings.state.recipes().await?);
                self.node.known_recipes.keep(message.run, read.clone());
                read
            }
        };
        Ok(Standard::new(refresh, &self.node.settings.recipes, &known))
    }

    /// Whether an output that was seen stands for its job.
    pub(super) async fn stands(
        &self,
        message: &EntityMessage,
        at: JobIx,
        entity: &EntityId,
        key: &ObjectKey,
        found: &ObjectInfo,
    ) -> Result<bool, SharedStorageError> {
        if active(Mutant::TrustTheOutput) {
            return Ok(true);
        }
        let NodeSettings { plan, stores, state, .. } = &self.node.settings;
        if self.is_of_this_run(message, found.stamp.as_ref()) {
            // The primary output is put in place last: before that the others say nothing.
            let primary = plan.job(at).form.split(entity).map(|parts| plan.job(at).outputs[0].key_of(&parts));
            let primary = match primary.filter(|primary| primary != key) {
                Some(primary) => self.node.look(&primary).await?.and_then(|found| found.stamp),
                None => found.stamp.clone(),
            };
            if self.is_of_this_run(message, primary.as_ref()) {
                return Ok(true);
            }
        }
        let standard = self.standard(message).await?;
        Inspector::new(plan, stores, state, &standard).stands(at, entity, key, found).await.map_err(Arc::new)
    }

    /// Whether what lies in the place of an output is another one.
    async fn is_other(
        &self,
        message: &EntityMessage,
        number: usize,
        stamp: &Stamp,
        written: Option<SystemTime>,
    ) -> Result<bool, SharedStorageError> {
        let plan = self.node.plan();
        let is_other = self.refresh(message).inputs
            && !self.is_of_this_run(message, Some(stamp))
            && is_other_output(plan, self.at, number, stamp);
        Ok(is_other && !was_accepted(plan, &self.node.settings.state, self.at, stamp, written).await?)
    }

    fn is_of_this_run(&self, message: &EntityMessage, stamp: Option<&Stamp>) -> bool {
        is_made_since(stamp, message.run, (self.node.settings.clock)())
    }

    /// What the output of a target was made from that is not what is there now. `found` is what was seen of its primary
    /// output.
    async fn out_of_date(&self, message: &EntityMessage, found: &ObjectInfo) -> Result<Judged, SharedStorageError> {
        let (at, entity) = (self.at, &message.target.entity);
        let NodeSettings { plan, stores, state, .. } = &self.node.settings;
        if active(Mutant::TrustTheOutput) {
            return Ok(Judged { why: None, is_certain: true });
        }
        let is_of_this_run = self.is_of_this_run(message, found.stamp.as_ref());
        let may_be_made_anew = message.is_wake_up() || self.refresh(message).exact;
        if is_of_this_run && (!may_be_made_anew || active(Mutant::TrustTheRun)) {
            return Ok(Judged { why: None, is_certain: true });
        }
        let standard = self.standard(message).await?;
        let mut inspector = Inspector::new(plan, stores, state, &standard);
        let why = match is_of_this_run {
            true => inspector.made_anew_in(message.run, at, entity, found).await,
            false => inspector.check_found(at, entity, Some(found)).await,
        };
        let why = why.map_err(Arc::new)?;
        if let Some(why) = &why {
            tracing::debug!(job = %plan.job(at).name, %entity, %why, "an output is out of date");
        }
        Ok(Judged { why, is_certain: !inspector.lacks_something() || active(Mutant::RememberBelowMissing) })
    }
}
