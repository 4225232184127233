//! Which dead letters there are: found by their keys. Only those that former versions wrote are read for it.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::dead_letter::{DeadLetter, LetterOwner};
use super::letter_key::{DEAD, FormerKey, Holds, LetterKey, letter_name, of_entity};
use super::letter_list::LetterList;
use super::record_name::{record_name, record_name_without_case};
use super::store::StateStore;
use crate::ids::JobName;
use crate::outcome::Reason;
use crate::storage::{StorageError, StorageErrorKind};

/// How many letters are read at once: each may take a bucket's time.
pub(super) const AT_ONCE: usize = 16;

/// How many keys of letters are listed to find those of a job or an entity in whatever run, before each run is asked for.
const LISTED_FIRST: usize = 10_000;

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

    fn takes_job(&self, job: &str) -> bool {
        self.job.as_ref().is_none_or(|wanted| wanted.as_str() == job)
    }
}

/// What a listing met.
struct Met<'f> {
    filter: &'f LetterFilter,
    /// The name of the entity that is wanted, and its names in former keys.
    names: Option<(String, [String; 2])>,
    list: LetterList,
    /// The keys of letters that have to be read.
    unread: Vec<String>,
    /// Those of which nothing could be made.
    strange: Vec<String>,
}

impl<'f> Met<'f> {
    fn new(filter: &'f LetterFilter) -> Self {
        let names = |entity: &String| (letter_name(entity), [record_name(entity), record_name_without_case(entity)]);
        let names = filter.entity.as_ref().map(names);
        Self { filter, names, list: LetterList::default(), unread: Vec::new(), strange: Vec::new() }
    }

    fn add(&mut self, key: &str) {
        if let Some(said) = LetterKey::parse(key) {
            let name = self.names.as_ref().is_none_or(|(name, _)| said.name == name);
            if said.holds == Holds::Envelope {
                self.unread.push(key.to_owned()); // by now it may be another entity's
            } else if self.filter.takes_job(said.job)
                && name
                && self.filter.reason.is_none_or(|reason| said.reason == reason)
                && self.list.push(said, None).is_none()
            {
                self.strange.push(key.to_owned());
            }
        } else if let Some(former) = FormerKey::parse(key) {
            let name = self.names.as_ref().is_none_or(|(_, names)| names.iter().any(|name| name == former.name));
            if name && self.filter.takes_job(former.job) {
                self.unread.push(key.to_owned());
            }
        } else {
            self.strange.push(key.to_owned());
        }
    }
}

impl StateStore {
    /// The dead letters that a filter selects.
    ///
    /// # Errors
    /// The store's own.
    pub async fn list_letters(&self, filter: &LetterFilter) -> Result<LetterList, StorageError> {
        let mut met = Met::new(filter);
        match self.prefixes(filter) {
            Some(prefixes) => {
                for prefix in prefixes {
                    self.each_key(&prefix, |key| {
                        met.add(key);
                        true
                    })
                    .await?;
                }
            }
            None => met = self.list_in_any_run(filter).await?,
        }
        let Met { mut list, unread, strange, .. } = met;
        for key in strange {
            self.note_unreadable(&key, &format!("`{key}` is no dead letter, although it lies among them"));
        }
        let read =
            |key: String| async move { Ok::<_, StorageError>(self.letter(&key).await?.map(|letter| (key, letter))) };
        let mut read = stream::iter(unread.into_iter().map(read)).buffered(AT_ONCE);
        while let Some(found) = read.try_next().await? {
            let Some((key, letter)) = found.filter(|(_, letter)| filter.takes(letter)) else { continue };
            let (owner, name) = (letter.owner().to_string(), letter_name(&letter.entity));
            if list.push(letter.key_parts(&owner, &name), Some(key)).is_none() {
                return Err(too_many());
            }
        }
        Ok(list.sorted())
    }

    /// Whether there is any letter that a filter selects by its run and job.
    ///
    /// # Errors
    /// The store's own.
    pub async fn has_letters(&self, run: Option<LetterOwner>, job: Option<&JobName>) -> Result<bool, StorageError> {
        let filter = LetterFilter { run, job: job.cloned(), ..LetterFilter::default() };
        let mut found = false;
        let prefix = match (run, job) {
            (Some(owner), Some(job)) => format!("{DEAD}{owner}/{job}/"),
            (Some(owner), None) => format!("{DEAD}{owner}/"),
            (None, _) => DEAD.to_owned(),
        };
        self.each_key(&prefix, |key| {
            let job = LetterKey::parse(key).map(|key| key.job).or_else(|| FormerKey::parse(key).map(|key| key.job));
            found = job.is_some_and(|job| filter.takes_job(job));
            !found
        })
        .await?;
        Ok(found)
    }

    /// Calls `met` with the job of each letter.
    ///
    /// # Errors
    /// The store's own.
    pub async fn each_letters_job(&self, mut met: impl FnMut(&str) + Send) -> Result<(), StorageError> {
        self.each_key(DEAD, |key| {
            if let Some(job) =
                LetterKey::parse(key).map(|key| key.job).or_else(|| FormerKey::parse(key).map(|key| key.job))
            {
                met(job);
            }
            true
        })
        .await
    }

    /// What the keys start with of the letters that a filter selects; none where that depends on the runs.
    fn prefixes(&self, filter: &LetterFilter) -> Option<Vec<String>> {
        match (filter.run, &filter.job) {
            (Some(owner), Some(job)) => Some(self.prefixes_of(owner, job, filter.entity.as_deref())),
            (Some(owner), None) => Some(vec![format!("{DEAD}{owner}/")]),
            (None, None) => Some(vec![DEAD.to_owned()]),
            (None, Some(_)) => None,
        }
    }

    fn prefixes_of(&self, owner: LetterOwner, job: &JobName, entity: Option<&str>) -> Vec<String> {
        let Some(entity) = entity else { return vec![format!("{DEAD}{owner}/{job}/")] };
        let (owner, job) = (owner.to_string(), job.as_str());
        let mut former = vec![format!("{DEAD}{owner}/{job}/{}/", record_name(entity))];
        if !self.storage.name_rules().tells_case {
            former.push(format!("{DEAD}{owner}/{job}/{}/", record_name_without_case(entity)));
        }
        former.insert(0, of_entity(&owner, job, &letter_name(entity)));
        former
    }

    /// Lists the letters of a job in whatever run: all, if they are few; else those of one run after the other.
    async fn list_in_any_run<'f>(&self, filter: &'f LetterFilter) -> Result<Met<'f>, StorageError> {
        let (mut met, mut left) = (Met::new(filter), LISTED_FIRST);
        self.each_key(DEAD, |key| {
            left = left.saturating_sub(1);
            met.add(key);
            left > 0
        })
        .await?;
        let Some(job) = filter.job.as_ref().filter(|_| left == 0) else { return Ok(met) };
        let mut met = Met::new(filter);
        let owners: BTreeSet<LetterOwner> = self.letter_owners().await?;
        let prefixes: Vec<String> =
            owners.iter().flat_map(|owner| self.prefixes_of(*owner, job, filter.entity.as_deref())).collect();
        let list = |prefix: String| async move { self.keys(&prefix).await };
        let mut lists = stream::iter(prefixes.into_iter().map(list)).buffered(AT_ONCE);
        while let Some(keys) = lists.try_next().await? {
            keys.iter().for_each(|key| met.add(key));
        }
        drop(lists);
        Ok(met)
    }
}

fn too_many() -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable, "list", DEAD, "more dead letters than this version can count")
}
