//! Groups of jobs, each served by nodes of its own, and what such a node needs of a machine.

use std::time::Duration;

use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Job;
use euterpe_processes::WORKER;

use super::names;
use crate::cli::verbs::cluster::grace::grace;

/// The group of the jobs that no flag names.
const OTHERS: &str = "nodes";

/// What a node needs by itself: its own, the messages in hand, small objects of buckets (64 MiB).
const OWN_MEMORY: u64 = 256 << 20;
/// What a worker may need whose job does not say it: a thread of ours, which reads sound as a stream; and a process, such as
/// a Python with some packages that has a track of some minutes as samples.
const THREAD_MEMORY: u64 = 256 << 20;
const PROCESS_MEMORY: u64 = 512 << 20;
/// The cores of a node some of whose jobs do not say how many they need.
const CORES: usize = 2;

/// Jobs that nodes of their own serve.
#[derive(Debug)]
pub struct Group<'p> {
    /// Its name.
    pub name: String,
    /// Its jobs, in the order of the plan.
    pub jobs: Vec<&'p Job>,
    /// Whether these are all jobs of the graph.
    pub is_all: bool,
}

/// Reads a group as it is typed.
///
/// # Errors
/// What is wrong with it.
pub fn typed(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, jobs) = text.split_once('=').ok_or("write NAME=JOB,JOB, such as heavy=mel,spectrogram")?;
    let jobs: Vec<String> = jobs.split(',').map(str::trim).filter(|job| !job.is_empty()).map(str::to_owned).collect();
    match jobs.is_empty() {
        true => Err("a group has at least one job: write NAME=JOB,JOB".into()),
        false => Ok((names::group(name)?, jobs)),
    }
}

/// The groups of a plan: those that are typed, then that of all other jobs. What is wrong with them is added to `problems`.
pub fn groups<'p>(plan: &'p Plan, typed: &[(String, Vec<String>)], problems: &mut Vec<String>) -> Vec<Group<'p>> {
    for (at, (name, jobs)) in typed.iter().enumerate() {
        if typed[..at].iter().any(|(other, _)| other == name) {
            problems.push(format!("two groups are called `{name}`; give one of them another name"));
        }
        for job in jobs {
            if plan.find(job).is_none() {
                problems.push(format!("group `{name}`: the graph has no job `{job}`"));
            }
            if let Some((other, _)) = typed[..at].iter().find(|(_, jobs)| jobs.contains(job)) {
                problems
                    .push(format!("job `{job}` is in the groups `{other}` and `{name}`; take it out of one of them"));
            }
        }
    }
    let named = |job: &&Job, jobs: &[String]| jobs.iter().any(|name| name == job.name.as_str());
    let of = |name: &str, jobs: Vec<&'p Job>| {
        let is_all = jobs.len() == plan.jobs.len();
        Group { name: name.to_owned(), jobs, is_all }
    };
    let mut groups: Vec<Group<'p>> =
        typed.iter().map(|(name, jobs)| of(name, plan.jobs.iter().filter(|job| named(job, jobs)).collect())).collect();
    let others: Vec<&Job> = plan.jobs.iter().filter(|job| !typed.iter().any(|(_, jobs)| named(job, jobs))).collect();
    if !others.is_empty() {
        if typed.iter().any(|(name, _)| name == OTHERS) {
            problems
                .push(format!("`{OTHERS}` is the group of all jobs that no --group names; give yours another name"));
        }
        groups.push(of(OTHERS, others));
    }
    groups
}

impl Group<'_> {
    /// For how long its nodes may finish what they have in hand.
    pub fn grace(&self) -> Duration {
        grace(self.jobs.iter().copied())
    }

    /// The cores of a node: as many as the jobs have workers by their pools, and two at the least where a job has no number.
    pub fn cores(&self) -> usize {
        let numbered: usize = self.jobs.iter().filter_map(|job| job.workers).sum();
        let least = if self.jobs.iter().any(|job| job.workers.is_none()) { CORES } else { 1 };
        numbered.max(least)
    }

    /// The memory of a node with so many cores: its own, and that of each worker that can be at work at the same time.
    pub fn memory(&self, cores: usize) -> u64 {
        let is_worker = |job: &Job| job.python.is_some() || job.transform == WORKER;
        let is_process = |job: &Job| is_worker(job) || job.isolate || job.transform == "command";
        let of_worker = |job: &Job| job.memory.unwrap_or(if is_process(job) { PROCESS_MEMORY } else { THREAD_MEMORY });
        // Worker processes stay, whether or not they work; all other jobs without a number share the cores.
        let stays = |job: &Job| job.workers.is_some() || is_worker(job);
        let (staying, sharing): (Vec<&Job>, Vec<&Job>) = self.jobs.iter().copied().partition(|job| stays(job));
        let each = staying.iter().map(|job| of_worker(job).saturating_mul(job.workers.unwrap_or(cores) as u64));
        let shared = sharing.iter().map(|job| of_worker(job)).max().unwrap_or(0).saturating_mul(cores as u64);
        each.fold(OWN_MEMORY.saturating_add(shared), u64::saturating_add)
    }
}
