//! Marks of dead letters whose work killed its process, so that a run learns of them without reading every letter.
//!
//! ```text
//! killed/known                                     all letters that are older than the marks were looked at
//! killed/<run, or inbox>/<job>/<entity>/<digest>   beside the letter of that name; a mark without one means nothing
//! ```

use super::dead_letter::DeadLetter;
use super::letters::LetterFilter;
use super::store::StateStore;
use crate::outcome::Reason;
use crate::storage::StorageError;

const MARKS: &str = "killed/";
const KNOWN: &str = "killed/known";

/// The key of a letter's mark.
fn mark_of(letter: &str) -> Option<String> {
    Some(format!("{MARKS}{}", letter.strip_prefix("dead/")?.strip_suffix(".json")?))
}

/// The key of a mark's letter.
fn letter_of(mark: &str) -> Option<String> {
    Some(format!("dead/{}.json", mark.strip_prefix(MARKS)?))
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
        let mut marks = self.keys(MARKS).await?;
        if !marks.iter().any(|mark| mark == KNOWN) {
            let killers = LetterFilter { reason: Some(Reason::KilledWorker), ..LetterFilter::default() };
            for (key, letter) in self.letters(&killers).await? {
                self.mark_killer(&key, &letter).await?;
                marks.extend(mark_of(&key));
            }
            self.put(KNOWN, &serde_json::json!({})).await?;
        }
        for mark in marks.iter().filter(|mark| *mark != KNOWN) {
            let letter = match letter_of(mark) {
                Some(key) => self.letter(&key).await?,
                None => None,
            };
            if letter.is_some_and(|letter| letter.reason == Reason::KilledWorker) {
                return Ok(true);
            }
            self.remove(mark).await?; // the letter was removed, or written anew for another reason
        }
        Ok(false)
    }
}
