//! Waiting for the answer to a request that another message made: told by this node, or seen in the stores.

use std::{collections::BTreeSet, hash::Hasher, time::Duration};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};
use xxhash_rust::xxh3::Xxh3;

use super::decision::{Decision, ParkReason};
use super::executor::{Executor, SharedStorageError};
use super::inputs::FoundInput;
use crate::edges::parent_of;
use crate::message::{EntityMessage, Target};
use crate::mutants::{Mutant, active};
use crate::state::StateStore;

/// The pause before the first look; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// After how many looks at the output alone the records of failures are looked at as well.
const LOOKS_WITHOUT_RECORDS: u32 = 3;

/// How long a message has waited for an answer, and how often it has looked for it.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    since: Option<Instant>,
    looks: u32,
    /// How often the message was put off before, and looked each time that it came back.
    parks: u32,
}

impl Awaited {
    /// For a message that was put off so often.
    pub fn after(parks: u32) -> Self {
        Self { parks, ..Self::default() }
    }

    /// The pause before the next look.
    fn pause(&mut self) -> Duration {
        self.since.get_or_insert_with(Instant::now);
        let pause = FIRST_PAUSE.saturating_mul(1 << self.looks.min(8)).min(LONGEST_PAUSE);
        self.looks += 1;
        pause
    }

    /// Whether the message waits long enough for the records of failures to be worth a look.
    pub fn looks_at_records(&self) -> bool {
        self.looks.saturating_add(self.parks) > LOOKS_WITHOUT_RECORDS && !active(Mutant::TrustOwnAnswers)
    }

    /// How long the message has waited; none if it did not wait.
    pub fn took(&self) -> Option<Duration> {
        self.since.map(|since| since.elapsed())
    }
}

impl Executor {
    /// Waits for an answer, at most until it is time to look again. The message does not hold its target meanwhile: the
    /// wake-up that brings the answer needs it. The error: the pool drains, or this worker is needed for the messages that come
    /// next.
    pub(super) async fn wait_for_answer(
        &mut self,
        awaited: &mut Awaited,
        until: Instant,
        answer: oneshot::Receiver<()>,
    ) -> Result<(), Decision> {
        self.turn = None; // who makes the output may need the core
        let _waiting = self.pool.may_wait();
        let pause = awaited.pause();
        let look = if active(Mutant::TrustOwnAnswers) { until } else { until.min(Instant::now() + pause) };
        tokio::select! {
            biased;
            () = self.pool.drains() => Err(Decision::Return),
            // Answered, given up or time for a look: in each case the steps start again.
            _ = timeout_at(look, answer) => Ok(()),
            () = self.pool.is_needed() => Err(Decision::Park(ParkReason::Others)),
        }
    }

    /// A digest of the records of failures and skips of a target and of all that it needs; none where there are none. The
    /// answer to a request may have been such a failure, which another node handled.
    pub(super) async fn failures_above(
        &self,
        message: &EntityMessage,
        inputs: &[FoundInput],
    ) -> Result<Option<u64>, SharedStorageError> {
        let missing = inputs.iter().filter(|input| !input.there).filter_map(|input| input.parent.clone());
        let mut to_see: Vec<Target> = missing.chain([message.target.clone()]).collect();
        let (mut seen, mut found, mut digest) = (BTreeSet::new(), false, Xxh3::new());
        while let Some(target) = to_see.pop() {
            if !seen.insert(target.clone()) {
                continue;
            }
            let state: &StateStore = &self.node.settings.state;
            for key in state.letter_keys_of(message.run, &target).await?.into_iter().chain([state.skip_key(&target)]) {
                if let Some(record) = state.storage().look(&key).await? {
                    found = true;
                    digest.update(format!("{key} {:?}\n", record.modified).as_bytes());
                }
            }
            if target != message.target {
                to_see.extend(self.parents_of(&target));
            }
        }
        Ok(found.then(|| digest.finish()))
    }

    /// The targets whose outputs a target needs.
    fn parents_of(&self, target: &Target) -> Vec<Target> {
        let plan = self.node.plan();
        let Some(job) = plan.find(target.job.as_str()).map(|at| plan.job(at)) else { return Vec::new() };
        let Some(parts) = job.form.split(&target.entity) else { return Vec::new() };
        let parent = |input| parent_of(plan, input, &target.entity, &parts)?.ok().map(|parent| parent.target);
        job.inputs.iter().filter_map(parent).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_from_fifty_milliseconds_to_two_seconds() {
        let mut awaited = Awaited::default();
        assert_eq!(awaited.took(), None);
        let pauses: Vec<u128> = (0..8).map(|_| awaited.pause().as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(awaited.took(), Some(Duration::from_secs(3)));
        assert_eq!([0, 3, 4].map(|parks| Awaited::after(parks).looks_at_records()), [false, false, true]);
    }
}
