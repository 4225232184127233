//! The letters of a retry over a broker, whose messages keep the runs that they came from: whose reports tell how they end, and
//! which letters say that something failed again.

use std::collections::{BTreeMap, BTreeSet};

use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::outcome::Outcome;
use euterpe_actors::state::{DeadLetter, LetterFilter, LetterOwner, StateStore};
use euterpe_actors::storage::StorageError;

use super::report::Note;
use super::tracker::Tracker;

/// What lay there when the retry began.
#[derive(Clone, Debug, Default)]
pub struct RetryEnds {
    owners: BTreeSet<LetterOwner>,
    runs: BTreeSet<RunId>,
    /// The keys of the owners' letters, with when they were written where they are tried again.
    before: BTreeMap<String, Option<u64>>,
}

impl RetryEnds {
    /// Of these letters, by their keys. `others` are the keys of all letters of their owners.
    pub fn of<'l>(letters: impl IntoIterator<Item = (&'l str, &'l DeadLetter)>, others: &BTreeSet<String>) -> Self {
        let mut ends = Self { before: others.iter().map(|key| (key.clone(), None)).collect(), ..Self::default() };
        for (key, letter) in letters {
            ends.owners.insert(letter.owner());
            ends.runs.extend(letter.message.as_ref().map(|message| message.run));
            ends.before.insert(key.to_owned(), Some(letter.millis));
        }
        ends
    }

    /// Whether the messages of the retry are of this run.
    pub fn has(&self, run: RunId) -> bool {
        self.runs.contains(&run)
    }

    /// Tells the tracker of what failed meanwhile. Whether there was anything.
    ///
    /// # Errors
    /// Those of the state.
    pub async fn tell(&mut self, state: &StateStore, tracker: &Tracker) -> Result<bool, StorageError> {
        let mut told = false;
        for owner in &self.owners {
            let of_it = LetterFilter { run: Some(*owner), ..LetterFilter::default() };
            for key in state.letter_keys(&of_it).await? {
                let before = self.before.get(&key).copied();
                if before == Some(None) {
                    continue; // it is not tried again
                }
                let Some(letter) = state.letter(&key).await? else { continue };
                let Ok(entity) = EntityId::new(&letter.entity) else { continue };
                if before == Some(Some(letter.millis)) || !tracker.is_live(&entity) {
                    continue;
                }
                self.before.insert(key, Some(letter.millis));
                tracker.ended(&Note {
                    job: letter.job,
                    entity,
                    outcome: Outcome::Dead,
                    reason: Some(letter.reason),
                    text: letter.text,
                    attempt: letter.tries,
                    millis: None,
                });
                told = true;
            }
        }
        Ok(told)
    }
}
