//! Requirements that do not say which version they mean.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Interpreter;

use super::Warning;
use super::packages::requirements;

const RULE: &str = "pins";
/// How many lines are named in full.
const NAMED: usize = 5;

/// What there is to say of the files of requirements, each once, at the first job that names it.
pub(super) fn warnings(plan: &Plan) -> Vec<Warning> {
    let mut files: BTreeMap<&PathBuf, String> = BTreeMap::new();
    for job in &plan.jobs {
        if let Some(Interpreter::Requirements(file)) = job.python.as_ref().map(|python| &python.interpreter) {
            files.entry(file).or_insert_with(|| format!("jobs.{}.env.requirements", job.name));
        }
    }
    let warning = |(file, path): (&PathBuf, String)| Some(Warning::new(RULE, plan, &path, problem(plan, file)?));
    files.into_iter().filter_map(warning).collect()
}

fn problem(plan: &Plan, file: &Path) -> Option<String> {
    let all = match requirements(file) {
        Ok(all) => all,
        Err(error) => return Some(format!("{error}; correct `env.requirements`, or the file")),
    };
    let loose: Vec<String> = all.iter().filter(|one| !one.is_pinned).map(|one| format!("`{}`", one.text)).collect();
    if loose.is_empty() {
        return None;
    }
    let more = loose.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let shown = file.strip_prefix(&plan.folder).unwrap_or(file).display();
    Some(format!(
        "{shown} does not say which version it means: {}{more}; machines that build the environment on another day get other \
         packages and other results; write `NAME==VERSION` (`pip freeze`)",
        loose[..loose.len().min(NAMED)].join(", ")
    ))
}
