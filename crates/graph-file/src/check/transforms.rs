//! What jobs run: known transforms, the inputs and outputs that these take, their options.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::Draft;
use super::python::python;
use crate::catalog::{Catalog, Facts, InputRule, JobShape};
use crate::problem::{Findings, did_you_mean, printable};
use crate::read::listed;
use crate::written::Work;

/// Looks up the transform of each job.
pub fn find(drafts: &mut [Draft<'_>], catalog: &dyn Catalog, folder: &Path, findings: &Findings) {
    for draft in drafts {
        match &draft.written.work {
            Some(Work::Use(name)) => {
                draft.facts = catalog.facts(&name.value);
                if draft.facts.is_none() {
                    let names = catalog.names();
                    let near = did_you_mean(&name.value, names.iter().map(String::as_str));
                    let remedy = if near.is_empty() { format!("; there is {}", listed(&names)) } else { near };
                    let message = format!("no transform named `{}`{remedy}", printable(&name.value));
                    findings.add(name.place, format!("{}.use", draft.path), message);
                }
            }
            Some(Work::Python(function, env)) => {
                draft.python = python(draft, function, env, folder, findings);
                draft.facts = Some(facts_of_python(catalog));
            }
            None => {}
        }
    }
}

/// Its signature is its own business until a pool starts; of the extensions in a source it reads what other programs do.
fn facts_of_python(catalog: &dyn Catalog) -> Facts {
    let extensions = catalog.facts("worker").map(|facts| facts.extensions).unwrap_or_default();
    Facts {
        summary: "a Python function".to_owned(),
        inputs: InputRule::Any { least: 0 },
        extensions,
        suffixes: Vec::new(),
        most_outputs: usize::MAX,
        options: Value::Null,
    }
}

/// Checks inputs, outputs and options against what the transforms say of themselves.
pub fn check(drafts: &[Draft<'_>], catalog: &dyn Catalog, timeouts: &[Duration], folder: &Path, findings: &Findings) {
    for (draft, timeout) in drafts.iter().zip(timeouts) {
        if let (Some(facts), Some(Work::Use(name))) = (&draft.facts, &draft.written.work) {
            inputs(draft, &name.value, facts, findings);
            outputs(draft, &name.value, facts, findings);
            options(draft, &name.value, catalog, (*timeout, folder), findings);
        }
    }
}

fn inputs(draft: &Draft<'_>, transform: &str, facts: &Facts, findings: &Findings) {
    let given = &draft.written.inputs;
    let path = format!("{}.in", draft.path);
    match &facts.inputs {
        InputRule::Any { least } if given.len() < *least => {
            let message = format!("`{transform}` needs at least {least} of them, got {}", given.len());
            findings.add(draft.written.name.place, path, message);
        }
        InputRule::Any { .. } => {}
        InputRule::Exact(names) => {
            for input in given.iter().filter(|input| !names.contains(&input.name.value)) {
                let near = did_you_mean(&input.name.value, names.iter().map(String::as_str));
                let remedy = match names.as_slice() {
                    [] => "; it takes none".to_owned(),
                    _ if near.is_empty() => format!("; it takes {}", listed(names)),
                    _ => near,
                };
                let name = printable(&input.name.value);
                let message = format!("`{transform}` has no input named `{name}`{remedy}");
                findings.add(input.name.place, format!("{path}.{name}"), message);
            }
            for name in names.iter().filter(|name| !given.iter().any(|input| input.name.value == **name)) {
                let message = format!("`{transform}` needs the input `{name}`; add `{name}: …` to `in`");
                findings.add(draft.written.name.place, path.clone(), message);
            }
        }
    }
}

fn outputs(draft: &Draft<'_>, transform: &str, facts: &Facts, findings: &Findings) {
    if draft.written.outputs.len() > facts.most_outputs {
        let extra = &draft.written.outputs[facts.most_outputs];
        let message = format!("`{transform}` makes {} only; leave the others out", facts.most_outputs);
        findings.add(extra.name.place, format!("{}.outputs", draft.path), message);
    }
    if facts.suffixes.is_empty() {
        return;
    }
    for (written, output) in draft.written.outputs.iter().zip(&draft.outputs) {
        let Some(output) = output else { continue };
        let suffix = output.key.suffix();
        if !facts.suffixes.iter().any(|allowed| allowed == suffix) {
            let endings: Vec<String> = facts.suffixes.iter().map(|allowed| format!(".{allowed}")).collect();
            let message = format!("`{transform}` writes {}; end the key so", listed(&endings).replace(" and ", " or "));
            findings.add(written.to.place, output_path(draft, &written.name.value), message);
        }
    }
}

fn options(
    draft: &Draft<'_>,
    transform: &str,
    catalog: &dyn Catalog,
    (timeout, folder): (Duration, &Path),
    findings: &Findings,
) {
    // An output that cannot be read has its own problem, and would only bring a second one here.
    let Some(outputs) = draft.outputs.iter().cloned().collect::<Option<Vec<_>>>() else { return };
    let with = &draft.written.with;
    let single = has_single_out(draft);
    let name = |name: &str| if single { String::new() } else { name.to_owned() };
    let shapes = draft.written.outputs.iter().zip(&outputs);
    let job = JobShape {
        options: &with.options,
        inputs: draft.written.inputs.iter().map(|input| input.name.value.clone()).collect(),
        outputs: shapes.map(|(at, to)| (name(&at.name.value), to.key.suffix().to_owned())).collect(),
        timeout,
        folder,
    };
    for problem in catalog.option_problems(transform, &job) {
        let below = if problem.path.is_empty() { String::new() } else { format!(".{}", problem.path) };
        findings.add(with.place_of(&problem.path), format!("{}.with{below}", draft.path), problem.message);
    }
}

fn has_single_out(draft: &Draft<'_>) -> bool {
    matches!(draft.written.outputs.as_slice(), [one] if one.name.value == "out" && one.name.place == one.to.place)
}

/// The path of an output: `jobs.mix.out`, or `jobs.mix.outputs.left`.
pub fn output_path(draft: &Draft<'_>, name: &str) -> String {
    if has_single_out(draft) {
        format!("{}.out", draft.path)
    } else {
        format!("{}.outputs.{}", draft.path, printable(name))
    }
}
