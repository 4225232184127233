//! Dead letters and skip records: why an entity has no output, and all that a replay needs.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use super::{StateStore, record_name};
use crate::ids::{EntityId, JobName, RunId};
use crate::message::{Base, EntityMessage, Target, Wave};
use crate::outcome::Reason;
use crate::storage::StorageError;
use crate::wire::{self, WireError};

/// How many letters are read at once: each may take a bucket's time.
const AT_ONCE: usize = 16;

/// Whose a letter is: a run's, or of the inbox, whatever time its message's own run bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A run that has a manifest.
    Run(RunId),
    /// Messages by others that name no run.
    Inbox,
}

impl From<RunId> for Origin {
    fn from(run: RunId) -> Self {
        if run.is_inbox() { Origin::Inbox } else { Origin::Run(run) }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Run(run) => run.fmt(f),
            Origin::Inbox => f.write_str("inbox"),
        }
    }
}

/// Work that failed for good: the whole message with its stack, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The run; none for a message by others that names none.
    pub run: Option<RunId>,
    /// The job that gave up.
    pub job: JobName,
    /// The entity, as text: it may be the very reason that it is no id.
    pub entity: String,
    /// The kind of reason.
    pub reason: Reason,
    /// One sentence for people.
    pub text: String,
    /// The last of what the transform printed, at most 4 KiB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it was given up, in milliseconds after the Unix epoch by the node's clock.
    pub millis: u64,
    /// The node that gave up.
    pub node: String,
    /// Another target that this letter speaks of too: the parent that said done and was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Target>,
    /// The message, to be published again; none where it could not be read.
    pub message: Option<EntityMessage>,
    /// The first KiB of a body that could not be read, lossy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What another program said that this body is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// All of a body that a newer version of this program wrote, in hexadecimal: that version can try it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
}

impl DeadLetter {
    /// What a letter keeps of a body, for a later version of this program to read.
    pub fn envelope_of(body: &[u8]) -> Option<String> {
        matches!(wire::decode(body), Err(WireError::Newer { .. }))
            .then(|| body.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The same letter with its message, where this version reads what the one that wrote the letter could not.
    fn read_by_now(mut self) -> Self {
        let envelope = self.envelope.as_deref().filter(|_| self.message.is_none());
        if let Some(message) = envelope.and_then(bytes_of).and_then(|bytes| wire::decode(&bytes).ok()) {
            self.entity = message.target.entity.to_string();
            self.message = Some(message);
        }
        self
    }

    /// Whose it is.
    pub fn origin(&self) -> Origin {
        self.run.map_or(Origin::Inbox, Origin::from)
    }

    /// The key under which it lies: the same for the same origin, job, entity and stack. Of the inbox, each message has
    /// a wave of its own; there what was published again and again and fails each time has one letter all the same.
    pub fn key(&self) -> String {
        let origin = self.origin();
        let stack = match (&self.message, &self.body) {
            (Some(message), _) => {
                let base = match &message.base {
                    Base::Down(wave) if origin == Origin::Inbox => {
                        Base::Down(Arc::new(Wave { id: 0, ..Wave::clone(wave) }))
                    }
                    base => base.clone(),
                };
                serde_json::to_vec(&(&base, &message.frames)).expect("a message has a JSON form")
            }
            (None, Some(body)) => body.as_bytes().to_vec(),
            (None, None) => Vec::new(),
        };
        let digest = xxhash_rust::xxh3::xxh3_64(&stack);
        format!("dead/{origin}/{}/{}/{digest:016x}.json", self.job, record_name(&self.entity))
    }
}

/// The bytes that hexadecimal digits stand for, two each.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair.filter(|pair| pair.len() == 2)?, 16).ok()).collect()
}

/// An entity for which a job declined to make an output, or whose dead letter a person dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkipRecord {
    /// The run that recorded it.
    pub run: RunId,
    /// The job that declined.
    pub job: JobName,
    /// The entity.
    pub entity: EntityId,
    /// Declined, or dropped by a person.
    pub reason: Reason,
    /// One sentence for people.
    pub text: String,
    /// The job's settings at the time: the record stands until they change.
    pub settings: u64,
    /// When, in milliseconds after the Unix epoch by the node's clock.
    pub millis: u64,
}

/// Which dead letters are meant.
#[derive(Clone, Debug, Default)]
pub struct LetterFilter {
    /// Of this run, or of the inbox, only.
    pub run: Option<Origin>,
    /// Of this job only.
    pub job: Option<JobName>,
    /// Of this entity only.
    pub entity: Option<String>,
    /// With this reason only.
    pub reason: Option<Reason>,
}

impl LetterFilter {
    /// Whether a letter is meant.
    pub fn takes(&self, letter: &DeadLetter) -> bool {
        self.run.is_none_or(|origin| letter.origin() == origin)
            && self.job.as_ref().is_none_or(|job| letter.job == *job)
            && self.entity.as_ref().is_none_or(|entity| letter.entity == *entity)
            && self.reason.is_none_or(|reason| letter.reason == reason)
    }
}

impl StateStore {
    /// Keeps a dead letter and says under which key.
    ///
    /// # Errors
    /// The store's own; then the message must not be settled.
    pub async fn keep_letter(&self, letter: &DeadLetter) -> Result<String, StorageError> {
        let key = letter.key();
        self.put(&key, letter).await?;
        Ok(key)
    }

    /// The dead letters that a filter takes, with their keys, in the order of run, job and entity.
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

    /// The keys of the dead letters that a filter may take, sorted: all that it takes, and perhaps others, for the
    /// reason stands in the letter.
    ///
    /// # Errors
    /// The store's own.
    pub async fn letter_keys(&self, filter: &LetterFilter) -> Result<Vec<String>, StorageError> {
        let prefix = match (filter.run, &filter.job) {
            (Some(origin), Some(job)) => format!("dead/{origin}/{job}/"),
            (Some(origin), None) => format!("dead/{origin}/"),
            _ => "dead/".to_owned(),
        };
        let entity = filter.entity.as_deref().map(record_name);
        let mut keys = self.keys(&prefix).await?;
        keys.retain(|key| {
            let mut segments = key.split('/').skip(2);
            let (job, name) = (segments.next(), segments.next());
            filter.job.as_ref().is_none_or(|wanted| job == Some(wanted.as_str()))
                && entity.as_deref().is_none_or(|wanted| name == Some(wanted))
        });
        Ok(keys)
    }

    /// The dead letter under a key, if it is still there.
    ///
    /// # Errors
    /// The store's own.
    pub async fn letter(&self, key: &str) -> Result<Option<DeadLetter>, StorageError> {
        let letter: Option<DeadLetter> = self.get(key).await?;
        Ok(letter.map(DeadLetter::read_by_now))
    }

    /// Whether a record is still there.
    ///
    /// # Errors
    /// The store's own.
    pub async fn has(&self, key: &str) -> Result<bool, StorageError> {
        Ok(self.storage.look(key).await?.is_some())
    }

    /// The key of the skip record of a target.
    pub fn skip_key(target: &Target) -> String {
        format!("skipped/{}/{}.json", target.job, record_name(target.entity.as_str()))
    }

    /// Keeps a skip record and says under which key.
    ///
    /// # Errors
    /// The store's own.
    pub async fn keep_skip(&self, record: &SkipRecord) -> Result<String, StorageError> {
        let key = Self::skip_key(&Target { job: record.job.clone(), entity: record.entity.clone() });
        self.put(&key, record).await?;
        Ok(key)
    }

    /// The skip record of a target that stands under the job's present settings.
    ///
    /// # Errors
    /// The store's own.
    pub async fn skip_of(&self, target: &Target, settings: u64) -> Result<Option<SkipRecord>, StorageError> {
        let key = Self::skip_key(target);
        if self.storage.look(&key).await?.is_none() {
            return Ok(None);
        }
        let record: Option<SkipRecord> = self.get(&key).await?;
        Ok(record.filter(|record| record.settings == settings && record.entity == target.entity))
    }
}
