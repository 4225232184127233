//! What would become of a target in a run: a value.

use super::needs::bad_key;
use crate::edges::Unobtainable;
use crate::message::Target;
use crate::out_of_date::OutOfDate;
use crate::plan::JobIx;
use crate::storage::StorageError;

/// What a run would do about one job for one entity, as long as no transform fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its output is there, and fresh.
    Have,
    /// Its transform would run.
    Make,
    /// It cannot be made: the target that gets the dead letter (itself or an ancestor), and why.
    Blocked(Target, Unobtainable),
    /// It or an ancestor was declined or dropped, and that stands.
    Skipped(Target, Unobtainable),
}

impl Fate {
    /// Whether the output will be there.
    pub fn ends_well(&self) -> bool {
        matches!(self, Fate::Have | Fate::Make)
    }
}

/// The fate of one job for one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The index of the job.
    pub at: JobIx,
    /// The job and the entity.
    pub target: Target,
    /// Whether the selection asks for it; otherwise it would be made because another job needs it.
    pub required: bool,
    /// What would become of it.
    pub fate: Fate,
    /// Where it would be made although it is there: what changed since it was made.
    pub out_of_date: Option<OutOfDate>,
}

/// A key that its store can never hold blocks the target.
pub(super) fn blocked_by_key(error: StorageError, target: &Target) -> Result<Fate, StorageError> {
    bad_key(error).map(|never| Fate::Blocked(target.clone(), never))
}
