//! What is asked of pruning.

use std::time::Duration;

/// What is to be pruned.
#[derive(Clone, Debug, Default)]
pub struct PruneRequest {
    /// Outputs of these jobs alone, of the graph or gone; all where there is none.
    pub jobs: Vec<String>,
    /// Only what was last written so long ago.
    pub older_than: Option<Duration>,
    /// Also what was made in runs of which there is no record any more, of the jobs that are named.
    pub unrecorded: bool,
    /// Also what has no stamp and lies where a job of the graph would write for an entity that is gone.
    pub foreign: bool,
    /// That the sources are as they should be although one of them is empty, or most outputs have none any more.
    pub sources_are_right: bool,
    /// Remove it; otherwise it is only found.
    pub delete: bool,
}
