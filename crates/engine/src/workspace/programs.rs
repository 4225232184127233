//! The programs that jobs start: whether they are on this machine.

use std::path::PathBuf;

use euterpe_graph_file::plan::{Job, Plan};
use euterpe_graph_file::{Problem, Problems};
use euterpe_processes::{WORKER, program_of};

/// The program of each job that names one: where it is, or why it cannot be started.
fn programs(plan: &Plan) -> impl Iterator<Item = (&Job, Result<PathBuf, String>)> {
    let names_one = |job: &&Job| job.python.is_none() && (job.transform == "command" || job.transform == WORKER);
    plan.jobs.iter().filter(names_one).filter_map(|job| Some((job, program_of(&job.options, &plan.folder)?)))
}

/// The same of the jobs that start a program for each entity. Workers say by themselves that they cannot begin.
pub fn commands(plan: &Plan) -> impl Iterator<Item = (&Job, Result<PathBuf, String>)> {
    programs(plan).filter(|(job, _)| job.transform != WORKER)
}

/// The programs that a graph file names and that this machine does not have, in the form of the file's other problems.
pub fn missing_programs(plan: &Plan) -> Problems {
    let problem = |(job, found): (&Job, Result<PathBuf, String>)| {
        let message = found.err()?;
        Some(Problem { position: job.position, path: format!("jobs.{}.with.argv", job.name), message })
    };
    Problems { file: plan.file.display().to_string(), problems: programs(plan).filter_map(problem).collect(), more: 0 }
}
