//! Checks what jobs run: the transform is known, and takes the inputs, the outputs and the options of the job.

use std::path::Path;
use std::time::Duration;

use euterpe_actors::transform::{Entry, InputRule, OpenContext, OutputShape, Registry};

use super::draft::Draft;
use super::python::python;
use crate::problem::Findings;
use crate::wording::{did_you_mean, listed, printable};
use crate::written::Work;

/// Looks up the transform of each job.
pub fn find<'w>(drafts: &mut [Draft<'w>], registry: &'w Registry, folder: &Path, findings: &Findings) {
    for draft in drafts {
        match &draft.written.work {
            Some(Work::Use(name)) => {
                draft.entry = registry.find(&name.value);
                if draft.entry.is_none() {
                    let names: Vec<&str> = registry.names().collect();
                    let near = did_you_mean(&name.value, names.iter().copied());
                    let absent = registry.absent_feature(&name.value).map(|feature| {
                        format!("; this program was built without the feature `{feature}`, which has it")
                    });
                    let remedy = if let Some(absent) = absent {
                        absent
                    } else if near.is_empty() {
                        format!("; there is {}", listed(&names))
                    } else {
                        near
                    };
                    let message = format!("no transform named `{}`{remedy}", printable(&name.value));
                    findings.add(name.position, format!("{}.use", draft.path), message);
                }
            }
            Some(Work::Python(function, env)) => {
                draft.python = python(draft, function, env, folder, findings);
                draft.entry = registry.find("worker");
            }
            None => {}
        }
    }
}

/// Checks inputs, outputs and options against what each transform says of itself. What a Python function takes is not known
/// before a pool starts it.
pub fn check(drafts: &[Draft<'_>], timeouts: &[Duration], folder: &Path, findings: &Findings) {
    for (draft, timeout) in drafts.iter().zip(timeouts) {
        if let (Some(entry), Some(Work::Use(_))) = (draft.entry, &draft.written.work) {
            inputs(draft, entry, findings);
            outputs(draft, entry, findings);
            options(draft, entry, (*timeout, folder), findings);
        }
    }
}

fn inputs(draft: &Draft<'_>, entry: &Entry, findings: &Findings) {
    let (given, transform) = (&draft.written.inputs, entry.name());
    let path = format!("{}.in", draft.path);
    let names: &[&str] = match entry.input_rule() {
        InputRule::Any => return,
        InputRule::OneOrMore => {
            if given.is_empty() {
                let message = format!("`{transform}` needs at least 1 of them, got 0");
                findings.add(draft.written.name.position, path, message);
            }
            return;
        }
        InputRule::None => &[],
        InputRule::Exactly(names) => names,
    };
    for input in given.iter().filter(|input| !names.contains(&input.name.value.as_str())) {
        let near = did_you_mean(&input.name.value, names.iter().copied());
        let remedy = match names {
            [] => "; it takes none".to_owned(),
            _ if near.is_empty() => format!("; it takes {}", listed(names)),
            _ => near,
        };
        let name = printable(&input.name.value);
        let message = format!("`{transform}` has no input named `{name}`{remedy}");
        findings.add(input.name.position, format!("{path}.{name}"), message);
    }
    for name in names.iter().filter(|name| !given.iter().any(|input| input.name.value == **name)) {
        let message = format!("`{transform}` needs the input `{name}`; add `{name}: …` to `in`");
        findings.add(draft.written.name.position, path.clone(), message);
    }
}

fn outputs(draft: &Draft<'_>, entry: &Entry, findings: &Findings) {
    let (transform, suffixes) = (entry.name(), entry.suffixes());
    if let (Some(extra), false) = (draft.written.outputs.get(1), writes_several(entry)) {
        let message = format!("`{transform}` makes 1 only; leave the others out");
        findings.add(extra.name.position, format!("{}.outputs", draft.path), message);
    }
    if suffixes.is_empty() {
        return;
    }
    for (written, output) in draft.written.outputs.iter().zip(&draft.outputs) {
        let Some(output) = output else { continue };
        if !suffixes.contains(&output.key.suffix()) {
            let endings: Vec<String> = suffixes.iter().map(|allowed| format!(".{allowed}")).collect();
            let message = format!("`{transform}` writes {}; end the key so", listed(&endings).replace(" and ", " or "));
            findings.add(written.to.position, draft.output_path(&written.name.value), message);
        }
    }
}

fn writes_several(entry: &Entry) -> bool {
    let suffix = entry.suffixes().first().copied().unwrap_or("");
    entry.output_problem(&[suffix, suffix]).is_none()
}

/// Opens the transform as a worker would, only for its problems.
fn options(draft: &Draft<'_>, entry: &Entry, (timeout, folder): (Duration, &Path), findings: &Findings) {
    // An output that cannot be read has its own problem, and would only bring a second one here.
    let Some(outputs) = draft.outputs.iter().cloned().collect::<Option<Vec<_>>>() else { return };
    let with = &draft.written.with;
    let single = draft.has_single_out();
    let name = |name: &str| if single { String::new() } else { name.to_owned() };
    let shapes = draft.written.outputs.iter().zip(&outputs);
    let job = OpenContext {
        inputs: draft.written.inputs.iter().map(|input| input.name.value.clone()).collect(),
        outputs: shapes
            .map(|(at, to)| OutputShape { name: name(&at.name.value), suffix: to.key.suffix().to_owned() })
            .collect(),
        timeout,
        folder: folder.to_owned(),
        ..OpenContext::default()
    };
    for problem in entry.open(&with.options, &job).err().unwrap_or_default() {
        let path = problem.path.replace('[', ".").replace(']', "");
        let below = if path.is_empty() { String::new() } else { format!(".{path}") };
        findings.add(with.position_of(&path), format!("{}.with{below}", draft.path), problem.message);
    }
}
