//! When the recipe of each job changed: what was written before may be made by another one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::format;
use super::store::StateStore;
use crate::ids::JobName;
use crate::storage::StorageError;

/// The key of the record.
const KEY: &str = "recipes.json";

/// The most recipes of one job that are remembered.
const MOST: usize = 100;

/// The recipes of all jobs.
pub type RecipeHistories = BTreeMap<JobName, RecipeHistory>;

#[derive(Serialize, Deserialize)]
struct Record {
    jobs: RecipeHistories,
}

/// The recipes that a job has had, the oldest first. What was there before the first one counts as made by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeHistory(Vec<DatedRecipe>);

/// A recipe of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatedRecipe {
    /// Digest of what the transform does.
    pub recipe: String,
    /// What that was, for people: the transform and its options, secrets masked.
    pub meaning: Value,
    /// Since when, in milliseconds after the Unix epoch.
    pub since: u64,
    /// When it was noted. Of what was written before the first note, only its stamp tells by what it was made.
    #[serde(default)]
    pub noted: u64,
    /// Whether a person said that what was made before is good.
    #[serde(default)]
    pub accepted: bool,
}

impl RecipeHistory {
    /// Notes the recipe of today; whether it is another one than before.
    pub fn note(&mut self, recipe: &str, meaning: &Value, now: u64) -> bool {
        if self.0.last().is_some_and(|last| last.recipe == recipe) {
            return false;
        }
        let since = if self.0.is_empty() { 0 } else { now };
        let (recipe, meaning) = (recipe.to_owned(), meaning.clone());
        self.0.push(DatedRecipe { recipe, meaning, since, noted: now, accepted: false });
        if self.0.len() > MOST {
            self.0.remove(0);
        }
        true
    }

    /// Whether it was ever another one than today's.
    pub fn has_changed(&self) -> bool {
        self.0.len() > 1
    }

    /// Declares what was made before good.
    pub fn accept(&mut self) {
        if let Some(last) = self.0.last_mut() {
            last.accepted = true;
        }
    }

    /// Whether what was written at this time, in nanoseconds after the Unix epoch, may be made by another recipe than today's.
    pub fn may_be_former(&self, written: u64) -> bool {
        let is_noted = self.0.first().is_some_and(|first| written >= first.noted.saturating_mul(1_000_000));
        !is_noted || self.former(written).is_some()
    }

    /// Whether what this recipe made counts as made by that of `today`: it is the same, or was accepted since.
    pub fn counts_as(&self, recipe: &str, today: &str) -> bool {
        let Some((last, before)) = self.0.split_last() else { return false };
        let Some(then) = self.0.iter().rposition(|known| known.recipe == recipe) else { return false };
        // That of today may not be noted yet.
        let is_noted = last.recipe == today;
        let earlier = if is_noted { before } else { &self.0 };
        let accepted = earlier.iter().rposition(|known| known.accepted).unwrap_or(0);
        (is_noted && last.accepted) || self.0[then.max(accepted)].recipe == today
    }

    /// A recipe that the job has had.
    pub fn find(&self, recipe: &str) -> Option<&DatedRecipe> {
        self.0.iter().rfind(|known| known.recipe == recipe)
    }

    /// The recipe of today.
    pub fn today(&self) -> Option<&DatedRecipe> {
        self.0.last()
    }

    /// The recipe by which something was made that was written at this time, in nanoseconds after the Unix epoch, where that
    /// is another one than today's.
    pub fn former(&self, written: u64) -> Option<&DatedRecipe> {
        let (today, before) = self.0.split_last()?;
        if today.accepted || written >= today.since.saturating_mul(1_000_000) {
            return None;
        }
        let then = before.iter().rposition(|recipe| written >= recipe.since.saturating_mul(1_000_000)).unwrap_or(0);
        // What was accepted since counts as made by what the job did then.
        let then = before.iter().rposition(|recipe| recipe.accepted).map_or(then, |accepted| accepted.max(then));
        before.get(then).filter(|then| then.recipe != today.recipe)
    }
}

impl StateStore {
    /// The recipes of all jobs, as far as runs have noted them.
    ///
    /// # Errors
    /// The store's own.
    pub async fn recipes(&self) -> Result<RecipeHistories, StorageError> {
        let read: Option<Record> = self.get(KEY).await?;
        Ok(read.map(|read| read.jobs).unwrap_or_default())
    }

    /// Keeps the recipes of all jobs. A record that is there and cannot be read stays: it may be of a newer version, or be put
    /// back from a backup.
    ///
    /// # Errors
    /// [`StorageErrorKind::Unreadable`](crate::storage::StorageErrorKind::Unreadable) where such a record is in the way, and then
    /// nothing was kept; else the store's own.
    pub async fn keep_recipes(&self, recipes: &RecipeHistories) -> Result<(), StorageError> {
        if let Some(text) = self.bytes(KEY).await? {
            format::read::<Record>(KEY, &text)?;
        }
        self.put(KEY, &Record { jobs: recipes.clone() }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_before_a_change_is_of_a_former_recipe_until_it_is_changed_back_or_accepted() {
        let nanos = |millis: u64| millis * 1_000_000;
        let mut history = RecipeHistory::default();
        let former = |history: &RecipeHistory, at: u64| history.former(nanos(at)).map(|former| former.recipe.clone());
        assert!(history.note("a", &Value::Null, 1000) && !history.note("a", &Value::Null, 2000));
        assert_eq!(former(&history, 5), None, "nobody knows how it was made");
        assert_eq!([999, 1000].map(|at| history.may_be_former(nanos(at))), [true, false], "its stamp knows");
        assert!(history.note("b", &Value::Null, 3000));
        assert_eq!([2999, 3000].map(|at| history.may_be_former(nanos(at))), [true, false]);
        assert_eq!([5, 2999, 3000].map(|at| former(&history, at)), [Some("a".into()), Some("a".into()), None]);
        assert!(history.note("a", &Value::Null, 4000));
        assert_eq!([5, 3500, 4000].map(|at| former(&history, at)), [None, Some("b".into()), None]);
        history.accept();
        assert_eq!(former(&history, 3500), None);
        assert!(history.note("c", &Value::Null, 5000));
        assert_eq!(former(&history, 3500), Some("a".into()), "accepted as made by another recipe");
        assert!(!history.counts_as("b", "c"), "nor by what it says of itself");
        let counts = |today: &str| ["a", "b", "c", "d"].map(|recipe| history.counts_as(recipe, today));
        assert_eq!(counts("a"), [true, true, false, false], "not noted yet");
        for number in 0..300 {
            assert!(history.note(&format!("r{number}"), &Value::Null, 6000 + number));
        }
        assert_eq!((history.0.len(), former(&history, 5)), (MOST, Some("r200".into())));
    }
}
