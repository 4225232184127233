//! `json.merge`: one JSON object from the JSON of several inputs.
//!
//! The output is `{"entity": <id>, "<input name>": <its JSON>, …}`, indented, with the members in alphabetical order and a
//! line feed at the end. With `flatten: true` each input must be an object, and its members stand beside `entity` instead
//! of below the input's name; two inputs that both have a member of one name are refused. An input may say the same
//! `entity` again.

use euterpe_actors::{
    outcome::Fault,
    transform::blocking::{Compute, blocking},
    transform::{Entry, Input, InputRule, OpenContext, OptionProblem, Product, Settings, Work},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The largest input that is read, in bytes: it is held in memory, and so is the JSON that is made of it.
const MAX_BYTES: u64 = 16 << 20;

/// The extensions of files that are never JSON.
const NOT_JSON: &[&str] = &[
    "npy", "npz", "png", "jpg", "jpeg", "webp", "svg", "pdf", "flac", "wav", "mp3", "ogg", "opus", "m4a", "aac",
    "aiff", "zip",
];

/// The options of `json.merge`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JsonMerge {
    /// Put the members of each input beside `entity` instead of below the input's name (default: false).
    pub flatten: bool,
}

impl Settings for JsonMerge {
    fn check(&self, job: &OpenContext) -> Vec<OptionProblem> {
        if !self.flatten && job.inputs.iter().any(|name| name == "entity") {
            let message = "the output's member `entity` is the id; give the input named `entity` another name";
            return vec![OptionProblem::new("", message)];
        }
        Vec::new()
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    Entry::new("json.merge", "one JSON object from the JSON of several inputs", |settings: JsonMerge, _| {
        let flatten = settings.flatten;
        // On a thread of its own: its inputs are files.
        Ok(blocking("json.merge", move || Ok(Box::new(move |work: &Work| merge(work, flatten)) as Box<dyn Compute>)))
    })
    .inputs(InputRule::OneOrMore)
    .reads(&["json"])
    .cannot_read(NOT_JSON)
    .writes(&["json"])
}

fn merge(work: &Work, flatten: bool) -> Result<Product, Fault> {
    let mut merged = Map::from_iter([("entity".to_owned(), Value::from(work.entity.as_str()))]);
    for input in &work.inputs {
        let name = input.name.as_str();
        match read(input)? {
            Value::Object(members) if flatten => {
                for (member, value) in members {
                    if member == "entity" && value == work.entity.as_str() {
                        continue; // it is about the same entity, and says so
                    }
                    if merged.insert(member.clone(), value).is_some() {
                        return Err(Fault::bad_input(format!(
                            "the input `{name}` has a member `{member}` that is there already; merge without `flatten`"
                        )));
                    }
                }
            }
            _ if flatten => {
                return Err(Fault::bad_input(format!(
                    "the input `{name}` is no JSON object, so it has no members to flatten; merge without `flatten`"
                )));
            }
            value => {
                merged.insert(name.to_owned(), value);
            }
        }
    }
    let mut json = serde_json::to_vec_pretty(&merged)
        .map_err(|error| Fault::fatal(format!("could not write the merged JSON: {error}")))?;
    json.push(b'\n');
    Ok(Product::bytes(json))
}

fn read(input: &Input) -> Result<Value, Fault> {
    let name = input.name.as_str();
    if input.object.info.size > MAX_BYTES {
        return Err(Fault::bad_input(format!(
            "the input `{name}` has {} bytes; at most {MAX_BYTES} are merged",
            input.object.info.size
        )));
    }
    let bytes = input
        .object
        .content
        .read()
        .map_err(|error| Fault::of_io(format!("could not read the input `{name}`"), &error))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let what = match bytes.first() {
            None => "is empty".to_owned(),
            Some(_) if std::str::from_utf8(&bytes).is_err() => "is no text, so it cannot be JSON".to_owned(),
            Some(_) => format!("is not JSON: {error}"),
        };
        Fault::bad_input(format!("the input `{name}` (`{}`) {what}; only JSON can be merged", input.path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use euterpe_actors::outcome::FaultKind;
    use euterpe_testkit::work::{run, work};

    fn merged(with: Value, inputs: &[(&str, &str, &[u8])]) -> Result<String, Fault> {
        let factory = entry().open(&with, &OpenContext::default()).expect("good options");
        let content = run(&factory, work("t-1", inputs, "json"))?;
        Ok(String::from_utf8(content.to_vec()).expect("text"))
    }

    #[test]
    fn each_input_stands_below_its_name_beside_the_entity() {
        let inputs: [(&str, &str, &[u8]); 2] =
            [("tags", "t.json", b"[\"slow\"]"), ("loudness", "l.json", b"{\"lufs\": -14.25}")];
        let json = merged(Value::Null, &inputs).expect("merged");
        assert_eq!(
            json,
            "{\n  \"entity\": \"t-1\",\n  \"loudness\": {\n    \"lufs\": -14.25\n  },\n  \"tags\": [\n    \"slow\"\n  ]\n}\n"
        );
    }

    #[test]
    fn flattened_members_stand_beside_the_entity_and_may_not_clash() {
        let flatten = serde_json::json!({"flatten": true});
        let json =
            merged(flatten.clone(), &[("a", "a.json", b"{\"x\":1}"), ("b", "b.json", b"{\"y\":2}")]).expect("merged");
        assert_eq!(
            serde_json::from_str::<Value>(&json).expect("json"),
            serde_json::json!({"entity":"t-1","x":1,"y":2})
        );
        let same: [(&str, &str, &[u8]); 2] =
            [("a", "a.json", b"{\"entity\":\"t-1\",\"x\":1}"), ("b", "b.json", b"{\"entity\":\"t-1\"}")];
        let json = merged(flatten.clone(), &same).expect("all three mean one entity");
        assert_eq!(serde_json::from_str::<Value>(&json).expect("json"), serde_json::json!({"entity":"t-1","x":1}));
        let other = merged(flatten.clone(), &[("a", "a.json", b"{\"entity\":\"t-2\"}")]);
        assert_eq!(other.expect_err("another entity").kind, FaultKind::BadInput);
        let clash = merged(flatten.clone(), &[("a", "a.json", b"{\"x\":1}"), ("b", "b.json", b"{\"x\":2}")]);
        assert_eq!(clash.expect_err("clash").kind, FaultKind::BadInput);
        let list = merged(flatten, &[("a", "a.json", b"[1]")]);
        assert_eq!(list.expect_err("no object").kind, FaultKind::BadInput);
    }

    #[test]
    fn a_picture_is_refused_as_an_input_in_words() {
        let fault = merged(Value::Null, &[("picture", "p/t-1.png", b"\x89PNG\r\n\x1a\n\0\0")]).expect_err("a picture");
        assert_eq!(fault.kind, FaultKind::BadInput);
        assert_eq!(
            fault.text,
            "the input `picture` (`p/t-1.png`) is no text, so it cannot be JSON; only JSON can be merged"
        );
    }
}
