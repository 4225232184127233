//! Outputs whose keys have no suffix.

use euterpe_graph_file::Plan;

use super::Warning;

const RULE: &str = "suffix";

/// What there is to say of the outputs.
pub(super) fn warnings(plan: &Plan) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for job in &plan.jobs {
        for (name, output) in job.output_names.iter().zip(&job.outputs) {
            if !output.key.suffix().is_empty() {
                continue;
            }
            let several = format!("jobs.{}.outputs.{name}", job.name);
            let path = if plan.places.has(&several) { several } else { format!("jobs.{}.out", job.name) };
            let message = "its key has no suffix, so neither programs nor a Python result can tell what form it has; end \
                           it with one, such as `.json` or `.npy`";
            warnings.push(Warning::new(RULE, plan, &path, message.to_owned()));
        }
    }
    warnings
}
