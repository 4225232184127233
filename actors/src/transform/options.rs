//! Reads what stands under `with:` into a transform's own settings, and reports every problem at once.

use std::fmt;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::opening::OpenContext;

/// One thing that is wrong with the options of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionProblem {
    /// Where, below `with:`: `rate`, `argv[2]`; empty for the options as a whole.
    pub path: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl OptionProblem {
    /// A problem at a path below `with:`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for OptionProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

/// The settings of a transform: the written form, with the checks that a type cannot express.
///
/// Give every option a default where there is a sensible one, document it on the field (the documentation ends up in the
/// graph file's schema), and put `#[serde(deny_unknown_fields)]` on the type.
pub trait Settings: DeserializeOwned + JsonSchema + 'static {
    /// What is wrong with these values, for a job of this shape; empty if nothing is.
    fn check(&self, job: &OpenContext) -> Vec<OptionProblem> {
        // Most settings are right whenever they parse.
        let _: &OpenContext = job;
        Vec::new()
    }
}

/// The settings of a transform that takes no options.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NoOptions {}

impl Settings for NoOptions {}

/// The JSON Schema of a transform's options.
pub fn schema_of<S: Settings>() -> Schema {
    schemars::schema_for!(S)
}

/// Reads `with:` (an object, or null where it was left out) and checks it.
///
/// # Errors
/// Every problem: unknown options, values of the wrong type, values out of range, missing options.
pub fn read<S: Settings>(with: &Value, job: &OpenContext) -> Result<S, Vec<OptionProblem>> {
    let empty = Map::new();
    let written = match with {
        Value::Null => &empty,
        Value::Object(written) => written,
        other => return Err(vec![OptionProblem::new("", format!("expected options by name, got {}", kind_of(other)))]),
    };
    let schema = schema_of::<S>();
    let known: Vec<&str> = match schema.get("properties") {
        Some(Value::Object(properties)) => properties.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    let mut problems = Vec::new();
    let mut good = Map::new();
    for (name, value) in written {
        if !known.contains(&name.as_str()) {
            problems.push(OptionProblem::new(name, unknown(name, &known)));
        } else if let Some(message) = wrong_value::<S>(name, value) {
            problems.push(OptionProblem::new(name, message));
        } else {
            good.insert(name.clone(), value.clone());
        }
    }
    match serde_json::from_value::<S>(Value::Object(good)) {
        Ok(settings) => {
            problems.extend(settings.check(job));
            if problems.is_empty() { Ok(settings) } else { Err(problems) }
        }
        Err(error) => {
            // What is missing is only news where it was not just refused for another reason.
            let message = plain(&error.to_string());
            if !problems.iter().any(|problem| message.contains(&format!("`{}`", problem.path))) {
                problems.push(OptionProblem::new("", message));
            }
            Err(problems)
        }
    }
}

/// Tries one option by itself, so that one wrong value does not hide the next.
fn wrong_value<S: Settings>(name: &str, value: &Value) -> Option<String> {
    let alone = Value::Object(Map::from_iter([(name.to_owned(), value.clone())]));
    match serde_json::from_value::<S>(alone) {
        Err(error) if !error.to_string().starts_with("missing field") => Some(plain(&error.to_string())),
        _ => None,
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return format!("no option named `{name}`: this transform takes none");
    }
    let near = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), *candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, candidate)) => format!("no option named `{name}`; did you mean `{candidate}`?"),
        None => format!("no option named `{name}`; there are {}", list(known)),
    }
}

/// Names in back quotes, with commas and an `and`.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        [one] => format!("`{one}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", first.join(", "))
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// The parser's sentence with the names of Rust's types put into words.
fn plain(message: &str) -> String {
    let words = [
        ("expected u8", "expected a whole number from 0 to 255"),
        ("expected u16", "expected a whole number from 0 to 65535"),
        ("expected u32", "expected a whole number of at least 0"),
        ("expected u64", "expected a whole number of at least 0"),
        ("expected usize", "expected a whole number of at least 0"),
        ("expected f32", "expected a number"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("expected a sequence", "expected a list"),
        ("expected a string", "expected a text"),
        ("missing field", "missing option"),
        ("unknown variant", "unknown value"),
        ("invalid type: ", "wrong kind of value: "),
        ("invalid value: ", "wrong value: "),
    ];
    words.iter().fold(message.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read for its errors only")]
    struct Sample {
        needed: String,
        #[serde(default)]
        rate: u32,
        #[serde(default)]
        loud: bool,
    }

    impl Settings for Sample {
        fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
            match self.rate {
                0..=9 => vec![],
                _ => vec![OptionProblem::new("rate", "at most 9")],
            }
        }
    }

    fn problems(with: Value) -> Vec<String> {
        match read::<Sample>(&with, &OpenContext::default()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn every_wrong_option_is_reported_at_once_with_a_remedy() {
        let found = problems(serde_json::json!({"needed": 3, "raet": 5, "loud": "yes", "rate": 12}));
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found.iter().any(|p| p.contains("raet: no option named `raet`; did you mean `rate`?")), "{found:#?}");
        assert!(found.iter().any(|p| p.starts_with("needed: ") && p.contains("expected a text")), "{found:#?}");
        assert!(found.iter().any(|p| p.starts_with("loud: ") && p.contains("expected true or false")), "{found:#?}");
    }

    #[test]
    fn a_missing_option_and_a_value_out_of_range_are_named() {
        assert_eq!(problems(Value::Null), ["missing option `needed`"]);
        assert_eq!(problems(serde_json::json!({"needed": "x", "rate": 12})), ["rate: at most 9"]);
        assert_eq!(problems(serde_json::json!({"needed": "x", "rate": 2})), Vec::<String>::new());
        assert_eq!(problems(serde_json::json!([1])), ["expected options by name, got a list"]);
    }
}
