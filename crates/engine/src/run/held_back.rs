//! The sources of a run that are left to a later one, since somebody may still be writing them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use euterpe_actors::ids::EntityId;
use euterpe_actors::storage::Dates;

/// So far the clock of a server may be ahead of ours. A file that is further ahead is not waited for.
const AHEAD: Duration = Duration::from_secs(60);

/// The sources of a run that are left to a later one, since somebody may still be writing them.
#[derive(Clone, Debug)]
pub struct HeldBack {
    ids: Arc<HashSet<EntityId>>,
    /// For how long a file must not have been touched; none in stores that show whole objects only.
    settle: Option<Duration>,
}

impl HeldBack {
    /// Leaves out these ids, and what was touched within `settle` before it is listed.
    pub(super) fn new(ids: Arc<HashSet<EntityId>>, settle: Option<Duration>) -> Self {
        Self { ids, settle }
    }

    /// Whether a source of this id, which a listing shows with these dates, is left to a later run.
    pub(super) fn holds(&self, id: &EntityId, dates: Dates) -> bool {
        self.ids.contains(id) || self.settle.is_some_and(|settle| is_young(dates, settle, SystemTime::now()))
    }
}

/// Whether what has these dates was touched within `settle` before `now`.
pub(super) fn is_young(dates: Dates, settle: Duration, now: SystemTime) -> bool {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let arrived = Duration::from_nanos(dates.arrived);
    arrived + settle > now && arrived < now + AHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_young_until_nobody_has_touched_it_for_a_while() {
        let (now, second) = (UNIX_EPOCH + Duration::from_secs(1000), Duration::from_secs(1));
        let at = |seconds: f64| Dates { written: 1, arrived: (seconds * 1e9) as u64 };
        for (seconds, settle, is) in [
            (999.5, second, true),
            (998.9, second, false),
            (1000.0, Duration::ZERO, false),
            (1000.5, second, true),  // a server's clock
            (2000.0, second, false), // no clock: it would be waited for without end
            (0.0, second, false),    // a store that does not tell
        ] {
            assert_eq!(is_young(at(seconds), settle, now), is, "{seconds} {settle:?}");
        }
    }
}
