//! Jobs that say no `timeout` although work of their kind ran out of time before.

use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Job;
use euterpe_graph_file::units::duration_text;

use super::Warning;
use super::kind::Kind;
use super::past::{JobPast, Past};

const RULE: &str = "timeout";

/// What there is to say of the jobs, by what is remembered.
pub(super) fn warnings(plan: &Plan, past: &Past) -> Vec<Warning> {
    let says_none = |job: &&Job| {
        let own = format!("jobs.{}.timeout", job.name);
        !plan.places.has(&own) && !plan.places.has("defaults.timeout")
    };
    let warning = |job: &Job| {
        let (whose, evidence) = evidence(plan, past, job)?;
        let usual = duration_text(job.timeout);
        let slowest = past.jobs.get(job.name.as_str()).and_then(|past| past.slowest);
        let slowest =
            slowest.map_or(String::new(), |millis| format!(" (its slowest work took {:.1} s)", millis as f64 / 1000.0));
        let message = format!(
            "it says no `timeout`, so a try that hangs takes {usual}, and {whose} ran out of time before: {evidence}; write \
             `timeout: …`, some times what good work takes{slowest}"
        );
        Some(Warning::new(RULE, plan, &format!("jobs.{}", job.name), message))
    };
    plan.jobs.iter().filter(says_none).filter_map(warning).collect()
}

/// Whose work ran out of time, and how often: that of the job itself, else of another job with the same transform, or the
/// same kind of process.
fn evidence(plan: &Plan, past: &Past, job: &Job) -> Option<(String, String)> {
    let hung = |name: &str| past.jobs.get(name).filter(|past| past.dead + past.tries > 0).map(said);
    if let Some(said) = hung(job.name.as_str()) {
        return Some(("it".to_owned(), said));
    }
    let kind = Kind::of(job);
    let mut others = plan.jobs.iter().filter(|other| other.name != job.name);
    let is_alike = |other: &&Job| match kind {
        Kind::Native => other.transform == job.transform,
        _ => Kind::of(other) == kind,
    };
    others.by_ref().filter(is_alike).find_map(|other| {
        let what = if kind == Kind::Native { job.transform.as_str() } else { kind.name() };
        Some((format!("`{}`, a {what} too,", other.name), hung(other.name.as_str())?))
    })
}

fn said(past: &JobPast) -> String {
    let counted = |number: u64, one: &str, many: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{number} {many}")),
    };
    let parts = [counted(past.dead, "dead letter", "dead letters"), counted(past.tries, "failed try", "failed tries")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let example = past.example.as_ref().map_or(String::new(), |entity| format!(", such as `{entity}`"));
    format!("{}{example}", parts.join(" and "))
}
