//! The findings of the probe: which of the promises of S3 a store keeps.

use serde::{Deserialize, Serialize};

/// How many keys the probe looks for, writes, and looks for again.
pub(super) const KEYS: usize = 25;

/// What the probe found out about a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// How many of 25 writes were not seen at once, by the writer or by another client.
    pub unseen: usize,
    /// Whether a write on the condition that there is nothing is refused where there is something.
    pub create_only: ConditionSupport,
    /// Whether a write on the condition of one version is refused where another one is in place.
    pub replace_only: ConditionSupport,
    /// Whether a listing showed all that was just written.
    pub listed: bool,
    /// Whether the listing was in the order of the bytes of the keys. Nothing depends on it.
    pub ordered: bool,
    /// Whether it takes checksums with writes. Where it does not, the signature covers all bytes instead. Nothing where none
    /// were sent, because the environment or the profile is against them.
    #[serde(default)]
    pub checksums: Option<bool>,
    /// Whether it takes uploads in parts, by which large objects are written.
    #[serde(default = "yes")]
    pub parts: bool,
}

/// What an earlier version, which did not look, went by.
fn yes() -> bool {
    true
}

/// How a store treats a condition of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionSupport {
    /// It always checks it: of several writes at once exactly one succeeds.
    Atomic,
    /// It checks it, except when several writes come at once.
    Racy,
    /// It ignores it and writes.
    Ignored,
    /// It refuses requests with it.
    Refused,
}

impl Findings {
    /// Whether every write can be seen by all clients once it is done.
    pub fn is_consistent(&self) -> bool {
        self.unseen == 0
    }

    /// Whether conditional writes are atomic: of several at once exactly one succeeds.
    pub fn has_atomic_conditions(&self) -> bool {
        self.create_only == ConditionSupport::Atomic && self.replace_only == ConditionSupport::Atomic
    }

    /// Whether the store keeps all that S3 promises.
    pub fn is_all_kept(&self) -> bool {
        self.is_consistent() && self.has_atomic_conditions() && self.checksums != Some(false) && self.parts
    }

    /// In a sentence for people.
    pub fn text(&self) -> String {
        let text = |support| match support {
            ConditionSupport::Atomic => "heeded",
            ConditionSupport::Racy => "heeded, but not when several write at once",
            ConditionSupport::Ignored => "ignored",
            ConditionSupport::Refused => "refused",
        };
        let seen = match self.unseen {
            0 => "writes are seen at once".to_owned(),
            unseen => format!("{unseen} of {KEYS} writes were not seen at once"),
        };
        let listed = match (self.listed, self.ordered) {
            (true, true) => "listings are complete and in order",
            (true, false) => "listings are complete, in an order of their own",
            (false, _) => "listings lag behind",
        };
        let (create, replace) = (text(self.create_only), text(self.replace_only));
        let mut text =
            format!("{seen}; create-only writes are {create}; writes over a version are {replace}; {listed}");
        match self.checksums {
            Some(true) => {}
            Some(false) => text.push_str("; checksums are refused and left out, and all bytes are signed instead"),
            None => text.push_str("; checksums are switched off on this machine, so they were not tried"),
        }
        if !self.parts {
            text.push_str("; uploads in parts are refused, so objects of 16 MiB and more cannot be stored");
        }
        text
    }
}
