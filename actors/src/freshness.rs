//! Is an output fresh for a message, or is it to be redone? Force compares runs on stamps; it is not a flag.

use crate::ids::{JobName, RunId};
use crate::message::Force;
use crate::mutants::{Mutant, active};
use crate::plan::{JobIx, NodePlan};
use crate::storage::{ObjectInfo, Stamp};

/// By how much a run on a stamp may lie ahead of this machine's clock, in milliseconds, before it is of the future.
const AHEAD: u64 = 60_000;

/// What a message demands of a job's output beyond its being there.
#[derive(Debug)]
pub struct Demand<'p> {
    job: &'p JobName,
    forced: Vec<&'p JobName>,
    run: RunId,
    now: u64,
}

impl<'p> Demand<'p> {
    /// What `force` of `run` demands of an output of the job at `at`: that the job and its ancestors, as far as `force`
    /// names them, ran in `run` or later. `now` is this machine's time in milliseconds after the Unix epoch.
    pub fn new(plan: &'p NodePlan, at: JobIx, force: &Force, run: RunId, now: u64) -> Self {
        let job = &plan.job(at).name;
        let forced = match force {
            Force::None => Vec::new(),
            _ => {
                let above = plan.job(at).ancestors.iter().map(|a| &plan.job(*a).name);
                std::iter::once(job).chain(above).filter(|name| force.names(name)).collect()
            }
        };
        Self { job, forced, run, now }
    }

    /// Whether it is enough that the output is there.
    pub fn is_presence(&self) -> bool {
        self.forced.is_empty()
    }

    /// Whether an object that is there is fresh. A foreign object is fresh only where nothing is forced.
    pub fn is_met_by(&self, found: &ObjectInfo) -> bool {
        if active(Mutant::BareForce) {
            let bare_flag = self.forced.contains(&self.job);
            return !bare_flag || found.stamp.as_ref().and_then(|s| s.run()).is_some_and(|run| run >= self.run);
        }
        self.forced.is_empty() || found.stamp.as_ref().is_some_and(|stamp| self.is_covered_by(stamp))
    }

    fn is_covered_by(&self, stamp: &Stamp) -> bool {
        let covers = |run: &RunId| is_of_run_or_later(*run, self.run, self.now);
        self.forced.iter().all(|job| stamp.runs.get(*job).is_some_and(covers))
    }
}

/// Whether an output with this stamp was made in `run` or in a later one, as seen at `now`. Then it is good for that run,
/// whatever changed since: that is for the next one. Otherwise work would chase what other runs make anew, and what was seen
/// to be there would be there no more when the last input comes.
pub fn is_made_since(stamp: Option<&Stamp>, run: RunId, now: u64) -> bool {
    stamp.and_then(Stamp::run).is_some_and(|stamped| is_of_run_or_later(stamped, run, now))
}

fn is_of_run_or_later(stamped: RunId, run: RunId, now: u64) -> bool {
    stamped >= run && !is_of_the_future(stamped, run, now)
}

/// Whether a run on a stamp lies in the future as a message of `run` sees it at `now`: later than that run, and later than
/// this machine's clock allows.
///
/// It was made where the clock is ahead, or named by another program. It is no proof that the output was made after `run`
/// began, so it covers no demand, and the stamp of the work that follows may be lower. A stamp of a later run that is taken
/// for one of the future costs work and nothing else.
pub fn is_of_the_future(stamped: RunId, run: RunId, now: u64) -> bool {
    if active(Mutant::TrustTheFuture) {
        return false;
    }
    stamped > run && stamped.millis() > now.max(run.millis()).saturating_add(AHEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_of_the_future_only_beyond_the_clock_and_the_run_that_looks() {
        let (hour, now) = (3_600_000, 10 * 3_600_000);
        let run = |millis| RunId::new(millis, 7);
        assert!(is_of_the_future(run(now + 2 * hour), run(now), now));
        assert!(is_of_the_future(run(now + 2 * hour), run(hour), now), "an old run trusts it no more");
        assert!(!is_of_the_future(run(now + AHEAD), run(now), now), "clocks differ a little");
        assert!(!is_of_the_future(run(now), run(hour), now), "a later run of the past");
        // The clock of a node is behind that of whoever published the run.
        assert!(!is_of_the_future(run(now + 2 * hour), run(now + 2 * hour), now), "its own stamp");
        assert!(!is_of_the_future(run(now + 2 * hour + 5), run(now + 2 * hour), now), "the run after it");
    }
}
