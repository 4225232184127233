//! Which outputs that are there a run makes anew.

use serde::{Deserialize, Serialize};

use crate::ids::JobName;

/// The jobs to redo although their outputs exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub enum Force {
    /// Outputs that exist are good.
    #[default]
    None,
    /// These jobs.
    Jobs(Vec<JobName>),
    /// Every job on the way.
    All,
}

impl Force {
    /// Whether `job` is to be redone.
    pub fn names(&self, job: &JobName) -> bool {
        match self {
            Force::None => false,
            Force::Jobs(jobs) => jobs.contains(job),
            Force::All => true,
        }
    }
}

/// Which outputs a run makes anew although they are there, beside those that its force names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refresh {
    /// Those whose inputs are others now. If not, nothing is made anew.
    pub inputs: bool,
    /// Also those of these jobs that another recipe made.
    #[serde(default)]
    pub recipes: Force,
    /// Each output is looked at, whatever the times of a listing tell.
    #[serde(default)]
    pub exact: bool,
}

impl Default for Refresh {
    fn default() -> Self {
        Self { inputs: true, ..Self::NEVER }
    }
}

impl Refresh {
    /// None.
    pub const NEVER: Refresh = Refresh { inputs: false, recipes: Force::None, exact: false };

    /// Whether there are none.
    pub fn is_never(&self) -> bool {
        !self.inputs
    }

    /// Whether it is enough to look at those outputs that came before something that they were made from.
    pub fn trusts_times(&self) -> bool {
        self.recipes == Force::None && !self.exact
    }
}
