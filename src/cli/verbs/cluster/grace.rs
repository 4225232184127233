//! For how long a node that is told to stop may finish its work.

use std::time::Duration;

use euterpe_graph_file::plan::Job;

/// How long a node may at least take to finish what it has in hand.
const LEAST: Duration = Duration::from_secs(30);
/// How much longer who ends a node waits for its end.
pub const MARGIN: Duration = Duration::from_secs(10);

/// For how long a node of these jobs finishes its work: for the longest that one try may take.
pub fn grace<'j>(jobs: impl IntoIterator<Item = &'j Job>) -> Duration {
    jobs.into_iter().map(|job| job.timeout).max().unwrap_or_default().max(LEAST)
}

/// A time in whole seconds, rounded up.
pub fn seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}
