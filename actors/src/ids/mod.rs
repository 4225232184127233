//! The names that everything is keyed by: entity, job, store, run.
//!
//! Each is a checked newtype: what holds one has passed the rules below, so nothing further in asks again.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use thiserror::Error;

mod normal;

use normal::is_forbidden;
pub(crate) use normal::is_invisible;
pub use normal::{decomposed_form, escaped_form, normal_form};

/// The most bytes that an entity id may have.
pub const MAX_ENTITY_BYTES: usize = 512;

/// Why a text cannot be an id. Lower case, names the offence and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadId {
    /// No text at all.
    #[error("an id may not be empty")]
    Empty,
    /// Longer than [`MAX_ENTITY_BYTES`].
    #[error("an id may have at most {MAX_ENTITY_BYTES} bytes, this one has {0}")]
    TooLong(usize),
    /// Control, bidirectional or zero-width characters, and the backslash.
    #[error("an id may not hold the character U+{:04X}", *.0 as u32)]
    Character(char),
    /// An empty, `.` or `..` segment between slashes, or a slash at either end.
    #[error("an id may not have an empty, `.` or `..` segment between slashes")]
    Segment,
    /// Not in [normal form](normal_form), so that two ids could look the same.
    #[error("an id must be in Unicode normal form C, with joiners and variation selectors only where they are seen")]
    NotNormal,
    /// A job, store, input or graph name with other characters than letters, digits, `_` and `-`.
    #[error("a name starts with a letter and has only letters, digits, `_` and `-` (at most 64), not `{0}`")]
    Name(String),
    /// Not the text form of a run id.
    #[error("`{0}` is not a run id; `euterpe runs ls` shows them")]
    Run(String),
}

/// One item of the catalogue, named by its id: `t-0042`, `artist/album/01`, for a pair `t-1,t-2`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntityId(Arc<str>);

impl EntityId {
    /// Checks `text` against the rules for ids.
    ///
    /// # Errors
    /// [`BadId`] with the rule that it breaks.
    pub fn new(text: &str) -> Result<Self, BadId> {
        check_entity(text)?;
        Ok(Self(text.into()))
    }

    /// The id of a name as people and file systems write it: its [normal form](normal_form).
    ///
    /// # Errors
    /// [`BadId`] with the rule that the normal form breaks.
    pub fn of_name(name: &str) -> Result<Self, BadId> {
        Self::new(&normal_form(name))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_entity(text: &str) -> Result<(), BadId> {
    if text.is_empty() {
        return Err(BadId::Empty);
    }
    if text.len() > MAX_ENTITY_BYTES {
        return Err(BadId::TooLong(text.len()));
    }
    if let Some(bad) = text.chars().find(|c| is_forbidden(*c)) {
        return Err(BadId::Character(bad));
    }
    if text.split('/').any(|s| matches!(s, "" | "." | "..")) {
        return Err(BadId::Segment);
    }
    if !text.is_ascii() && normal_form(text) != text {
        return Err(BadId::NotNormal);
    }
    Ok(())
}

macro_rules! text_like {
    ($name:ident, $make:expr) => {
        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                let make: fn(&str) -> Result<$name, BadId> = $make;
                make(&text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                $name::new(text)
            }
        }
    };
}

macro_rules! plain_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks that `text` is a plain name: a letter, then letters, digits, `_` and `-`, at most 64.
            ///
            /// # Errors
            /// [`BadId::Name`] with the text.
            pub fn new(text: &str) -> Result<Self, BadId> {
                let plain = text.len() <= 64
                    && text.starts_with(|c: char| c.is_ascii_alphabetic())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
                if plain { Ok(Self(text.into())) } else { Err(BadId::Name(text.chars().take(80).collect())) }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        text_like!($name, $name::new);
    };
}

text_like!(EntityId, EntityId::new);
plain_name!(
    /// A vertex of the graph. Its queue has the same name.
    JobName
);
plain_name!(
    /// A place where objects live, as named in the graph file.
    StoreName
);
plain_name!(
    /// A job's name for one of its inputs.
    InputName
);

/// One `run` or `publish`; every message that it causes keeps it. Ordered: a later run is greater.
///
/// Written `20261123-063012.345-1a2b3c4d`: the time in UTC at which it started, and a salt.
///
/// A message by others that names no run gets one of its own, `20261123-063012.345-inbox`: of the time at which a node
/// first saw it, so that it is ordered among the runs, and with a salt that no run has. It has no manifest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId {
    millis: u64,
    salt: u32,
}

impl RunId {
    /// Before every run: on a stamp, for an ancestor that was never seen to run.
    pub const NEVER: RunId = RunId::new(0, 0);

    /// A run that started `millis` after the Unix epoch, told from others of that moment by `salt`.
    pub const fn new(millis: u64, salt: u32) -> Self {
        Self { millis, salt }
    }

    /// A run of one message by others, that was first seen `millis` after the Unix epoch.
    pub const fn inbox_at(millis: u64) -> Self {
        Self { millis, salt: INBOX_SALT }
    }

    /// Whether this is the run of a message by others that names none.
    pub const fn is_inbox(self) -> bool {
        self.salt == INBOX_SALT
    }

    /// When the run started, in milliseconds after the Unix epoch.
    pub const fn millis(self) -> u64 {
        self.millis
    }

    /// The smallest run id that is greater than `self` whatever its salt.
    pub const fn next_millis(self) -> u64 {
        self.millis + 1
    }
}

const RUN_FORMAT: &str = "%Y%m%d-%H%M%S";
/// The salt that marks the inbox, and what stands for it in text.
const INBOX_SALT: u32 = u32::MAX;
const INBOX: &str = "inbox";

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = (self.millis / 1000) as i64;
        let time = jiff::Timestamp::from_second(seconds).map_err(|_| fmt::Error)?;
        write!(f, "{}.{:03}-", time.strftime(RUN_FORMAT), self.millis % 1000)?;
        if self.is_inbox() { f.write_str(INBOX) } else { write!(f, "{:08x}", self.salt) }
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for RunId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        let bad = || BadId::Run(text.chars().take(80).collect());
        let (time, rest) = text.split_once('.').ok_or_else(bad)?;
        let (millis, salt) = rest.split_once('-').ok_or_else(bad)?;
        if millis.len() != 3 || (salt.len() != 8 && salt != INBOX) {
            return Err(bad());
        }
        let civil = jiff::civil::DateTime::strptime(RUN_FORMAT, time).map_err(|_| bad())?;
        let at = jiff::tz::TimeZone::UTC.to_timestamp(civil).map_err(|_| bad())?;
        let millis: u64 = millis.parse().map_err(|_| bad())?;
        let seconds = u64::try_from(at.as_second()).map_err(|_| bad())?;
        let salt = if salt == INBOX { INBOX_SALT } else { u32::from_str_radix(salt, 16).map_err(|_| bad())? };
        Ok(Self { millis: seconds * 1000 + millis, salt })
    }
}

// Text where people read it (stamps, manifests, dead letters), twelve bytes where nodes do.
impl Serialize for RunId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { (self.millis, self.salt).serialize(s) }
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        if d.is_human_readable() {
            let text = String::deserialize(d)?;
            text.parse().map_err(serde::de::Error::custom)
        } else {
            let (millis, salt) = <(u64, u32)>::deserialize(d)?;
            if millis > 253_402_300_799_999 {
                return Err(serde::de::Error::custom("a run's time is after the year 9999"));
            }
            Ok(Self { millis, salt })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_reads_back_from_its_text_and_keeps_its_order() {
        let a = RunId::new(1_795_415_412_345, 0x1a2b_3c4d);
        let b = RunId::new(1_795_415_412_346, 0);
        assert_eq!(a.to_string().parse(), Ok(a));
        assert!(a < b && a.to_string() < b.to_string());
        assert!("yesterday".parse::<RunId>().is_err());
        let inbox = RunId::inbox_at(1_795_415_412_345);
        assert_eq!(inbox.to_string(), "20261123-063012.345-inbox");
        assert_eq!(inbox.to_string().parse(), Ok(inbox));
        assert!(inbox.is_inbox() && !a.is_inbox() && a < inbox && inbox < b);
    }

    #[test]
    fn an_id_that_could_leave_its_folder_or_hide_is_refused() {
        for bad in
            ["", "/a", "a/", "a//b", "..", "a/../b", ".", "a\\b", "a\0b", "a\nb", "a\u{202E}b", "a\u{200B}", "e\u{301}"]
        {
            assert!(EntityId::new(bad).is_err(), "{bad:?} was taken");
        }
        assert_eq!(EntityId::new("a\u{FE0F}"), Err(BadId::NotNormal));
        assert_eq!(EntityId::of_name("e\u{301}\u{200F}").map(String::from), Ok("\u{e9}".to_owned()));
        assert_eq!(EntityId::new(&"x".repeat(513)), Err(BadId::TooLong(513)));
        let heart = "\u{2764}\u{FE0F}";
        for good in ["t-1", "t-1,t-2", "artist/al bum/01 é", "...a", "a.b", "$(x)", "--help", heart] {
            assert!(EntityId::new(good).is_ok(), "{good:?} was refused");
        }
    }
}
