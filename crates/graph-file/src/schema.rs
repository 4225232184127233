//! The JSON Schema of graph files: with it editors complete and check what a person types.

use euterpe_actors::transform::{Entry, InputRule, Registry};
use serde_json::{Map, Value, json};

const NAME: &str = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";
const DURATION: &str = r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
const SIZE: &str = r"^[0-9]+(\.[0-9]+)? ?([KMGT]i?)?B$";
const VARIABLE: &str = r"\$\{";
const KEY: &str = "^[A-Za-z][A-Za-z0-9_-]*:.+$";

/// The schema, in draft 7, which editors support best. The transforms are those of `registry`.
pub fn schema(registry: &Registry) -> Value {
    let mut shared = Map::new();
    let job = job(registry, &mut shared);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Euterpe graph file",
        "description": "A graph of media jobs, the stores they read and write, and their settings.",
        "type": "object",
        "additionalProperties": false,
        "required": ["version", "graph", "stores", "jobs"],
        "properties": {
            "version": {"const": 1, "description": "The version of this format."},
            "graph": text("The name of the graph.", Some(NAME)),
            "stores": {
                "type": "object",
                "description": "Where objects live, by the names that jobs use.",
                "propertyNames": {"pattern": NAME},
                "additionalProperties": store(),
            },
            "refresh": {
                "description": "Which outputs are made anew although they are there: those made from what is another now (sources, the default), also those of a job that was changed since ([sources, recipe]), or none (never).",
                "oneOf": [
                    {"enum": ["sources", "never"]},
                    {"type": "array", "items": {"enum": ["sources", "recipe"]}, "contains": {"const": "sources"}, "minItems": 1, "maxItems": 2, "uniqueItems": true},
                ],
            },
            "defaults": {
                "type": "object",
                "description": "Settings of every job that does not say otherwise.",
                "additionalProperties": false,
                "properties": settings(),
            },
            "jobs": {
                "type": "object",
                "description": "The jobs, by name.",
                "minProperties": 1,
                "propertyNames": {"pattern": NAME},
                "additionalProperties": job,
            },
            "tests": {"description": "The graph's own tests."},
        },
        "$defs": shared,
    })
}

fn store() -> Value {
    let url = "A folder, relative to this file, or s3://bucket/prefix.";
    json!({
        "description": url,
        "oneOf": [
            text(url, None),
            {
                "type": "object",
                "additionalProperties": false,
                "required": ["url"],
                "properties": {
                    "url": text(url, None),
                    "endpoint": {"type": "string", "description": "The S3 server, where it is not Amazon's."},
                    "region": {"type": "string", "description": "The S3 region."},
                    "links": {"enum": ["inside", "follow"], "description": "Whether links that lead out of a folder are followed (default inside: they are not)."},
                    "fsync": or_variable(json!({"type": "boolean"}), "Whether writes to a folder reach the disk before they count (default true)."),
                },
            },
        ],
    })
}

fn job(registry: &Registry, shared: &mut Map<String, Value>) -> Value {
    // Transforms that only test builds have are not for editors.
    let entries: Vec<&Entry> = registry.entries().filter(|entry| !entry.name().starts_with("test.")).collect();
    let names: Vec<&str> = entries.iter().map(|entry| entry.name()).collect();
    let mut properties = settings();
    let from = "A job, job.output, or a source such as music:{id}.ogg.";
    properties.extend(object(json!({
        "use": {"enum": names, "description": "The transform that it runs."},
        "python": text("A Python function, path/to/file.py:function.", Some("^.+\\.py:[A-Za-z_][A-Za-z0-9_]*$")),
        "env": {
            "type": "object",
            "description": "The environment of a Python function.",
            "additionalProperties": false,
            "properties": {
                "venv": text("The folder of a virtual environment.", None),
                "python": text("An interpreter: a path, or a name to be looked for.", None),
                "requirements": text("A file that says what a virtual environment of this job's own is to hold.", None),
                "variables": {
                    "type": "object",
                    "description": "Variables that are set for the function.",
                    "additionalProperties": {"type": ["string", "number", "boolean"]},
                },
                "inherit": {
                    "type": "array",
                    "description": "Variables that the function gets as the node has them.",
                    "items": {"type": "string"},
                },
            },
        },
        "with": {"type": "object", "description": "The options of the transform."},
        "in": {
            "type": "object",
            "description": "Inputs, by the names that the transform gives them.",
            "propertyNames": {"pattern": NAME},
            "additionalProperties": {"oneOf": [
                text(from, None),
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["from"],
                    "properties": {
                        "from": text(from, None),
                        "id": text("Which entity of the parent, such as {a}.", None),
                        "optional": or_variable(json!({"type": "boolean"}), "Whether the work goes on without this source where it is missing (default false; true where a Python parameter has a default)."),
                        "include": patterns("Names of a source that are entities when it is listed, and no others."),
                        "exclude": patterns("Names of a source that are no entities when it is listed."),
                    },
                },
            ]},
        },
        "out": text("The output: store:key, such as derived:mel/{id}.npy.", Some(KEY)),
        "outputs": {
            "type": "object",
            "description": "Several outputs by name; the first is the primary one.",
            "minProperties": 1,
            "propertyNames": {"pattern": NAME},
            "additionalProperties": text("store:key, such as derived:stems/{id}.bass.flac.", Some(KEY)),
        },
        "entity": text("How ids are put together: {id} (the default), or parts such as {a},{b}.", Some("\\{")),
        "pool": {
            "type": "object",
            "description": "The workers of this job on one machine.",
            "additionalProperties": false,
            "properties": {
                "workers": or_variable(json!({"type": "integer", "minimum": 1, "maximum": 1024}), "Entities in hand at once (default: the machine's cores)."),
                "memory": text("What one worker may take, such as 512MiB.", Some(&format!("{SIZE}|{VARIABLE}"))),
                "recycle_after": or_variable(json!({"type": "integer", "minimum": 1}), "Replace a worker after so many entities."),
            },
        },
        "version": {"type": ["string", "number"], "description": "Change it when the meaning of the transform changes."},
    })));
    let rules: Vec<Value> = entries.iter().map(|entry| per_transform(entry, shared)).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "oneOf": [{"required": ["use"]}, {"required": ["python"]}],
        "anyOf": [{"required": ["out"]}, {"required": ["outputs"]}],
        "allOf": rules,
    })
}

/// The rule for jobs that use one transform: its options and its inputs.
fn per_transform(entry: &Entry, shared: &mut Map<String, Value>) -> Value {
    let mut then = Map::new();
    let (name, mut options) = (entry.name(), entry.schema().to_value());
    point_to_shared(&mut options, name);
    if let Value::Object(map) = &mut options {
        map.remove("$schema");
        for (def, schema) in map.remove("$defs").map(object).unwrap_or_default() {
            shared.insert(format!("{name}.{def}"), schema);
        }
        map.insert("description".into(), entry.summary().into());
    }
    then.insert("with".into(), options);
    let inputs = match entry.input_rule() {
        InputRule::None => json!({"maxProperties": 0}),
        InputRule::Exactly(names) => json!({"required": names, "propertyNames": {"enum": names}}),
        InputRule::OneOrMore => json!({"minProperties": 1}),
        InputRule::Any => json!({"minProperties": 0}),
    };
    then.insert("in".into(), inputs);
    json!({
        "if": {"required": ["use"], "properties": {"use": {"const": name}}},
        "then": {"properties": then},
    })
}

/// Turns references to a transform's own definitions into references to those of the whole schema.
fn point_to_shared(value: &mut Value, transform: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(to) if key == "$ref" => {
                        *to = to.replacen("#/$defs/", &format!("#/$defs/{transform}."), 1);
                    }
                    value => point_to_shared(value, transform),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|item| point_to_shared(item, transform)),
        _ => {}
    }
}

/// A pattern, or several.
fn patterns(about: &str) -> Value {
    let pattern = json!({"type": "string", "minLength": 1, "maxLength": 256});
    json!({"description": about, "anyOf": [pattern, {"type": "array", "items": pattern}]})
}

fn settings() -> Map<String, Value> {
    let duration = |about: &str| text(about, Some(&format!("{DURATION}|{VARIABLE}")));
    object(json!({
        "timeout": duration("How long one try may take, such as 10m (the default)."),
        "retries": or_variable(json!({"type": "integer", "minimum": 0, "maximum": 100}), "Further tries after the first (default 4)."),
        "backoff": duration("The wait before the second try (default 1s); each later one is four times as long."),
        "claim": {"enum": ["auto", "never"], "description": "Whether nodes settle among themselves who works on an entity."},
        "isolation": {"enum": ["none", "process"], "description": "Where the transform runs: in the node (none), or always in a child process of its own (process)."},
    }))
}

fn text(about: &str, pattern: Option<&str>) -> Value {
    match pattern {
        Some(pattern) => json!({"type": "string", "description": about, "pattern": pattern}),
        None => json!({"type": "string", "description": about, "minLength": 1}),
    }
}

/// A value that may also come from a variable.
fn or_variable(value: Value, about: &str) -> Value {
    json!({"description": about, "anyOf": [value, {"type": "string", "pattern": VARIABLE}]})
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
