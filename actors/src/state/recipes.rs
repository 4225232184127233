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
    /// From where the job reads its inputs, and where it writes: nothing in the records of former versions. Where that alone
    /// changed, the recipe is noted anew.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub reads: Value,
    /// Whether all that was made before was looked at since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub looked_at: bool,
}

/// By how much, in milliseconds, the clocks may differ of who notes a change and who writes an output.
const MARGIN: u64 = 60_000;

/// In nanoseconds.
const SECOND: u64 = 1_000_000_000;

impl RecipeHistory {
    /// Notes the recipe of today; whether it is another one than before.
    pub fn note(&mut self, recipe: &str, meaning: &Value, now: u64) -> bool {
        if self.0.last().is_some_and(|last| last.recipe == recipe) {
            return false;
        }
        let since = if self.0.is_empty() { 0 } else { now };
        let reads = self.0.last().map_or(Value::Null, |last| last.reads.clone());
        self.push(DatedRecipe {
            recipe: recipe.to_owned(),
            meaning: meaning.clone(),
            since,
            noted: now,
            accepted: false,
            reads,
            looked_at: false,
        });
        true
    }

    /// Notes from where the job of today's recipe reads; whether that is news.
    pub fn note_reads(&mut self, reads: &Value, now: u64) -> bool {
        let Some(last) = self.0.last_mut().filter(|last| last.reads != *reads) else { return false };
        if last.reads.is_null() {
            last.reads = reads.clone();
        } else {
            let last = last.clone();
            let (accepted, looked_at) = (false, false);
            self.push(DatedRecipe { since: now, noted: now, accepted, reads: reads.clone(), looked_at, ..last });
        }
        true
    }

    fn push(&mut self, recipe: DatedRecipe) {
        self.0.push(recipe);
        if self.0.len() > MOST {
            self.0.remove(0);
        }
    }

    /// What was written before this time, in nanoseconds after the Unix epoch, was made when the job may have read elsewhere, and
    /// was not looked at since: its time does not tell whether it is up to date. Zero where there is no such time.
    pub fn read_elsewhere_until(&self) -> u64 {
        let Some(today) = self.0.last() else { return 0 };
        // What a former version noted does not tell, and counts as the same.
        let reads_so = |known: &&DatedRecipe| known.reads == today.reads || known.reads.is_null();
        let (many, looked_at) = self
            .0
            .iter()
            .rev()
            .take_while(reads_so)
            .fold((0, false), |(many, looked_at), known| (many + 1, looked_at || known.looked_at));
        let since = self.0[self.0.len() - many].since;
        let is_open = !looked_at && many < self.0.len();
        if is_open { since.saturating_add(MARGIN).saturating_mul(1_000_000) } else { 0 }
    }

    /// Notes that all that was made before this moment was looked at, in milliseconds after the Unix epoch; whether that is
    /// news.
    pub fn note_look(&mut self, began: u64) -> bool {
        let is_open = self.read_elsewhere_until() > 0;
        match self.0.last_mut() {
            Some(last) if is_open && last.noted <= began => {
                last.looked_at = true;
                true
            }
            _ => false,
        }
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

    /// Whether what this recipe made counts as made by that of `today`: it is the same, or was accepted since. A job may have
    /// had a recipe several times: the one that was in force when it was written counts, in nanoseconds after the Unix epoch,
    /// or the last one where that is not known.
    pub fn counts_as(&self, recipe: &str, today: &str, written: Option<u64>) -> bool {
        let Some((last, before)) = self.0.split_last() else { return false };
        let began = |known: &DatedRecipe| known.since.saturating_sub(MARGIN).saturating_mul(1_000_000);
        let was_in_force = |known: &DatedRecipe| written.is_none_or(|written| began(known) <= written);
        let is_it = |known: &DatedRecipe| known.recipe == recipe;
        let then = self.0.iter().rposition(|known| is_it(known) && was_in_force(known));
        let Some(then) = then.or_else(|| self.0.iter().rposition(is_it)) else { return false };
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
    /// is another one than today's. A bucket tells whole seconds: what is told so was written at any time within that second.
    pub fn former(&self, written: u64) -> Option<&DatedRecipe> {
        let (today, before) = self.0.split_last()?;
        let nanos = |millis: u64| millis.saturating_mul(1_000_000);
        if today.accepted || written >= nanos(today.since) {
            return None;
        }
        let is_whole = written > 0 && written.is_multiple_of(SECOND);
        let until = if is_whole { written.saturating_add(SECOND - 1) } else { written };
        // What was accepted since counts as made by what the job did then.
        let accepted = before.iter().rposition(|recipe| recipe.accepted).unwrap_or(0);
        let then = |time: u64| before.iter().rposition(|recipe| time >= nanos(recipe.since)).unwrap_or(0).max(accepted);
        before.get(then(written)..=then(until))?.iter().find(|then| then.recipe != today.recipe)
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
        assert!(!history.counts_as("b", "c", None), "nor by what it says of itself");
        let counts = |today: &str| ["a", "b", "c", "d"].map(|recipe| history.counts_as(recipe, today, None));
        assert_eq!(counts("a"), [true, true, false, false], "not noted yet");
        for number in 0..300_u64 {
            assert!(history.note(&format!("r{number}"), &Value::Null, 6000 + number));
        }
        assert_eq!((history.0.len(), former(&history, 5)), (MOST, Some("r200".into())));
    }

    #[test]
    fn what_was_accepted_stays_so_when_the_job_does_the_same_as_before_and_as_then_again() {
        let (minute, mut history) = (60_000, RecipeHistory::default());
        let note =
            |history: &mut RecipeHistory, recipe, at: u64| assert!(history.note(recipe, &Value::Null, at * minute));
        let written = |at: u64| Some(at * minute * 1_000_000);
        note(&mut history, "z", 10);
        note(&mut history, "y", 20);
        history.accept();
        note(&mut history, "z", 30);
        assert!(!history.counts_as("y", "z", written(25)) && history.counts_as("z", "z", written(35)));
        assert!(!history.counts_as("z", "z", written(15)), "it counts as made by `y`");
        note(&mut history, "y", 40);
        assert!(history.counts_as("z", "y", written(15)), "accepted then, and still");
        assert_eq!([15, 35].map(|at| history.counts_as("z", "y", written(at))), [true, false], "made after that");
        for at in [15, 35] {
            let is_former = history.former(written(at).unwrap_or(0)).is_some();
            assert_eq!(is_former, !history.counts_as("z", "y", written(at)), "by its time and by its stamp");
        }
        assert!(!history.counts_as("z", "y", None), "the last one counts where nobody knows when");
    }

    #[test]
    fn what_was_written_in_the_second_of_a_change_may_be_of_either_recipe() {
        let mut history = RecipeHistory::default();
        for (recipe, since) in [("a", 1000), ("b", 3500), ("a", 5200)] {
            assert!(history.note(recipe, &Value::Null, since));
        }
        let former = |millis: u64| history.former(millis * 1_000_000).map(|former| former.recipe.as_str());
        assert_eq!([3000, 4000, 5000].map(former), [Some("b"), Some("b"), Some("b")], "told in whole seconds");
        assert_eq!([3001, 3499, 5201, 6000].map(former), [None; 4]);
        assert!(history.note("b", &Value::Null, 7200) && history.note("a", &Value::Null, 7300));
        let former = |millis: u64| history.former(millis * 1_000_000).map(|former| former.recipe.as_str());
        assert_eq!([6000, 7000, 8000].map(former), [None, Some("b"), None], "and back within that second");
    }

    #[test]
    fn what_was_made_when_the_job_read_elsewhere_is_looked_at_once() {
        let at = |millis: u64| millis * 1_000_000;
        let reads = |text: &str| Value::from(text);
        let mut history = RecipeHistory::default();
        history.note("a", &Value::Null, 1000);
        let elsewhere =
            |history: &RecipeHistory, times: [u64; 3]| times.map(|time| at(time) < history.read_elsewhere_until());
        assert!(history.note_reads(&reads("x"), 1000) && !history.note_reads(&reads("x"), 2000));
        assert_eq!(elsewhere(&history, [0, 1000, 2000]), [false; 3], "it never read elsewhere");
        assert!(history.note_reads(&reads("y"), 500_000));
        assert_eq!(elsewhere(&history, [0, 500_000, 500_001 + MARGIN]), [true, true, false]);
        // Another recipe changes nothing of that.
        assert!(history.note("b", &Value::Null, 600_000) && !history.note_reads(&reads("y"), 600_000));
        assert_eq!(elsewhere(&history, [0, 500_000, 500_001 + MARGIN]), [true, true, false]);
        assert!(!history.note_look(599_999), "a run that began before");
        assert!(history.note_look(600_000) && !history.note_look(600_000));
        assert_eq!(elsewhere(&history, [0, 500_000, 600_000]), [false; 3]);
        let mut former: RecipeHistory = RecipeHistory::default();
        former.note("a", &Value::Null, 1000);
        former.note("b", &Value::Null, 2000);
        assert!(former.note_reads(&reads("x"), 3000));
        assert_eq!(former.read_elsewhere_until(), 0, "former versions noted nothing");
        // Back again: what was made meanwhile read elsewhere. The recipe is no other one for that.
        assert!(history.note_reads(&reads("x"), 900_000));
        assert_eq!(elsewhere(&history, [0, 899_999, 900_001 + MARGIN]), [true, true, false]);
        assert_eq!(history.former(at(899_999)).map(|former| former.recipe.as_str()), None);
        assert_eq!(history.former(at(599_999)).map(|former| former.recipe.as_str()), Some("a"));
    }
}
