//! The JSON Schema of bodies in JSON, for the authors of other programs.

use serde_json::{Value, json};

/// The schema (draft 7). What it takes is read, if the jobs that it names are in the graph; what it refuses is not.
pub fn schema() -> Value {
    let jobs = json!({"type": "array", "items": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$"}});
    let list = |about: &str| {
        let mut list = jobs.clone();
        list["description"] = about.into();
        list
    };
    let bottom_up = json!({"required": ["mode"], "properties": {"mode": {"const": "bottom_up"}}});
    let ping = json!({"required": ["ping"], "properties": {"ping": {"const": true}}});
    let forced = json!({"required": ["force"], "properties": {"force": {"not": {"enum": [false, []]}}}});
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Euterpe message",
        "description": "A message by another program: do the job in whose queue it lies for one entity.",
        "type": "object",
        "additionalProperties": false,
        "required": ["entity"],
        "properties": {
            "entity": {
                "type": "string",
                "description": "The id of the entity, such as t-1: at most 512 bytes.",
                "minLength": 1,
                "maxLength": 512,
            },
            "mode": {
                "enum": ["top_down", "bottom_up"],
                "description": "Whether the entity is passed on to the job's children (top_down, the default), or the job's output is made, and first whatever it needs, and nothing else (bottom_up).",
            },
            "force": {
                "description": "Redo jobs although their outputs exist: true for this one, and top-down for those that the message reaches; \"all\" on the way; or the ones named.",
                "anyOf": [{"type": "boolean"}, {"const": "all"}, jobs],
            },
            "only": list("Pass the entity on to these jobs only."),
            "ping": {"type": "boolean", "description": "Travel the graph without doing work."},
            "run": {
                "type": "string",
                "description": "The run that the message belongs to, such as 20261123-063012.345-1a2b3c4d; without one, and without a header `run`, it belongs to the inbox.",
                "pattern": "^[0-9]{8}-[0-9]{6}\\.[0-9]{3}-([0-9a-fA-F]{8}|inbox)$",
            },
        },
        "not": {
            "description": "A ping does no work, and bottom-up passes nothing on.",
            "anyOf": [
                {"allOf": [bottom_up, {"required": ["only"]}]},
                {"allOf": [bottom_up, ping]},
                {"allOf": [ping, forced]},
            ],
        },
    })
}
