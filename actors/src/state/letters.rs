//! The dead letters in the state store: kept, read, removed. Which there are, their keys tell ([`super::letter_listing`]).

use futures::stream::{self, StreamExt, TryStreamExt};

use super::dead_letter::{DeadLetter, LetterOwner};
use super::format;
use super::letter_key::{LetterKey, letter_name, of_entity};
use super::letter_list::LetterList;
use super::letter_listing::{AT_ONCE, LetterFilter};
use super::store::StateStore;
use crate::ids::RunId;
use crate::message::Target;
use crate::storage::StorageError;

/// A dead letter as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLetter {
    /// Its key.
    pub key: String,
    /// The keys of those that it replaced and that are still there.
    pub older: Vec<String>,
    /// What it says.
    pub letter: DeadLetter,
}

impl StateStore {
    /// Keeps a dead letter and says under which key. It replaces the one of the same run, job, entity and stack. One of a body
    /// that is no message counts how often that came.
    ///
    /// # Errors
    /// The store's own; then the message must not be settled.
    pub async fn keep_letter(&self, letter: &DeadLetter) -> Result<String, StorageError> {
        let (owner, name) = (letter.owner().to_string(), letter_name(&letter.entity));
        let mut key = letter.key_parts(&owner, &name);
        let _turn = match letter.is_unreadable() {
            true => Some(self.counting.lock().await), // each reads what the one before it wrote
            false => None,
        };
        let placed = self.family(&key.family()).await?;
        let mut times = letter.times;
        if letter.is_unreadable() {
            let former = self.former_key(letter);
            for before in placed.iter().rev().chain([&former]) {
                if let Some(before) = self.get::<DeadLetter>(before).await? {
                    times += before.times;
                    break;
                }
            }
        }
        // By the order of their keys, whoever looks takes the newest for the letter, and whoever writes removes older ones
        // alone. So two that write at once never remove both; and a node whose clock is behind must not write an older one.
        let newest = placed.last().and_then(|key| LetterKey::parse(key));
        if let Some(newest) = newest.filter(|newest| key.age(newest).is_lt()) {
            key.millis = newest.millis + 1;
        }
        let text = key.to_string();
        self.know_owner(letter.owner()).await?;
        self.mark_killer(&text, letter).await?;
        self.put_as(format::LETTER, &text, &DeadLetter { times, ..letter.clone() }).await?;
        for older in placed.iter().filter(|older| **older != text) {
            self.remove(older).await?;
        }
        Ok(text)
    }

    /// The key under which a former version would have kept a letter.
    fn former_key(&self, letter: &DeadLetter) -> String {
        let name = self.entity_name(&letter.entity);
        format!("dead/{}/{}/{name}/{:016x}.json", letter.owner(), letter.job, letter.digest())
    }

    /// The keys of the letters that are one, the newest last.
    async fn family(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        let mut keys = self.keys(prefix).await?;
        keys.retain(|key| LetterKey::parse(key).is_some());
        let age = |one: &String, other: &String| match (LetterKey::parse(one), LetterKey::parse(other)) {
            (Some(one), Some(other)) => one.age(&other),
            _ => one.cmp(other),
        };
        keys.sort_by(age);
        Ok(keys)
    }

    /// The dead letters that a filter selects, with their keys, in the order of run, job and entity.
    ///
    /// # Errors
    /// The store's own.
    pub async fn letters(&self, filter: &LetterFilter) -> Result<Vec<(String, DeadLetter)>, StorageError> {
        let found = self.find_letters(filter).await?;
        Ok(found.into_iter().map(|found| (found.key, found.letter)).collect())
    }

    /// The same with the keys of those that each replaced.
    ///
    /// # Errors
    /// The store's own.
    pub async fn find_letters(&self, filter: &LetterFilter) -> Result<Vec<FoundLetter>, StorageError> {
        let list: LetterList = self.list_letters(filter).await?;
        let read = |(key, older): (String, Vec<String>)| async move {
            let letter = self.letter(&key).await?;
            Ok::<_, StorageError>(letter.map(|letter| FoundLetter { key, older, letter }))
        };
        let keys = list.iter().map(|one| (one.key(), one.older()));
        let mut read = stream::iter(keys.map(read)).buffered(AT_ONCE);
        let mut letters = Vec::new();
        while let Some(found) = read.try_next().await? {
            letters.extend(found.filter(|found| filter.takes(&found.letter)));
        }
        Ok(letters)
    }

    /// The sorted keys of the dead letters of one target in a run.
    ///
    /// # Errors
    /// The store's own.
    pub async fn letter_keys_of(&self, run: RunId, target: &Target) -> Result<Vec<String>, StorageError> {
        let (owner, entity) = (LetterOwner::from(run).to_string(), target.entity.as_str());
        let name = letter_name(entity);
        let mut keys = self.keys(&of_entity(&owner, target.job.as_str(), &name)).await?;
        keys.retain(|key| LetterKey::parse(key).is_some_and(|key| key.name == name));
        keys.extend(self.keys(&format!("dead/{owner}/{}/{}/", target.job, self.entity_name(entity))).await?);
        Ok(keys)
    }

    /// The dead letter under a key, or the one that replaced it since, if it is still there and can be read.
    ///
    /// # Errors
    /// The store's own.
    pub async fn letter(&self, key: &str) -> Result<Option<DeadLetter>, StorageError> {
        let mut letter: Option<DeadLetter> = self.get(key).await?;
        if letter.is_none()
            && !self.is_passed_over(key)
            && let Some(newer) = self.replaced_by(key).await?
        {
            letter = self.get(&newer).await?;
        }
        Ok(letter.map(DeadLetter::read_by_now))
    }

    /// Whether a record is still there; of a letter, also whether one is there that replaced it.
    ///
    /// # Errors
    /// The store's own.
    pub async fn still_has(&self, key: &str) -> Result<bool, StorageError> {
        Ok(self.has(key).await? || self.replaced_by(key).await?.is_some())
    }

    /// The key of the letter that replaced the one of this key.
    async fn replaced_by(&self, key: &str) -> Result<Option<String>, StorageError> {
        let Some(parsed) = LetterKey::parse(key) else { return Ok(None) };
        Ok(self.family(&parsed.family()).await?.pop().filter(|newer| newer != key))
    }

    /// Removes a letter, after those that it replaced: whoever dies meanwhile leaves it, and none of the others.
    ///
    /// # Errors
    /// The store's own.
    pub async fn remove_letter(&self, key: &str, older: &[String]) -> Result<(), StorageError> {
        for older in older {
            self.remove(older).await?;
        }
        self.remove(key).await
    }
}
