//! A look at a value or at a part of an array, which are alike from outside; and its JSON.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::array::{Array, Data};
use super::value::Value;

/// A look at a value, or at a part of an array.
#[derive(Clone, Copy, Debug)]
pub enum View<'v> {
    /// A value.
    Of(&'v Value),
    /// What is left of an array below its first `depth` indices, from this number on.
    Within(&'v Array, usize, usize),
}

/// What is seen there.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Seen<'v> {
    Null,
    Bool(bool),
    Int(i64),
    Float32(f32),
    Float(f64),
    Text(&'v str),
    /// So many values in a row.
    List(usize),
    Object,
}

impl<'v> View<'v> {
    /// What is there.
    pub fn seen(self) -> Seen<'v> {
        match self {
            View::Of(Value::Null) => Seen::Null,
            View::Of(Value::Bool(truth)) => Seen::Bool(*truth),
            View::Of(Value::Int(whole)) => Seen::Int(*whole),
            View::Of(Value::Float(float)) => Seen::Float(*float),
            View::Of(Value::Text(text)) => Seen::Text(text),
            View::Of(Value::List(items)) => Seen::List(items.len()),
            View::Of(Value::Object(_)) => Seen::Object,
            View::Of(Value::Array(array)) => View::Within(array, 0, 0).seen(),
            View::Within(array, depth, start) => match (array.shape.get(depth), &array.data) {
                (Some(length), _) => Seen::List(*length),
                (None, Data::Bool(data)) => Seen::Bool(data[start]),
                (None, Data::Int(data)) => Seen::Int(data[start]),
                (None, Data::Float32(data)) => Seen::Float32(data[start]),
                (None, Data::Float(data)) => Seen::Float(data[start]),
            },
        }
    }

    /// The values of a list.
    pub fn items(self) -> impl Iterator<Item = View<'v>> {
        let count = match self.seen() {
            Seen::List(count) => count,
            _ => 0,
        };
        (0..count).map(move |at| match self {
            View::Of(Value::List(items)) => View::Of(&items[at]),
            View::Of(Value::Array(array)) => within(array, 0, 0, at),
            View::Of(_) => self, // has no items
            View::Within(array, depth, start) => within(array, depth, start, at),
        })
    }

    /// The text of a value, and the JSON of any other.
    pub fn text(self) -> String {
        match self.seen() {
            Seen::Text(text) => text.to_owned(),
            Seen::Float(float) if !float.is_finite() => non_finite(float).to_owned(),
            Seen::Float32(float) if !float.is_finite() => non_finite(f64::from(float)).to_owned(),
            _ => serde_json::to_string(&self).unwrap_or_default(), // names are text, so this is always JSON
        }
    }
}

fn within(array: &Array, depth: usize, start: usize, at: usize) -> View<'_> {
    let each: usize = array.shape[depth + 1..].iter().product();
    View::Within(array, depth + 1, start + at * each)
}

/// How a float that is no number, or without bounds, is written.
pub fn non_finite(float: f64) -> &'static str {
    match float {
        float if float.is_nan() => "NaN",
        float if float > 0.0 => "inf",
        _ => "-inf",
    }
}

/// Numbers that are none, or without bounds, are null in JSON.
impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if let View::Of(Value::Object(fields)) = self {
            let mut map = to.serialize_map(Some(fields.len()))?;
            for (name, value) in fields {
                map.serialize_entry(name, &View::Of(value))?;
            }
            return map.end();
        }
        match self.seen() {
            Seen::Null | Seen::Object => to.serialize_unit(),
            Seen::Bool(truth) => to.serialize_bool(truth),
            Seen::Int(whole) => to.serialize_i64(whole),
            Seen::Float32(float) => to.serialize_f32(float),
            Seen::Float(float) => to.serialize_f64(float),
            Seen::Text(text) => to.serialize_str(text),
            Seen::List(count) => {
                let mut list = to.serialize_seq(Some(count))?;
                for item in self.items() {
                    list.serialize_element(&item)?;
                }
                list.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_looks_like_nested_lists() {
        let array = Array { shape: vec![2, 3], data: Data::Int((0..6).collect()) };
        assert_eq!(View::Of(&Value::Array(array)).text(), "[[0,1,2],[3,4,5]]");
        let empty = Array { shape: vec![2, 0], data: Data::Float(Vec::new()) };
        assert_eq!(View::Of(&Value::Array(empty)).text(), "[[],[]]");
        let single = Array { shape: Vec::new(), data: Data::Float32(vec![0.1]) };
        assert_eq!(View::Of(&Value::Array(single)).text(), "0.1");
    }

    #[test]
    fn text_is_itself_and_everything_else_is_json() {
        let json = serde_json::json!({"a": [1, 2.5, "x"], "b": null});
        assert_eq!(View::Of(&Value::from(json)).text(), r#"{"a":[1,2.5,"x"],"b":null}"#);
        assert_eq!(View::Of(&Value::Text("\"x".into())).text(), "\"x");
        assert_eq!(View::Of(&Value::Float(f64::NAN)).text(), "NaN");
    }
}
