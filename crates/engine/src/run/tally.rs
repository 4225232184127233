//! What became of a run so far, in numbers.

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
}

impl Tally {
    /// The dead letters of all jobs.
    pub fn letters(&self) -> u64 {
        self.jobs.iter().map(|job| job.letters).sum()
    }
}
