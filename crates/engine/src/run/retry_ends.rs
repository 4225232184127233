//! The letters of a retry over a broker, whose messages keep the runs that they came from: whose reports tell how they end, and
//! which letters say that something failed again.

use std::collections::{BTreeSet, HashMap, HashSet};

use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::outcome::Outcome;
use euterpe_actors::state::{DeadLetter, LetterFilter, LetterList, LetterOwner, StateStore};
use euterpe_actors::storage::StorageError;

use super::report::Note;
use super::tracker::Tracker;

/// What lay there when the retry began.
#[derive(Clone, Debug, Default)]
pub struct RetryEnds {
    owners: BTreeSet<LetterOwner>,
    runs: BTreeSet<RunId>,
    /// The letters of the owners that are not tried again.
    others: HashSet<u128>,
    /// Those that are, with the key of each as far as was told: one that is written anew has another.
    tried: HashMap<u128, String>,
}

impl RetryEnds {
    /// Of these letters, by their keys. `before` are all letters of their owners.
    pub fn of<'l>(letters: impl IntoIterator<Item = (&'l str, &'l DeadLetter)>, before: &[LetterList]) -> Self {
        let mut ends = Self::default();
        for (key, letter) in letters {
            ends.owners.insert(letter.owner());
            ends.runs.extend(letter.message.as_ref().map(|message| message.run));
            ends.tried.insert(letter.identity(), key.to_owned());
        }
        let all = before.iter().flat_map(LetterList::iter).map(|one| one.identity());
        ends.others = all.filter(|one| !ends.tried.contains_key(one)).collect();
        ends
    }

    /// The runs that the messages of the retry are of.
    pub fn runs(&self) -> &BTreeSet<RunId> {
        &self.runs
    }

    /// Tells the tracker of what failed meanwhile. Whether there was anything.
    ///
    /// # Errors
    /// Those of the state.
    pub async fn tell(&mut self, state: &StateStore, tracker: &Tracker) -> Result<bool, StorageError> {
        let mut told = false;
        for owner in &self.owners {
            let of_it = LetterFilter { run: Some(*owner), ..LetterFilter::default() };
            let list = state.list_letters(&of_it).await?;
            for one in list.iter() {
                let (identity, key) = (one.identity(), one.key());
                if self.tried.get(&identity) == Some(&key) || self.others.contains(&identity) {
                    continue; // written before, or not tried again
                }
                let Some(letter) = state.letter(&key).await? else { continue };
                let Ok(entity) = EntityId::new(&letter.entity) else { continue };
                // What waits for it under another id has no letter of its own.
                let frames = letter.message.iter().flat_map(|message| &message.frames);
                let waiters: Vec<_> = frames
                    .map(|frame| &frame.to)
                    .filter(|to| to.entity != entity && tracker.is_live(&to.entity))
                    .collect();
                let is_live = tracker.is_live(&entity);
                if !is_live && waiters.is_empty() {
                    continue;
                }
                self.tried.insert(identity, key);
                let note = |job: JobName, entity: EntityId, outcome: Outcome| Note {
                    job,
                    entity,
                    outcome,
                    reason: Some(letter.reason),
                    text: letter.text.clone(),
                    attempt: letter.tries,
                    millis: None,
                };
                if is_live {
                    tracker.ended(&note(letter.job.clone(), entity, Outcome::Dead));
                }
                for to in waiters {
                    tracker.ended(&note(to.job.clone(), to.entity.clone(), Outcome::UpstreamFailed));
                }
                told = true;
            }
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use euterpe_actors::message::{Base, EntityMessage, GraphDigest, Target};
    use euterpe_actors::outcome::Reason;
    use euterpe_actors::plan::JobIx;
    use euterpe_actors::refresh::Force;
    use euterpe_actors::state::GivenUp;
    use euterpe_actors::storage::memory::MemoryStorage;

    use super::*;
    use crate::run::two_jobs::{job, plan};
    use crate::traces::Roots;

    fn letter(at: usize, entity: &str, millis: u64) -> DeadLetter {
        let job = job(at);
        let target = Target { job: job.clone(), entity: EntityId::new(entity).expect("an id") };
        let message = EntityMessage::new(1, RunId::new(7, 7), target, GraphDigest(1), Base::Stop);
        let why = GivenUp { job: &job, node: "n", millis, reason: Reason::Failed, text: "no".into() };
        DeadLetter::of_work(&message, why)
    }

    #[tokio::test]
    async fn what_failed_again_is_found_by_letters_that_were_written_anew_or_are_new() {
        let state = StateStore::new(Arc::new(MemoryStorage::default()));
        let tracker = Tracker::new(Arc::new(plan()), Force::None, Roots::new(None));
        let (again, waits, other) = (letter(0, "t-1", 1), letter(0, "t-2", 1), letter(0, "t-3", 1));
        for letter in [&again, &waits, &other] {
            state.keep_letter(letter).await.expect("kept");
        }
        let keys = [&again, &waits].map(DeadLetter::key);
        let tried = [(keys[0].as_str(), &again), (keys[1].as_str(), &waits)];
        let before = state.list_letters(&LetterFilter::default()).await.expect("listed");
        let mut ends = RetryEnds::of(tried, &[before]);
        assert_eq!(ends.runs(), &[RunId::new(7, 7)].into());
        for id in ["t-1", "t-2"] {
            tracker.expect(&[JobIx(0), JobIx(1)]);
            assert!(tracker.begin(&EntityId::new(id).expect("an id"), &[JobIx(0), JobIx(1)]));
        }
        assert!(!ends.tell(&state, &tracker).await.expect("told"), "nothing has changed");
        // `t-1` fails at the same job again; `t-2` gets one job further. The letter of `t-3` is none of ours.
        for letter in [letter(0, "t-1", 2), letter(1, "t-2", 2), letter(0, "t-3", 2)] {
            state.keep_letter(&letter).await.expect("kept");
        }
        assert!(ends.tell(&state, &tracker).await.expect("told"));
        let tally = tracker.tally();
        assert_eq!((tally.jobs[0].dead, tally.jobs[1].dead, tally.letters()), (1, 2, 2));
        assert_eq!(tracker.oldest(9), [EntityId::new("t-2").expect("an id")], "its first job is still to be told of");
        assert!(!ends.tell(&state, &tracker).await.expect("told"), "each is told once");
    }
}
