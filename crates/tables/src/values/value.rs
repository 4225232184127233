//! A value as it stands in an output.

use std::collections::BTreeMap;

use super::array::Array;

/// A value as it stands in an output.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A float, and a whole number beyond 63 bits.
    Float(f64),
    /// Text.
    Text(String),
    /// Values in a row.
    List(Vec<Value>),
    /// Values by name.
    Object(BTreeMap<String, Value>),
    /// Numbers of any shape.
    Array(Array),
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Value::Null,
            Json::Bool(truth) => Value::Bool(truth),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Value::Int(whole),
                (None, Some(float)) => Value::Float(float),
                (None, None) => Value::Null, // a number always is one of them
            },
            Json::String(text) => Value::Text(text),
            Json::Array(items) => Value::List(items.into_iter().map(Value::from).collect()),
            Json::Object(fields) => {
                Value::Object(fields.into_iter().map(|(name, value)| (name, Value::from(value))).collect())
            }
        }
    }
}
