//! Jobs whose processes may start more threads together than this machine has cores.

use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Job;
use euterpe_processes::THREAD_VARIABLES;

use super::Warning;
use super::kind::{Kind, argv, variables};

const RULE: &str = "threads";

/// Programs that have one thread, whatever they do.
const PLAIN: [&str; 12] = ["awk", "cat", "cp", "cut", "dd", "echo", "head", "ln", "mv", "sed", "tail", "tee"];

/// What there is to say of the jobs on a machine with so many cores, in a process with these variables.
pub(super) fn warnings(plan: &Plan, cores: usize, env: &dyn Fn(&str) -> Option<String>) -> Vec<Warning> {
    let of_job = |job: &Job| {
        let kind = Kind::of(job);
        let workers = job.workers.unwrap_or(cores).max(1);
        let set = set_for(job, env);
        let at = |key: &str| format!("jobs.{}.{key}", job.name);
        let warn = |key: String, message| Some(Warning::new(RULE, plan, &key, message));
        let too_many = || {
            warn(
                at("pool.workers"),
                format!(
                    "{workers} workers are more than the {}: work that computes only gets slower by it; lower \
                     `pool.workers`, unless the {} mostly waits for something elsewhere",
                    counted(cores),
                    kind.name()
                ),
            )
        };
        match (kind, set) {
            (Kind::Native, _) if workers > cores => too_many(),
            (Kind::Native, _) => None,
            (_, Some((_, threads))) if workers > cores && threads <= 1 => too_many(),
            (_, Some((name, threads))) if workers * threads > cores => warn(
                at(&format!("{}.{name}", kind.variables_key())),
                format!(
                    "{workers} workers with {threads} threads each ({name}) are more than the {}; set {name} to {}, or lower \
                     `pool.workers`",
                    counted(cores),
                    (cores / workers).max(1)
                ),
            ),
            (_, Some(_)) => None,
            (Kind::Command, None) if workers > 1 && !limits_itself(job) => warn(
                at("with.env"),
                format!(
                    "nothing limits the threads of this command, and {workers} of it run at once on the {}; write `env: \
                     {{OMP_NUM_THREADS: \"{}\"}}` under `with`, or an option of the program that names its threads",
                    counted(cores),
                    (cores / workers).max(1)
                ),
            ),
            (_, None) if workers > cores => too_many(),
            (_, None) => None,
        }
    };
    plan.jobs.iter().filter_map(of_job).collect()
}

/// The cores of this machine, as the end of a sentence.
fn counted(cores: usize) -> String {
    if cores == 1 { "one core of this machine".into() } else { format!("{cores} cores of this machine") }
}

/// The variable by which a job, or the environment that it hands on, sets the most threads. None where the share of the
/// cores holds that the program itself sets.
fn set_for(job: &Job, env: &dyn Fn(&str) -> Option<String>) -> Option<(&'static str, usize)> {
    let own = variables(job);
    let inherited = job.python.as_ref().map(|python| python.inherit.as_slice()).unwrap_or_default();
    let value = |name: &str| {
        let handed_on = || inherited.iter().any(|inherited| inherited == name).then(|| env(name))?;
        own.get(name).cloned().or_else(handed_on)
    };
    let set = THREAD_VARIABLES.iter().filter_map(|name| {
        // As OpenMP has it: a list is for nested parts, the outermost first.
        let threads = value(name)?.split(',').next()?.trim().parse().ok()?;
        Some((*name, threads))
    });
    set.max_by_key(|(_, threads)| *threads)
}

/// Whether a command's own words say how many threads it has, or it is known to have one.
fn limits_itself(job: &Job) -> bool {
    let words = argv(job);
    let program = words.first().map(|word| word.rsplit('/').next().unwrap_or(word));
    let is_plain = program.is_some_and(|program| PLAIN.contains(&program));
    is_plain || words.iter().any(|word| word.to_ascii_lowercase().contains("thread"))
}
