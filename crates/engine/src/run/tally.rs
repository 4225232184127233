//! What became of a run so far, in numbers.

use std::collections::BTreeMap;

use super::work_times::Slowest;

/// What became of a job's entities so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobTally {
    /// Entities of the run that need this job.
    pub required: u64,
    /// Of these, the ones that came to an end.
    pub ended: u64,
    /// Made in this run, for whomever.
    pub done: u64,
    /// There before.
    pub exists: u64,
    /// Declined here or at an ancestor.
    pub skipped: u64,
    /// Failed for good here or at an ancestor.
    pub dead: u64,
    /// Of the dead, those with a dead letter of their own at this job.
    pub letters: u64,
    /// Tries that failed and were followed by another.
    pub retried: u64,
    /// Messages that travelled without work.
    pub pings: u64,
    /// How long the works of this job took, added up, in milliseconds.
    pub millis: u64,
}

impl JobTally {
    /// One that was counted as ended is open after all: most likely it was counted as done.
    pub fn reopen(&mut self) {
        self.ended = self.ended.saturating_sub(1);
        let counts = [&mut self.done, &mut self.exists, &mut self.dead, &mut self.skipped];
        if let Some(count) = counts.into_iter().find(|count| **count > 0) {
            *count -= 1;
        }
        self.letters = self.letters.min(self.dead);
    }
}

/// What became of a run so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Entities met so far.
    pub entities: u64,
    /// Names that cannot be ids.
    pub bad_names: u64,
    /// For each job, parents before children.
    pub jobs: Vec<JobTally>,
    /// Entities that wait to be sent.
    pub waiting: u64,
    /// Entities that are under way.
    pub open: usize,
    /// The longest works.
    pub slowest: Slowest,
    /// The jobs of this process whose work waits for a store, with what the store last said.
    pub stalls: BTreeMap<String, String>,
}

impl Tally {
    /// The dead letters of all jobs.
    pub fn letters(&self) -> u64 {
        self.jobs.iter().map(|job| job.letters).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_after_all_is_counted_once() {
        let mut job = JobTally { required: 3, ended: 3, done: 1, dead: 2, letters: 2, ..JobTally::default() };
        job.reopen();
        assert_eq!((job.ended, job.done, job.dead), (2, 0, 2));
        job.reopen();
        assert_eq!((job.ended, job.done, job.dead, job.letters), (1, 0, 1, 1));
        assert_eq!(job.required - job.ended, job.required - job.done - job.dead, "the rest is open");
    }
}
