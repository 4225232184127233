//! A dead letter: why an entity has no output, and all that a replay needs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::letter_key::{Holds, LetterKey, letter_name, letter_number};
use crate::ids::{BadId, JobName, RunId};
use crate::message::{Base, EntityMessage, Target, Wave};
use crate::outcome::Reason;
use crate::wire::{self, WireError};

/// Whose a letter is: a run's, or the inbox's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LetterOwner {
    /// A run that has a manifest.
    Run(RunId),
    /// Messages by other programs that name no run. Their messages have runs of their own, which have no manifest.
    Inbox,
}

impl From<RunId> for LetterOwner {
    fn from(run: RunId) -> Self {
        if run.is_inbox() { LetterOwner::Inbox } else { LetterOwner::Run(run) }
    }
}

impl std::fmt::Display for LetterOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LetterOwner::Run(run) => run.fmt(f),
            LetterOwner::Inbox => f.write_str("inbox"),
        }
    }
}

impl std::str::FromStr for LetterOwner {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        if text == "inbox" { Ok(LetterOwner::Inbox) } else { text.parse().map(LetterOwner::Run) }
    }
}

/// Work that failed for good: the whole message with its stack, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The run; none for a message by another program that names none.
    pub run: Option<RunId>,
    /// The job that gave up.
    pub job: JobName,
    /// The entity, as text: the reason may be that it is no valid id.
    pub entity: String,
    /// The kind of reason.
    pub reason: Reason,
    /// One sentence for people.
    pub text: String,
    /// The last of what the transform printed, at most 4 KiB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    /// How often the work was tried.
    pub tries: u32,
    /// When the job gave up, in milliseconds after the Unix epoch by the node's clock.
    pub millis: u64,
    /// The node that gave up.
    pub node: String,
    /// Another target that this letter counts for: the parent that said "done" although its output was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<Target>,
    /// The message, to be published again. None where it could not be read.
    pub message: Option<EntityMessage>,
    /// The first KiB of a body that could not be read, with invalid UTF-8 replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The source that a name which cannot be an id was found in, with its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How many messages with this body came to this node, a message that the broker delivered again counted again; 1 for every
    /// other letter.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u64,
    /// The content type that another program gave for the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The whole body, in hexadecimal, where a newer version of this program wrote it: that version can retry it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
}

fn once() -> u64 {
    1
}

fn is_once(times: &u64) -> bool {
    *times == 1
}

/// Why something was given up, by whom and when: what every dead letter says.
#[derive(Clone, Debug)]
pub struct GivenUp<'a> {
    /// The job that gave up.
    pub job: &'a JobName,
    /// The node that gave up.
    pub node: &'a str,
    /// When, in milliseconds after the Unix epoch by the node's clock.
    pub millis: u64,
    /// The kind of reason.
    pub reason: Reason,
    /// One sentence for people.
    pub text: String,
}

impl DeadLetter {
    /// Work that failed for good. A replay of the message has all of its tries again.
    pub fn of_work(message: &EntityMessage, why: GivenUp<'_>) -> Self {
        let tries = message.attempt + 1;
        Self { tries, ..Self::of_message(EntityMessage { attempt: 0, ..message.clone() }, why) }
    }

    /// A message that was read and not worked on: its job is gone, it is in a wrong queue, or the broker gave it up.
    pub fn of_message(message: EntityMessage, why: GivenUp<'_>) -> Self {
        let entity = message.target.entity.to_string();
        Self { run: Some(message.run), message: Some(message), ..Self::new(entity, why) }
    }

    /// A body that is no message. `run` and `content_type` are what its publisher said beside it.
    pub fn of_unreadable(body: &[u8], content_type: Option<String>, run: Option<RunId>, why: GivenUp<'_>) -> Self {
        let start = &body[..body.len().min(1024)];
        let newer = matches!(wire::decode(body), Err(WireError::Newer { .. }));
        Self {
            run,
            body: Some(String::from_utf8_lossy(start).into_owned()),
            content_type,
            envelope: newer.then(|| body.iter().map(|byte| format!("{byte:02x}")).collect()),
            ..Self::new(format!("unreadable {:016x}", xxhash_rust::xxh3::xxh3_64(body)), why)
        }
    }

    /// A name in a listing or a list of ids that cannot be an id.
    pub fn of_bad_name(name: &str, source: Option<String>, run: RunId, why: GivenUp<'_>) -> Self {
        Self { run: Some(run), body: Some(name.to_owned()), source, ..Self::new(name.to_owned(), why) }
    }

    fn new(entity: String, why: GivenUp<'_>) -> Self {
        let GivenUp { job, node, millis, reason, text } = why;
        Self {
            run: None,
            job: job.clone(),
            entity,
            reason,
            text,
            stderr: String::new(),
            tries: 0,
            millis,
            node: node.to_owned(),
            about: None,
            message: None,
            body: None,
            source: None,
            times: once(),
            content_type: None,
            envelope: None,
        }
    }

    /// The same letter with its message, where this version can read what the version that wrote the letter could not.
    pub(super) fn read_by_now(mut self) -> Self {
        let envelope = self.envelope.as_deref().filter(|_| self.message.is_none());
        if let Some(message) = envelope.and_then(bytes_of).and_then(|bytes| wire::decode(&bytes).ok()) {
            self.entity = message.target.entity.to_string();
            self.message = Some(message);
        }
        self
    }

    /// Whether it is of a body that is no message.
    pub fn is_unreadable(&self) -> bool {
        self.message.is_none() && self.body.is_some() && self.reason != Reason::BadId
    }

    /// The run or the inbox.
    pub fn owner(&self) -> LetterOwner {
        self.run.map_or(LetterOwner::Inbox, LetterOwner::from)
    }

    /// The key under which the letter is kept, unless an older one of later time lies there.
    pub fn key(&self) -> String {
        self.key_parts(&self.owner().to_string(), &letter_name(&self.entity)).to_string()
    }

    /// What stands in its key, with its owner and the name of its entity as text.
    pub(super) fn key_parts<'k>(&'k self, owner: &'k str, name: &'k str) -> LetterKey<'k> {
        let holds = match (&self.message, &self.envelope) {
            (Some(_), _) if self.about.is_some() => Holds::MessageAbout,
            (Some(_), _) => Holds::Message,
            (None, Some(_)) => Holds::Envelope,
            (None, None) => Holds::Nothing,
        };
        let (job, digest) = (self.job.as_str(), self.digest());
        LetterKey { owner, job, name, digest, millis: self.millis, holds, reason: self.reason }
    }

    /// A number for the letter: the same for all that are one.
    pub fn identity(&self) -> u128 {
        let (owner, name) = (self.owner().to_string(), letter_name(&self.entity));
        letter_number(&owner, self.job.as_str(), &name, self.digest())
    }

    /// Letters of the same owner, job, entity and digest are one: its frames are in it. In the inbox each message has a wave of
    /// its own, and the wave is left out: a message that is published again and fails again has one letter. Messages of one
    /// body that cannot be read have one letter for each node, which counts them.
    pub(super) fn digest(&self) -> u64 {
        let stack = match (&self.message, &self.body) {
            (Some(message), _) => {
                let base = match &message.base {
                    Base::Down(wave) if self.owner() == LetterOwner::Inbox => {
                        Base::Down(Arc::new(Wave { id: 0, ..Wave::clone(wave) }))
                    }
                    base => base.clone(),
                };
                serde_json::to_vec(&(&base, &message.frames)).expect("a message has a JSON form")
            }
            (None, Some(body)) if self.is_unreadable() => [body.as_bytes(), b"\n", self.node.as_bytes()].concat(),
            (None, Some(body)) => body.as_bytes().to_vec(),
            (None, None) => Vec::new(),
        };
        xxhash_rust::xxh3::xxh3_64(&stack)
    }
}

/// The bytes that hexadecimal digits stand for, two each.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair.filter(|pair| pair.len() == 2)?, 16).ok()).collect()
}
