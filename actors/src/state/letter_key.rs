//! The key of a dead letter. It says whose the letter is, of which target, why and when, so that letters are counted and
//! found without being read.
//!
//! ```text
//! dead/<run, or inbox>/<job>/<part>/<entity>~<digest>~<millis><holds>~<reason>.json
//! ```
//!
//! Letters of one run, job, entity and digest are one letter, of which the newest counts: whoever fails again writes a new
//! one and then removes the older. The parts keep the folders small, for the writer lists the one that it writes to.

use std::cmp::Ordering;
use std::fmt;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::record_name::{entity_of_name, name_within};
use crate::message::Target;
use crate::outcome::Reason;

/// Where letters lie.
pub(super) const DEAD: &str = "dead/";

/// The longest name of an entity: with all that follows it, a name of a file has at most 143 bytes, as many as every file
/// system takes.
const LONGEST_NAME: usize = 86;

/// How many parts the letters of a job are in.
const PARTS: u64 = 4096;

/// What a letter holds, as far as that matters to who counts letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holds {
    /// A message, to be published again.
    Message,
    /// A message, and the name of another target for which the letter counts.
    MessageAbout,
    /// No message.
    Nothing,
    /// A message that the version which wrote the letter could not read.
    Envelope,
}

impl Holds {
    const ALL: [Holds; 4] = [Holds::Message, Holds::MessageAbout, Holds::Nothing, Holds::Envelope];

    const fn letter(self) -> char {
        match self {
            Holds::Message => 'm',
            Holds::MessageAbout => 'a',
            Holds::Nothing => 'n',
            Holds::Envelope => 'e',
        }
    }
}

/// What stands in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LetterKey<'k> {
    pub owner: &'k str,
    pub job: &'k str,
    /// The name of the entity: [`letter_name`].
    pub name: &'k str,
    /// The digest of the stack.
    pub digest: u64,
    pub millis: u64,
    pub holds: Holds,
    pub reason: Reason,
}

impl<'k> LetterKey<'k> {
    /// Reads a key; none where it is of another form.
    pub fn parse(key: &'k str) -> Option<Self> {
        let mut segments = key.strip_prefix(DEAD)?.split('/');
        let (owner, job, part, file) = (segments.next()?, segments.next()?, segments.next()?, segments.next()?);
        let mut words = file.strip_suffix(".json")?.rsplitn(4, '~');
        let (reason, when, digest, name) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let reason = Reason::named(reason)?;
        let (millis, holds) = when.split_at_checked(when.len().checked_sub(1)?)?;
        let holds = Holds::ALL.into_iter().find(|one| holds.starts_with(one.letter()))?;
        let (millis, digest) = (millis.parse().ok()?, u64::from_str_radix(digest, 16).ok()?);
        let whole = segments.next().is_none() && part == part_of(name).to_string();
        whole.then_some(Self { owner, job, name, digest, millis, holds, reason })
    }

    /// What the keys of all letters start with that are one with this one.
    pub fn family(&self) -> String {
        let Self { owner, job, name, digest, .. } = self;
        format!("{}{digest:016x}~", of_entity(owner, job, name))
    }

    /// Which of two letters that are one is the newer.
    pub fn age(&self, other: &Self) -> Ordering {
        let rank = |key: &Self| (key.millis, key.reason, key.holds);
        rank(self).cmp(&rank(other))
    }
}

impl fmt::Display for LetterKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, job, name, digest, millis, holds, reason } = self;
        let (part, holds) = (part_of(name), holds.letter());
        write!(f, "{DEAD}{owner}/{job}/{part}/{name}~{digest:016x}~{millis:013}{holds}~{reason}.json")
    }
}

/// What the keys of all letters of a target in a run start with; perhaps those of others do, too.
pub(super) fn of_entity(owner: &str, job: &str, name: &str) -> String {
    format!("{DEAD}{owner}/{job}/{}/{name}~", part_of(name))
}

/// The name of an entity in the keys of its letters.
pub(super) fn letter_name(entity: &str) -> String {
    name_within(LONGEST_NAME, entity)
}

/// The entity of a name; none where the name holds only the start of it.
pub(super) fn entity_of(name: &str) -> Option<String> {
    entity_of_name(name)
}

/// A number for a job and the name of an entity, the same for all letters of the target.
pub(super) fn target_number(job: &str, name: &str) -> u128 {
    xxh3_128(format!("{job}/{name}").as_bytes())
}

/// A number for a letter, the same for all that are one.
pub(super) fn letter_number(owner: &str, job: &str, name: &str, digest: u64) -> u128 {
    xxh3_128(format!("{owner}/{job}/{digest:016x}/{name}").as_bytes())
}

/// The number of a target in lists of letters.
pub fn target_number_of(target: &Target) -> u128 {
    target_number(target.job.as_str(), &letter_name(target.entity.as_str()))
}

/// A folder among the parts.
struct Part(u64);

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03x}", self.0)
    }
}

fn part_of(name: &str) -> Part {
    Part(xxh3_64(name.as_bytes()) % PARTS)
}

/// The key of a letter that a former version wrote: `dead/<run, or inbox>/<job>/<entity>/<digest>.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FormerKey<'k> {
    pub job: &'k str,
    pub name: &'k str,
}

impl<'k> FormerKey<'k> {
    /// Reads a key; none where it is of another form.
    pub fn parse(key: &'k str) -> Option<Self> {
        let mut segments = key.strip_prefix(DEAD)?.split('/');
        let (_, job, name, file) = (segments.next()?, segments.next()?, segments.next()?, segments.next()?);
        let digest = file.strip_suffix(".json")?;
        let is_digest = !digest.is_empty() && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_digest && segments.next().is_none()).then_some(Self { job, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_is_short_enough_and_is_told_from_those_of_former_versions() {
        let long = "\u{e9}".repeat(200);
        for entity in ["t-1", "a/b c~d", "unreadable 0011", long.as_str()] {
            let name = letter_name(entity);
            let reason = Reason::GivenUpByBroker;
            let key = LetterKey {
                owner: "inbox",
                job: "b",
                name: &name,
                digest: 7,
                millis: 12,
                holds: Holds::Nothing,
                reason,
            };
            let text = key.to_string();
            assert_eq!(LetterKey::parse(&text), Some(key), "{text}");
            assert!(text.starts_with(&key.family()) && text.starts_with(&of_entity("inbox", "b", &name)), "{text}");
            assert!(text.rsplit('/').next().is_some_and(|file| file.len() <= 143), "{text}");
            assert_eq!(FormerKey::parse(&text), None);
            assert_eq!(entity_of(&name), (entity != long).then(|| entity.to_owned()));
            assert_eq!(LetterKey::parse(&text.replace("/b/", "/b/0")), None, "it lies in another part");
        }
        let former = "dead/inbox/b/t-1/0123456789abcdef.json";
        assert_eq!(FormerKey::parse(former), Some(FormerKey { job: "b", name: "t-1" }));
        assert_eq!(LetterKey::parse(former), None);
    }

    #[test]
    fn of_two_letters_that_are_one_the_later_is_the_newer() {
        let key = |millis, reason| LetterKey {
            owner: "inbox",
            job: "b",
            name: "t",
            digest: 7,
            millis,
            holds: Holds::Message,
            reason,
        };
        assert_eq!(key(2, Reason::Failed).age(&key(1, Reason::Timeout)), Ordering::Greater);
        assert_ne!(key(2, Reason::Failed).age(&key(2, Reason::Timeout)), Ordering::Equal);
    }
}
