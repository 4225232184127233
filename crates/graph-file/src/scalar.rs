//! The meaning of a single value by YAML's core schema: nothing, a truth value, a number or a text.

use serde_json::{Map, Number, Value};

use super::problem::Findings;
use super::tree::{Kind, Node};

/// The meaning of a single value.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// `null`, `~` or nothing at all.
    Nothing,
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Another number.
    Real(f64),
    /// Anything else, and whatever stands in quotes.
    Text,
}

/// The meaning of `text`. `plain` says that it stands without quotes.
pub fn meaning(text: &str, plain: bool) -> Meaning {
    if !plain {
        return Meaning::Text;
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Meaning::Nothing,
        "true" | "True" | "TRUE" => return Meaning::Flag(true),
        "false" | "False" | "FALSE" => return Meaning::Flag(false),
        ".inf" | "+.inf" => return Meaning::Real(f64::INFINITY),
        "-.inf" => return Meaning::Real(f64::NEG_INFINITY),
        ".nan" => return Meaning::Real(f64::NAN),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || text.len() > 64 {
        return Meaning::Text;
    }
    if let Ok(whole) = text.parse() {
        return Meaning::Whole(whole);
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(whole) = text.strip_prefix(prefix).and_then(|rest| i64::from_str_radix(rest, radix).ok()) {
            return Meaning::Whole(whole);
        }
    }
    let number = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    match text.parse::<f64>() {
        Ok(real) if number => Meaning::Real(real),
        _ => Meaning::Text,
    }
}

/// A value of any shape as JSON, for the options of a transform. Numbers that JSON does not have, and keys that stand twice,
/// are problems.
pub fn to_json(node: &Node, path: &str, findings: &Findings) -> Value {
    match &node.kind {
        Kind::Scalar { text, plain } => match meaning(text, *plain) {
            Meaning::Nothing => Value::Null,
            Meaning::Flag(flag) => Value::Bool(flag),
            Meaning::Whole(whole) => Value::Number(whole.into()),
            Meaning::Real(real) => Number::from_f64(real).map_or_else(
                || {
                    findings.add(node.position, path, format!("`{text}` is not a number that can be worked with"));
                    Value::Null
                },
                Value::Number,
            ),
            Meaning::Text => Value::String(text.clone()),
        },
        Kind::List(list) => {
            let items = list.iter().enumerate();
            Value::Array(items.map(|(at, item)| to_json(item, &format!("{path}.{at}"), findings)).collect())
        }
        Kind::Map(map) => {
            let mut object = Map::new();
            for (key, value) in map {
                let below = format!("{path}.{}", key.value);
                if object.insert(key.value.clone(), to_json(value, &below, findings)).is_some() {
                    findings.add(key.position, below, "stands twice; leave one out");
                }
            }
            Value::Object(object)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_mean_what_yaml_1_2_says_and_quoted_ones_are_text() {
        for (text, is) in [
            ("", Meaning::Nothing),
            ("~", Meaning::Nothing),
            ("true", Meaning::Flag(true)),
            ("no", Meaning::Text),
            ("4", Meaning::Whole(4)),
            ("-12", Meaning::Whole(-12)),
            ("0x1F", Meaning::Whole(31)),
            ("1.5", Meaning::Real(1.5)),
            ("1e3", Meaning::Real(1000.0)),
            ("10m", Meaning::Text),
            ("1-2", Meaning::Text),
            ("infinity", Meaning::Text),
        ] {
            assert_eq!(meaning(text, true), is, "{text}");
        }
        assert_eq!(meaning("4", false), Meaning::Text);
    }
}
