//! Checks where inputs come from: a source in a known store, or an output of a known job.

use std::collections::BTreeMap;

use euterpe_actors::ids::{EntityId, InputName};
use euterpe_actors::plan::{InputPlan, JobIx, Mapping, Route};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::Entry;

use super::draft::Draft;
use super::outputs::{find_store, sound_key};
use super::stores::CheckedStore;
use crate::glob::Glob;
use crate::plan::{Patterns, can_list};
use crate::problem::Findings;
use crate::wording::{did_you_mean, printable};
use crate::written::{self, Input, Work};

/// The most inputs of a job.
const MOST_INPUTS: usize = 64;

/// Resolves the inputs of each job. A parent is named by its number in the file.
pub fn resolve(drafts: &mut [Draft<'_>], stores: &[CheckedStore], findings: &Findings) {
    let jobs: Vec<&written::Job> = drafts.iter().map(|draft| draft.written).collect();
    let inputs = |draft: &Draft<'_>| {
        if let Some(extra) = draft.written.inputs.get(MOST_INPUTS) {
            let message = format!("a job has at most {MOST_INPUTS} inputs");
            findings.add(extra.name.position, format!("{}.in", draft.path), message);
        }
        let one = |input: &Input| {
            let path = format!("{}.in.{}", draft.path, printable(&input.name.value));
            let name = InputName::new(&input.name.value);
            if let Err(error) = &name {
                findings.add(input.name.position, path.clone(), error.to_string());
            }
            let from = match input.from.value.split_once(':') {
                Some((store, key)) => source(draft, input, store, key, &path, stores, findings),
                None => parent(draft, input, &jobs, &path, findings),
            };
            Some(InputPlan { name: name.ok()?, from: from? })
        };
        draft.written.inputs.iter().map(one).collect()
    };
    let resolved: Vec<Vec<Option<InputPlan>>> = drafts.iter().map(inputs).collect();
    for (draft, inputs) in drafts.iter_mut().zip(resolved) {
        draft.patterns = patterns(draft, &inputs, findings);
        draft.inputs = inputs;
    }
}

/// The patterns of a job's sources: they say which names a listing takes, so they go with `{id}` in a source only.
fn patterns(draft: &Draft<'_>, inputs: &[Option<InputPlan>], findings: &Findings) -> BTreeMap<InputName, Patterns> {
    let mut all = BTreeMap::new();
    for (input, resolved) in draft.written.inputs.iter().zip(inputs) {
        let mut patterns = Patterns::default();
        for (key, written, into) in
            [("include", &input.include, &mut patterns.include), ("exclude", &input.exclude, &mut patterns.exclude)]
        {
            let path = format!("{}.in.{}.{key}", draft.path, printable(&input.name.value));
            for pattern in written {
                match Glob::parse(&pattern.value) {
                    Ok(glob) => into.push(glob),
                    Err(message) => findings.add(pattern.position, path.clone(), message),
                }
            }
            let listed =
                resolved.as_ref().is_none_or(|input| matches!(&input.from, Route::Source { key, .. } if can_list(key)));
            if let (Some(first), false) = (written.first(), listed) {
                let message = "goes with a source that is keyed by `{id}`: it says which names are entities when the \
                               source is listed";
                findings.add(first.position, path, message);
            }
        }
        if let (Some(input), true) = (resolved, patterns != Patterns::default()) {
            all.insert(input.name.clone(), patterns);
        }
    }
    all
}

fn source(
    draft: &Draft<'_>,
    input: &Input,
    store: &str,
    key: &str,
    path: &str,
    stores: &[CheckedStore],
    findings: &Findings,
) -> Option<Route> {
    let known = find_store(store, &input.from, path, stores, findings);
    let refuse = |message: String| {
        findings.add(input.from.position, path, message);
        None
    };
    if let Some(id) = &input.id {
        let message = format!("goes with a job only; a source holds its variables itself: `{store}:{}`", id.value);
        findings.add(id.position, format!("{path}.id"), message);
    }
    if let Err(message) = sound_key(key) {
        return refuse(message);
    }
    if key.contains("{ext}") && (!key.ends_with(".{ext}") || key.matches("{ext}").count() > 1) {
        return refuse("`{ext}` stands at the end of a source only, as `.{ext}`".into());
    }
    let key = match Template::parse_source(key, draft.form.as_ref()?) {
        Ok(key) => key,
        Err(error) => return refuse(error.to_string()),
    };
    let exts = draft.entry.map(Entry::extensions).unwrap_or_default();
    if key.has_ext() && exts.is_empty() {
        let name = match (draft.entry, &draft.written.work) {
            (Some(_), Some(Work::Use(transform))) => transform.value.as_str(),
            (Some(_), Some(Work::Python(..))) => "python",
            _ => return None, // that there is no such transform is a problem of its own
        };
        return refuse(format!("`{name}` does not say which extensions it reads; write one instead of `{{ext}}`"));
    }
    let exts = if key.has_ext() { exts.iter().map(|ext| (*ext).to_owned()).collect() } else { [].into() };
    let optional = is_optional(draft, input, path, findings);
    Some(Route::Source { store: known?.name.clone(), key, exts, optional })
}

/// Whether the work goes on without a source: where the file says so, or where the Python function has a default for it.
fn is_optional(draft: &Draft<'_>, input: &Input, path: &str, findings: &Findings) -> bool {
    let (name, python) = (&input.name.value, draft.python.as_ref());
    let default = python.and_then(|python| python.parameters.get(name)).copied();
    let Some(written) = &input.optional else { return default == Some(true) };
    let refuse = |message: String| findings.add(written.position, format!("{path}.optional"), message);
    match (written.value, draft.entry, &draft.written.work) {
        (true, Some(entry), Some(Work::Use(transform))) if !entry.may_lack_inputs() => {
            refuse(format!("`{}` cannot work without an input; leave `optional` out", transform.value));
        }
        (true, _, Some(Work::Python(..))) if default == Some(false) => {
            let function = python.map_or("the function", |python| &python.function);
            refuse(format!(
                "`{function}` has no default for `{name}`; write one, such as `{name}: Optional[str] = None`"
            ));
        }
        _ => {}
    }
    written.value
}

fn parent(draft: &Draft<'_>, input: &Input, jobs: &[&written::Job], path: &str, findings: &Findings) -> Option<Route> {
    let text = &input.from.value;
    let (job, output) = match text.split_once('.') {
        Some((job, output)) => (job, Some(output)),
        None => (text.as_str(), None),
    };
    let Some(at) = jobs.iter().position(|known| known.name.value == job) else {
        let near = did_you_mean(job, jobs.iter().map(|known| known.name.value.as_str()));
        let remedy = if near.is_empty() && (job.contains('{') || job.contains('/')) {
            "; a source names its store first, such as `music:{id}.ogg`".to_owned()
        } else {
            near
        };
        findings.add(input.from.position, path, format!("no job named `{}`{remedy}", printable(job)));
        return None;
    };
    let outputs = &jobs[at].outputs;
    let output = match output {
        None => 0,
        Some(name) => match outputs.iter().position(|known| known.name.value == name) {
            Some(number) => number,
            None => {
                let near = did_you_mean(name, outputs.iter().map(|known| known.name.value.as_str()));
                let message = format!("`{job}` has no output named `{}`{near}", printable(name));
                findings.add(input.from.position, path, message);
                return None;
            }
        },
    };
    let entity = match &input.id {
        None => Mapping::Same,
        Some(id) if id.value == "{id}" => Mapping::Same,
        Some(id) => match mapping(&id.value, draft.form.as_ref()?) {
            Ok(map) => Mapping::To(map),
            Err(message) => {
                findings.add(id.position, format!("{path}.id"), message);
                return None;
            }
        },
    };
    if let Some(optional) = &input.optional {
        let message = "goes with a source only: what a job makes is always made";
        findings.add(optional.position, format!("{path}.optional"), message);
    }
    Some(Route::Job { job: JobIx(at), output, entity })
}

fn mapping(text: &str, form: &EntityForm) -> Result<Template, String> {
    let map = Template::parse(text, form).map_err(|error| error.to_string())?;
    if !text.contains('{') {
        EntityId::new(text).map_err(|error| error.to_string())?;
    }
    Ok(map)
}
