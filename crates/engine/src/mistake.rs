//! Mistakes in what a caller asked for, as opposed to work that failed.

use euterpe_actors::plan::{JobIx, NodePlan};

/// A mistake in what was asked for, with its remedy. An error of a [`crate::Session`] that `is::<Mistake>()` comes from
/// the caller: asking again in the same words fails again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Mistake(pub String);

/// Finds a job by its name.
///
/// # Errors
/// A mistake that names the likeliest job, where there is none of that name.
pub fn find_job(plan: &NodePlan, name: &str) -> Result<JobIx, Mistake> {
    if let Some(at) = plan.find(name) {
        return Ok(at);
    }
    let names: Vec<&str> = plan.jobs.iter().map(|job| job.name.as_str()).collect();
    let near = names.iter().map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
    let hint = match near {
        Some((distance, known)) if distance <= 2 => format!("did you mean `{known}`?"),
        _ => format!("the jobs are {}", names.join(", ")),
    };
    Err(Mistake(format!("no job named `{}`; {hint}", name.escape_debug())))
}
