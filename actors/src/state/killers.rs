//! Marks of dead letters whose work killed its process, so that a run learns of them without listing every letter.
//!
//! ```text
//! killed/known                    all letters that are older than the marks were looked at
//! killers/<as the letter>         beside the letter of that name; a mark without one means nothing
//! killed/<as the letter>          the same for a letter of a former version
//! ```

use super::dead_letter::DeadLetter;
use super::letter_key::{DEAD, LetterKey};
use super::letter_listing::LetterFilter;
use super::store::StateStore;
use crate::outcome::Reason;
use crate::storage::StorageError;

const MARKS: &str = "killers/";
const FORMER: &str = "killed/";
const KNOWN: &str = "killed/known";
/// What both begin with.
const EITHER: &str = "kill";

/// The key of a letter's mark.
fn mark_of(letter: &str) -> Option<String> {
    let marks = if LetterKey::parse(letter).is_some() { MARKS } else { FORMER };
    Some(format!("{marks}{}", letter.strip_prefix(DEAD)?.strip_suffix(".json")?))
}

/// The key of a mark's letter.
fn letter_of(mark: &str) -> Option<String> {
    let letter = mark.strip_prefix(MARKS).or_else(|| mark.strip_prefix(FORMER))?;
    Some(format!("{DEAD}{letter}.json"))
}

impl StateStore {
    /// Marks a letter that is about to be kept, if it is one of work that killed its process.
    pub(super) async fn mark_killer(&self, key: &str, letter: &DeadLetter) -> Result<(), StorageError> {
        match mark_of(key).filter(|_| letter.reason == Reason::KilledWorker) {
            Some(mark) => self.put(&mark, &serde_json::json!({})).await,
            None => Ok(()),
        }
    }

    /// Whether there is a dead letter of work that killed its process. Its cost does not grow with the other letters, once
    /// those of a former version were looked at.
    ///
    /// # Errors
    /// The store's own.
    pub async fn has_killers(&self) -> Result<bool, StorageError> {
        let mut marks = self.keys(EITHER).await?;
        if !marks.iter().any(|mark| mark == KNOWN) {
            let killers = LetterFilter { reason: Some(Reason::KilledWorker), ..LetterFilter::default() };
            for (key, letter) in self.letters(&killers).await? {
                self.mark_killer(&key, &letter).await?;
                marks.extend(mark_of(&key));
            }
            self.put(KNOWN, &serde_json::json!({})).await?;
        }
        for mark in marks.iter().filter(|mark| *mark != KNOWN) {
            let is_there = match letter_of(mark) {
                Some(key) if LetterKey::parse(&key).is_some() => self.has(&key).await?,
                Some(key) => self.letter(&key).await?.is_some_and(|letter| letter.reason == Reason::KilledWorker),
                None => false,
            };
            if is_there {
                return Ok(true);
            }
            self.remove(mark).await?; // the letter was removed, or written anew for another reason
        }
        Ok(false)
    }
}
