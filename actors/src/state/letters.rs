//! The dead letters in the state store: kept, found by a filter, read.

use futures::stream::{self, StreamExt, TryStreamExt};

use super::dead_letter::{DeadLetter, LetterOwner};
use super::record_name::{record_name, record_name_without_case};
use super::store::StateStore;
use crate::ids::{JobName, RunId};
use crate::message::Target;
use crate::outcome::Reason;
use crate::storage::StorageError;

/// How many letters are read at once: each may take a bucket's time.
const AT_ONCE: usize = 16;

/// Selects dead letters: those that fit every field that is set.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct LetterFilter {
    pub run: Option<LetterOwner>,
    pub job: Option<JobName>,
    pub entity: Option<String>,
    pub reason: Option<Reason>,
}

impl LetterFilter {
    /// Whether the filter selects a letter.
    pub fn takes(&self, letter: &DeadLetter) -> bool {
        self.run.is_none_or(|owner| letter.owner() == owner)
            && self.job.as_ref().is_none_or(|job| letter.job == *job)
            && self.entity.as_ref().is_none_or(|entity| letter.entity == *entity)
            && self.reason.is_none_or(|reason| letter.reason == reason)
    }
}

impl StateStore {
    /// Keeps a dead letter and says under which key. One of a body that is no message counts how often that came.
    ///
    /// # Errors
    /// The store's own; then the message must not be settled.
    pub async fn keep_letter(&self, letter: &DeadLetter) -> Result<String, StorageError> {
        let mut key = letter.key();
        if !self.storage.name_rules().tells_case {
            let mut segments: Vec<&str> = key.split('/').collect();
            let name = self.entity_name(&letter.entity);
            segments[3] = &name;
            key = segments.join("/");
        }
        if letter.is_unreadable() {
            let _turn = self.counting.lock().await; // each reads what the one before it wrote
            let before = self.get::<DeadLetter>(&key).await?.map_or(0, |before| before.times);
            self.put(&key, &DeadLetter { times: before + letter.times, ..letter.clone() }).await?;
            return Ok(key);
        }
        self.mark_killer(&key, letter).await?;
        self.put(&key, letter).await?;
        Ok(key)
    }

    /// The dead letters that a filter selects, with their keys, in the order of run, job and entity.
    ///
    /// # Errors
    /// The store's own.
    pub async fn letters(&self, filter: &LetterFilter) -> Result<Vec<(String, DeadLetter)>, StorageError> {
        let keys = self.letter_keys(filter).await?;
        let read =
            |key: String| async move { Ok::<_, StorageError>(self.letter(&key).await?.map(|letter| (key, letter))) };
        let mut read = stream::iter(keys.into_iter().map(read)).buffered(AT_ONCE);
        let mut letters = Vec::new();
        while let Some(found) = read.try_next().await? {
            letters.extend(found.filter(|(_, letter)| filter.takes(letter)));
        }
        Ok(letters)
    }

    /// The sorted keys of the dead letters that a filter may select: all that it selects, and perhaps others, because the
    /// reason stands only in the letter.
    ///
    /// # Errors
    /// The store's own.
    pub async fn letter_keys(&self, filter: &LetterFilter) -> Result<Vec<String>, StorageError> {
        let prefix = match (filter.run, &filter.job) {
            (Some(owner), Some(job)) => format!("dead/{owner}/{job}/"),
            (Some(owner), None) => format!("dead/{owner}/"),
            _ => "dead/".to_owned(),
        };
        let entity = filter.entity.as_deref().map(|entity| [record_name(entity), record_name_without_case(entity)]);
        let mut keys = self.keys(&prefix).await?;
        keys.retain(|key| {
            let is_letter = key.ends_with(".json") && key.split('/').count() == 5;
            if !is_letter {
                self.note_unreadable(key, &format!("`{key}` is no dead letter, although it lies among them"));
                return false;
            }
            let mut segments = key.split('/').skip(2);
            let (job, name) = (segments.next(), segments.next());
            filter.job.as_ref().is_none_or(|wanted| job == Some(wanted.as_str()))
                && entity.as_ref().is_none_or(|wanted| wanted.iter().any(|wanted| name == Some(wanted.as_str())))
        });
        Ok(keys)
    }

    /// The sorted keys of the dead letters of one target in a run.
    ///
    /// # Errors
    /// The store's own.
    pub async fn letter_keys_of(&self, run: RunId, target: &Target) -> Result<Vec<String>, StorageError> {
        let (owner, name) = (LetterOwner::from(run), self.entity_name(target.entity.as_str()));
        self.keys(&format!("dead/{owner}/{}/{name}/", target.job)).await
    }

    /// The dead letter under a key, if it is still there and can be read.
    ///
    /// # Errors
    /// The store's own.
    pub async fn letter(&self, key: &str) -> Result<Option<DeadLetter>, StorageError> {
        let letter: Option<DeadLetter> = self.get(key).await?;
        Ok(letter.map(DeadLetter::read_by_now))
    }
}
