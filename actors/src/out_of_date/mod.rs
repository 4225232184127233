//! Whether an output is what would be made of its inputs today. Its stamp tells the version of each input that it was made
//! from.

mod inspector;
mod made;
mod same_run;

use std::fmt;
use std::time::SystemTime;

use crate::ids::InputName;
use crate::message::Target;
use crate::plan::{JobIx, NodePlan};
use crate::standard::nanos;
use crate::state::StateStore;
use crate::storage::{Stamp, StorageError};

pub use inspector::Inspector;

/// Why an output is out of date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfDate {
    /// The output that an input of changed: the one that was asked about, or one that it was made from.
    pub target: Target,
    /// That job's name for the input; none where its inputs are recorded together.
    pub input: Option<InputName>,
    /// What happened to it.
    pub change: Change,
    /// Where another recipe made it: which one.
    pub recipe: Option<String>,
}

/// What happened to an input since an output was made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Another file lies in the place of the source.
    Replaced,
    /// An optional source is there that was not.
    Came,
    /// An optional source is not there any more.
    Went,
    /// The output of a parent has another content.
    MadeAnew,
    /// The job's recipe made it that was in force then.
    Recipe,
    /// The job did not have that input then.
    Added,
    /// The job has that input no more.
    Removed,
    /// It came, or was made anew, after what was made from it, and what was made between is not there.
    Newer,
    /// One of many.
    OneOfMany,
    /// What lies there is an output of another job, or another output of this one.
    OtherOutput,
    /// The target is not there, and the output was not made from it.
    NotRead,
}

impl Change {
    /// For programs.
    pub const fn name(self) -> &'static str {
        match self {
            Change::Replaced => "replaced",
            Change::Came => "came",
            Change::Went => "went",
            Change::MadeAnew => "made_anew",
            Change::Recipe => "recipe",
            Change::Added => "input_added",
            Change::Removed => "input_removed",
            Change::Newer => "newer",
            Change::OneOfMany => "one_of_many",
            Change::OtherOutput => "other_output",
            Change::NotRead => "not_read",
        }
    }

    /// For people, after the name of the input.
    pub const fn text(self) -> &'static str {
        match self {
            Change::Replaced => "was replaced",
            Change::Came => "came",
            Change::Went => "is gone",
            Change::MadeAnew => "has another content",
            Change::Recipe => "was another job",
            Change::Added => "became an input",
            Change::Removed => "is no input any more",
            Change::Newer => "is newer than what was made from it",
            Change::OneOfMany => "changed",
            Change::OtherOutput => "is another output",
            Change::NotRead => "was not read",
        }
    }
}

/// Whether an object with this stamp is another output than the one at `number` among those of the job at `at`: the graph file
/// was changed, and another one was written there before. That of a job which is only called otherwise now is none.
pub fn is_other_output(plan: &NodePlan, at: JobIx, number: usize, stamp: &Stamp) -> bool {
    let is_of_other_job = stamp.job != plan.job(at).name;
    match &stamp.making {
        Some(making) => {
            let does_otherwise =
                plan.recipe(at).is_some_and(|today| !making.recipe.is_empty() && making.recipe != today);
            making.output.map_or(0, usize::from) != number || (is_of_other_job && does_otherwise)
        }
        // Of a former version.
        None => is_of_other_job && plan.find(stamp.job.as_str()).is_some(),
    }
}

/// Whether an output of a job that had another name then counts as made by what the job at `at` does today: somebody accepted
/// it under that name.
///
/// # Errors
/// What keeps the recipes from being read.
pub(crate) async fn was_accepted(
    plan: &NodePlan,
    state: &StateStore,
    at: JobIx,
    stamp: &Stamp,
    written: Option<SystemTime>,
) -> Result<bool, StorageError> {
    let (Some(making), Some(today)) = (&stamp.making, plan.recipe(at)) else { return Ok(false) };
    if stamp.job == plan.job(at).name || plan.find(stamp.job.as_str()).is_some() || making.recipe.is_empty() {
        return Ok(false);
    }
    let histories = state.recipes().await?;
    Ok(histories.get(&stamp.job).is_some_and(|then| then.counts_as(&making.recipe, today, written.and_then(nanos))))
}

impl fmt::Display for OutOfDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.input {
            Some(input) if self.change == Change::Newer => {
                write!(f, "`{input}` of `{}` {}, and what lay between is gone", self.target.job, self.change.text())
            }
            Some(input) if self.change == Change::Removed => {
                write!(f, "`{input}`, from which it was made, is no input of `{}` any more", self.target.job)
            }
            Some(input) => write!(f, "`{input}` of `{}` {} since it was made", self.target.job, self.change.text()),
            None if self.change == Change::Recipe => write!(f, "`{}` was changed since it was made", self.target.job),
            None if self.change == Change::OtherOutput => {
                write!(f, "what lies where `{}` writes is another output", self.target.job)
            }
            None if self.change == Change::NotRead => {
                write!(f, "`{}` is to be made, and was no input when it was made", self.target.job)
            }
            None => write!(f, "one of the inputs of `{}` changed since it was made", self.target.job),
        }
    }
}
