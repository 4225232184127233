//! A plan with every setting and its value, for `config show`. Secrets are masked.

use euterpe_actors::ids::InputName;
use euterpe_actors::message::Force;
use euterpe_actors::plan::{Mapping, Route};
use serde_json::{Map, Value, json};

use super::addresses::masked_addresses;
use super::glob::Glob;
use super::location::{Location, Store};
use super::plan::{Interpreter, Job, Plan, Python};
use super::scalar::{Meaning, meaning};
use super::units::{duration_text, size_text};

/// An option whose name holds one of these has a secret value.
const SECRET: [&str; 7] = ["secret", "token", "password", "passwd", "credential", "api_key", "access_key"];

/// What is shown in its place.
const MARK: &str = "********";

/// The plan as it would be written in full, in the shape of a graph file.
pub fn effective(plan: &Plan) -> Value {
    let stores: Map<String, Value> =
        plan.stores.iter().map(|store| (store.name.to_string(), masked("", store_value(store)))).collect();
    let jobs: Map<String, Value> =
        plan.jobs.iter().map(|job| (job.name.to_string(), masked("", job_value(plan, job)))).collect();
    let refresh = match &plan.refresh {
        refresh if refresh.is_never() => json!("never"),
        refresh if refresh.recipes == Force::None => json!("sources"),
        _ => json!(["sources", "recipe"]),
    };
    json!({"version": 1, "graph": plan.graph, "stores": stores, "refresh": refresh, "jobs": jobs})
}

fn store_value(store: &Store) -> Value {
    match &store.location {
        Location::Folder { path, fsync } => {
            let links = if store.follow_links { "follow" } else { "inside" };
            json!({"url": path.display().to_string(), "fsync": fsync, "links": links})
        }
        Location::S3 { endpoint, region, .. } => {
            json!({"url": store.location.text(), "endpoint": endpoint, "region": region})
        }
    }
}

fn job_value(plan: &Plan, job: &Job) -> Value {
    let mut inputs = Map::new();
    for input in &job.inputs {
        let from = match &input.from {
            Route::Source { store, key, optional, .. } => source(job, &input.name, format!("{store}:{key}"), *optional),
            Route::Job { job, output, entity } => {
                let parent = &plan.jobs[job.0];
                let from = match output {
                    0 => parent.name.to_string(),
                    other => format!("{}.{}", parent.name, parent.output_names[*other]),
                };
                match entity {
                    Mapping::Same => json!(from),
                    Mapping::To(map) => json!({"from": from, "id": map.to_string()}),
                }
            }
        };
        inputs.insert(input.name.to_string(), from);
    }
    let outputs = job.output_names.iter().zip(&job.outputs);
    let outputs: Map<String, Value> =
        outputs.map(|(name, output)| (name.clone(), json!(format!("{}:{}", output.store, output.key)))).collect();
    let mut shown = json!({
        (if job.python.is_some() { "python" } else { "use" }): job.transform,
        "with": job.options,
        "in": inputs,
        "outputs": outputs,
        "entity": job.form.to_string(),
        "pool": {
            "workers": job.workers.map_or(json!("as many as there are cores"), |number| json!(number)),
            "memory": job.memory.map(size_text),
            "recycle_after": job.recycle_after,
        },
        "timeout": duration_text(job.timeout),
        "retries": job.retry.retries,
        "backoff": duration_text(job.retry.backoff),
        "claim": if job.claim { "auto" } else { "never" },
        "isolation": if job.isolate { "process" } else { "none" },
        "version": job.version,
    });
    if let Some(python) = &job.python {
        shown["env"] = environment(python);
    }
    shown
}

fn source(job: &Job, name: &InputName, from: String, optional: bool) -> Value {
    let patterns = job.patterns.get(name);
    if patterns.is_none() && !optional {
        return json!(from);
    }
    let mut shown = json!({"from": from});
    if optional {
        shown["optional"] = json!(true);
    }
    if let Some(patterns) = patterns {
        let written = |globs: &[Glob]| globs.iter().map(ToString::to_string).collect::<Vec<_>>();
        shown["include"] = json!(written(&patterns.include));
        shown["exclude"] = json!(written(&patterns.exclude));
    }
    shown
}

fn environment(python: &Python) -> Value {
    let (name, value) = match &python.interpreter {
        Interpreter::Machine => ("python", "python3".to_owned()),
        Interpreter::Program(program) => ("python", program.display().to_string()),
        Interpreter::Venv(folder) => ("venv", folder.display().to_string()),
        Interpreter::Requirements(file) => ("requirements", file.display().to_string()),
    };
    json!({name: value, "variables": python.variables, "inherit": python.inherit})
}

/// The value with secrets masked: values under a name of [`SECRET`], and credentials in URLs.
fn masked(key: &str, value: Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key.clone(), masked(&key, value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(|item| masked(key, item)).collect()),
        Value::Null | Value::Bool(_) => value,
        value if SECRET.iter().any(|part| key.to_ascii_lowercase().contains(part)) => {
            if value == "" {
                value
            } else {
                MARK.into()
            }
        }
        Value::String(text) => Value::String(masked_addresses(&text, MARK)),
        value => value,
    }
}

/// The value as YAML. Settings without a value are left out.
pub fn yaml(value: &Value) -> String {
    let mut out = String::new();
    write_yaml(value, 0, &mut out);
    out
}

fn write_yaml(value: &Value, depth: usize, out: &mut String) {
    let Value::Object(map) = value else { return };
    for (key, value) in map.iter().filter(|(_, value)| !is_unset(value)) {
        out.push_str(&"  ".repeat(depth));
        match value {
            Value::Object(below) if below.values().any(|value| !is_unset(value)) => {
                out.push_str(&format!("{}:\n", word(key)));
                write_yaml(value, depth + 1, out);
            }
            Value::String(text) => out.push_str(&format!("{}: {}\n", word(key), word(text))),
            // Lists and what else options hold: JSON is YAML.
            other => out.push_str(&format!("{}: {other}\n", word(key))),
        }
    }
}

fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty() || map.values().all(is_unset),
        _ => false,
    }
}

/// The text without quotes where YAML would read it back as the same text, else in quotes.
fn word(text: &str) -> String {
    let bare = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '.' | '_'))
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._- ".contains(&b))
        && !text.ends_with(' ')
        && meaning(text, true) == Meaning::Text;
    if bare { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_by_their_names_and_in_urls() {
        let value = masked("", json!({"env": {"API_TOKEN": "canary", "HOME": "/x", "secret_number": 7}}));
        assert_eq!(value, json!({"env": {"API_TOKEN": "********", "HOME": "/x", "secret_number": "********"}}));
        let value = masked("", json!({"argv": ["get", "https://user:canary@host/a@b", "https://host/x?key=canary"]}));
        assert_eq!(value, json!({"argv": ["get", "https://********@host/a@b", "https://host/x?********"]}));
    }
}
