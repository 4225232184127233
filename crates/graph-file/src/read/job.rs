//! Reads one job of a graph file.

use std::time::Duration;

use serde_json::Value;

use super::fields::{Fields, describe, text};
use crate::position::{At, Position};
use crate::problem::Findings;
use crate::scalar;
use crate::tree::{Kind, Node, join};
use crate::written::{Claim, Environment, Input, Isolation, Job, Output, Pool, Settings, With, Work};

const DAY: Duration = Duration::from_secs(86_400);
const MILLI: Duration = Duration::from_millis(1);
const FROM: &str = "a job, `job.output`, or a source such as `music:{id}.ogg`";
const TO: &str = "a store and a key such as `derived:mel/{id}.npy`";

/// Reads the job called `name`.
pub fn job(name: &At<String>, node: &Node, findings: &Findings) -> Option<Job> {
    let mut fields = Fields::of(node, format!("jobs.{}", name.value), findings)?;
    let work = work(&mut fields, name, findings);
    let with = fields.take("with").map(|node| with(node, &fields.at("with"), findings));
    let inputs = fields.take("in").map(|node| inputs(node, &fields.at("in"), findings)).unwrap_or_default();
    let outputs = outputs(&mut fields, name, findings);
    let entity = fields.text("entity", "a form such as `{a},{b}`");
    let pool = fields.take("pool").map(|node| pool(node, &fields.at("pool"), findings)).unwrap_or_default();
    let settings = settings(&mut fields);
    let version = fields.text("version", "a number or a text").map(|at| at.value);
    fields.finish();
    let none = || With { options: Value::Object(Default::default()), position: name.position, positions: vec![] };
    let with = with.unwrap_or_else(none);
    let name = name.clone();
    Some(Job { name, work, with, inputs, outputs, entity, pool, settings, version })
}

fn work(fields: &mut Fields<'_, '_>, name: &At<String>, findings: &Findings) -> Option<Work> {
    let named = fields.has("use") || fields.has("python");
    let builtin = fields.text("use", "the name of a transform such as `audio.loudness`");
    let python = fields.text("python", "a file and a function such as `transforms/tags.py:tags`");
    let env = fields.take("env").and_then(|node| environment(node, &fields.at("env"), python.is_some(), findings));
    match (builtin, python) {
        (Some(builtin), None) => Some(Work::Use(builtin)),
        (None, Some(python)) => Some(Work::Python(python, env.unwrap_or_default())),
        (Some(_), Some(python)) => {
            findings.add(python.position, fields.at("python"), "a job has `use` or `python`, not both; leave one out");
            None
        }
        (None, None) => {
            // A value of a wrong shape was reported already.
            if !named {
                let message = "what does it run? `use` names a transform, such as `use: audio.loudness`";
                findings.add(name.position, fields.path.clone(), message);
            }
            None
        }
    }
}

/// The environment of a Python transform.
fn environment(node: &Node, path: &str, python: bool, findings: &Findings) -> Option<Environment> {
    if !python {
        findings.add(node.position, path, "`env` goes with `python`; a command's variables stand in `with: {env: …}`");
        return None;
    }
    let mut fields = Fields::of(node, path, findings)?;
    let mut environment = Environment {
        venv: fields.text("venv", "the folder of a virtual environment"),
        python: fields.text("python", "an interpreter such as `python3.12` or `/opt/python/bin/python`"),
        requirements: fields.text("requirements", "a file such as `requirements.txt`"),
        ..Environment::default()
    };
    let at = fields.at("variables");
    if let Some(variables) = fields.take("variables").and_then(|node| Fields::of(node, at, findings)) {
        let variable = |(name, node): (&At<String>, &Node)| {
            Some((name.clone(), text(node, &variables.at(&name.value), "a text", findings)?.value))
        };
        environment.variables = variables.all().filter_map(variable).collect();
    }
    let at = fields.at("inherit");
    match fields.take("inherit").map(|node| (node, &node.kind)) {
        Some((_, Kind::List(names))) => {
            let name = |name: &Node| text(name, &at, "the name of a variable", findings);
            environment.inherit = names.iter().filter_map(name).collect();
        }
        Some((node, _)) => findings.add(node.position, at, "expected a list such as `[HF_HOME]`"),
        None => {}
    }
    fields.finish();
    let chosen = [&environment.venv, &environment.python, &environment.requirements];
    if let [_, second, ..] = chosen.into_iter().flatten().collect::<Vec<_>>()[..] {
        findings.add(
            second.position,
            path,
            "one of `venv`, `python` and `requirements` says what runs the function; leave the others out",
        );
    }
    Some(environment)
}

fn with(node: &Node, path: &str, findings: &Findings) -> With {
    let mut positions = Vec::new();
    match &node.kind {
        Kind::Map(_) => note_positions(node, "", &mut positions),
        _ => findings.add(node.position, path, format!("expected options with values, got {}", describe(node))),
    }
    let options = match scalar::to_json(node, path, findings) {
        options @ Value::Object(_) => options,
        _ => Value::Object(Default::default()),
    };
    With { options, position: node.position, positions }
}

fn note_positions(node: &Node, path: &str, positions: &mut Vec<(String, Position)>) {
    match &node.kind {
        Kind::Scalar { .. } => {}
        Kind::List(list) => {
            for (at, item) in list.iter().enumerate() {
                let path = join(path, &at.to_string());
                positions.push((path.clone(), item.position));
                note_positions(item, &path, positions);
            }
        }
        Kind::Map(map) => {
            for (key, value) in map {
                let path = join(path, &key.value);
                // A problem is shown at the key: an unknown option is one, and a wrong value stands right beside it.
                positions.push((path.clone(), key.position));
                note_positions(value, &path, positions);
            }
        }
    }
}

fn inputs(node: &Node, path: &str, findings: &Findings) -> Vec<Input> {
    let Some(fields) = Fields::of(node, path, findings) else { return Vec::new() };
    let inputs = fields.all().filter_map(|(name, node)| {
        let path = fields.at(&name.value);
        if !matches!(node.kind, Kind::Map(_)) {
            let from = text(node, &path, FROM, findings)?;
            let (include, exclude) = (Vec::new(), Vec::new());
            return Some(Input { name: name.clone(), from, id: None, optional: None, include, exclude });
        }
        let mut long = Fields::of(node, path.clone(), findings)?;
        let from = long
            .require("from", "name a job or a source")
            .and_then(|node| text(node, &join(&path, "from"), FROM, findings));
        let id = long.text("id", "the parent's entity such as `{a}`");
        let optional = long.flag("optional");
        let mut globs = |key| {
            let (node, path) = (long.take(key)?, long.at(key));
            Some(patterns(node, &path, findings))
        };
        let (include, exclude) = (globs("include").unwrap_or_default(), globs("exclude").unwrap_or_default());
        long.finish();
        from.map(|from| Input { name: name.clone(), from, id, optional, include, exclude })
    });
    inputs.collect()
}

/// A pattern, or a list of patterns.
fn patterns(node: &Node, path: &str, findings: &Findings) -> Vec<At<String>> {
    const PATTERN: &str = "a pattern such as `*.bak` or `demos/**`";
    match &node.kind {
        Kind::List(list) => list.iter().filter_map(|one| text(one, path, PATTERN, findings)).collect(),
        _ => text(node, path, PATTERN, findings).into_iter().collect(),
    }
}

fn outputs(fields: &mut Fields<'_, '_>, name: &At<String>, findings: &Findings) -> Vec<Output> {
    let (one, several) = (fields.take("out"), fields.take("outputs"));
    match (one, several) {
        (Some(node), None) => {
            let to = text(node, &fields.at("out"), TO, findings);
            to.map(|to| Output { name: At::new("out".into(), to.position), to }).into_iter().collect()
        }
        (None, Some(node)) => {
            let Some(named) = Fields::of(node, fields.at("outputs"), findings) else { return Vec::new() };
            if named.all().next().is_none() {
                findings.add(node.position, fields.at("outputs"), format!("a job has at least one output; write {TO}"));
            }
            let output = |(name, node): (&At<String>, &Node)| {
                let to = text(node, &named.at(&name.value), TO, findings)?;
                Some(Output { name: name.clone(), to })
            };
            named.all().filter_map(output).collect()
        }
        (Some(_), Some(node)) => {
            findings.add(node.position, fields.at("outputs"), "a job has `out` or `outputs`, not both; leave one out");
            Vec::new()
        }
        (None, None) => {
            findings.add(name.position, fields.at("out"), format!("missing; write {TO}"));
            Vec::new()
        }
    }
}

fn pool(node: &Node, path: &str, findings: &Findings) -> Pool {
    let Some(mut fields) = Fields::of(node, path, findings) else { return Pool::default() };
    let workers = fields.whole("workers", 1..=1024).and_then(|number| usize::try_from(number).ok());
    let memory = fields.size("memory", (1 << 20)..=(16 << 40));
    let recycle_after = fields.whole("recycle_after", 1..=1_000_000_000).and_then(|number| u64::try_from(number).ok());
    fields.finish();
    Pool { workers, memory, recycle_after }
}

/// The settings that stand in `defaults` and in jobs.
pub fn settings(fields: &mut Fields<'_, '_>) -> Settings {
    Settings {
        timeout: fields.duration("timeout", 10 * MILLI..=7 * DAY),
        retries: fields.whole("retries", 0..=100).and_then(|number| u32::try_from(number).ok()),
        backoff: fields.duration("backoff", MILLI..=Duration::from_secs(300)),
        claim: fields.choice("claim", &[("auto", Claim::Auto), ("never", Claim::Never)]),
        isolation: fields.choice("isolation", &[("none", Isolation::None), ("process", Isolation::Process)]),
    }
}
