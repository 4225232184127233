//! Which targets of a run have dead letters, as the keys of the letters tell: thirty-two bytes for each.

use crate::message::Target;
use crate::outcome::Reason;
use crate::state::{Holds, LetterFilter, StateStore, target_number_of};
use crate::storage::StorageError;

use crate::ids::RunId;

/// The targets of a run that failed for good.
#[derive(Debug, Default)]
pub(super) struct DeadTargets {
    /// By the number of the target; the newest letter of each speaks for it.
    targets: Vec<(u128, u64, Reason)>,
    bad_names: u64,
}

impl DeadTargets {
    /// Lists the letters of a run. Only those are read that count for another target as well.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn of(state: &StateStore, run: RunId) -> Result<Self, StorageError> {
        let list = state.list_letters(&LetterFilter { run: Some(run.into()), ..LetterFilter::default() }).await?;
        let mut dead = Self::default();
        for one in list.iter() {
            if one.reason() == Reason::BadId && one.holds() == Holds::Nothing {
                dead.bad_names += 1; // in no chunk of the run
                continue;
            }
            dead.targets.push((one.target(), one.millis(), one.reason()));
            if one.holds() == Holds::MessageAbout
                && let Some(about) = state.letter(&one.key()).await?.and_then(|letter| letter.about)
            {
                // A letter of its own speaks for it first.
                dead.targets.push((target_number_of(&about), 0, one.reason()));
            }
        }
        dead.targets.sort_unstable();
        dead.targets.reverse();
        dead.targets.dedup_by_key(|(target, ..)| *target);
        dead.targets.reverse();
        Ok(dead)
    }

    /// Why a target failed.
    pub fn get(&self, target: &Target) -> Option<Reason> {
        let number = target_number_of(target);
        let at = self.targets.binary_search_by_key(&number, |(target, ..)| *target).ok()?;
        Some(self.targets[at].2)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// How many letters are of names that could not be run.
    pub fn bad_names(&self) -> u64 {
        self.bad_names
    }
}
