//! Which process is measured for a job, and the job as it is opened for that.

use std::path::Path;

use euterpe_actors::plan::JobIx;
use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Job;
use euterpe_processes::{COMMAND, WORKER};
use serde::Serialize;

/// The variable by which a Python worker knows where to write how long each line took.
const LINES: &str = "EUTERPE_PROFILE_LINES";

/// Which process is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// One of the program itself, which does the work of this try and nothing else.
    Program,
    /// The job's worker process.
    Worker,
    /// The programs that a command starts.
    Command,
}

impl Measured {
    /// Of a job.
    pub fn of(job: &Job) -> Self {
        match job.transform.as_str() {
            _ if job.python.is_some() => Self::Worker,
            WORKER => Self::Worker,
            COMMAND => Self::Command,
            _ => Self::Program,
        }
    }

    /// The same in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Program => "a process of the program itself, for each try a new one",
            Self::Worker => "the job's worker process, for each try a new one",
            Self::Command => "the programs that the command starts",
        }
    }
}

/// How much slower a function may be whose lines are measured, before its time is over.
const SLOWER: u32 = 100;

/// The plan with the job at `at` as it is measured: no limits of memory, which would end a process that is to be looked at,
/// one worker with the threads that it has in its pool. Where `lines` names a file, a Python function writes there how long each line took.
pub fn profiled(plan: &Plan, at: JobIx, lines: Option<&Path>) -> Plan {
    let mut plan = plan.clone();
    let job = &mut plan.jobs[at.0];
    (job.memory, job.recycle_after, job.isolate) = (None, None, false);
    if let (Some(python), Some(file)) = (&mut job.python, lines) {
        python.variables.insert(LINES.to_owned(), file.display().to_string());
        job.timeout = job.timeout.saturating_mul(SLOWER);
    }
    plan
}
