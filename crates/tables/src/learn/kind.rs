//! The type of a column, as far as its values tell.

use std::fmt;

use crate::values::array::Data;
use crate::values::value::Value;
use crate::values::view::{Seen, View};

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing but nulls so far.
    Null,
    /// Truth values.
    Bool,
    /// Whole numbers of 64 bits.
    Int,
    /// Floats of 32 bits.
    Float32,
    /// Floats of 64 bits.
    Float,
    /// Text.
    Text,
    /// Lists of one type.
    List(Box<Kind>),
    /// Lists of objects, or of several types: as JSON.
    Json,
}

impl Kind {
    /// The type of a value; none for an object, which is no column.
    pub fn of(value: View<'_>) -> Option<Self> {
        Some(match value.seen() {
            Seen::Object => return None,
            Seen::Null => Kind::Null,
            Seen::Bool(_) => Kind::Bool,
            Seen::Int(_) => Kind::Int,
            Seen::Float32(_) => Kind::Float32,
            Seen::Float(_) => Kind::Float,
            Seen::Text(_) => Kind::Text,
            Seen::List(_) => match value {
                View::Of(Value::List(_)) => Kind::of_list(value),
                _ => Kind::of_array(value),
            },
        })
    }

    fn of_list(list: View<'_>) -> Self {
        let mut of_all = Kind::Null;
        for item in list.items() {
            match Kind::of(item).filter(|kind| *kind != Kind::Json).and_then(|kind| of_all.join(&kind)) {
                Some(joined) => of_all = joined,
                None => return Kind::Json,
            }
        }
        Kind::List(Box::new(of_all))
    }

    /// All elements of an array are alike: the first tells, and the type of the data where there is none.
    fn of_array(view: View<'_>) -> Self {
        let array = match view {
            View::Of(Value::Array(array)) | View::Within(array, ..) => array,
            View::Of(_) => return Kind::Null,
        };
        let element = match array.data {
            Data::Bool(_) => Kind::Bool,
            Data::Int(_) => Kind::Int,
            Data::Float32(_) => Kind::Float32,
            Data::Float(_) => Kind::Float,
        };
        array.shape.iter().fold(element, |kind, _| Kind::List(Box::new(kind)))
    }

    /// The type that holds values of both; none where they do not go together.
    pub fn join(&self, other: &Self) -> Option<Self> {
        use Kind::{Float, Float32, Int, Json, List, Null};
        let is_number = |kind: &Kind| matches!(kind, Int | Float32 | Float);
        let is_empty = |kind: &Kind| matches!(kind, List(inner) if **inner == Null);
        match (self, other) {
            (Null, kind) | (kind, Null) => Some(kind.clone()),
            (one, other) if one == other => Some(one.clone()),
            (one, other) if is_number(one) && is_number(other) => Some(Float),
            (List(one), List(other)) => Some(List(Box::new(one.join(other)?))),
            (one, Json) | (Json, one) if is_empty(one) => Some(Json),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Null => f.write_str("null"),
            Kind::Bool => f.write_str("a truth value"),
            Kind::Int => f.write_str("a whole number"),
            Kind::Float32 | Kind::Float => f.write_str("a float"),
            Kind::Text => f.write_str("text"),
            Kind::Json => f.write_str("a list of objects or of several types"),
            Kind::List(of) => {
                f.write_str("a list of ")?;
                match &**of {
                    Kind::Null => f.write_str("nothing"),
                    Kind::Bool => f.write_str("truth values"),
                    Kind::Int => f.write_str("whole numbers"),
                    Kind::Float32 | Kind::Float => f.write_str("floats"),
                    Kind::Text => f.write_str("texts"),
                    Kind::Json => f.write_str("objects"),
                    Kind::List(_) => f.write_str("lists"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(json: serde_json::Value) -> Option<Kind> {
        Kind::of(View::Of(&Value::from(json)))
    }

    fn list(of: Kind) -> Kind {
        Kind::List(Box::new(of))
    }

    #[test]
    fn the_type_of_a_list_is_that_of_all_it_holds() {
        use serde_json::json;
        for (json, expected) in [
            (json!([1, 2]), list(Kind::Int)),
            (json!([1, null, 2.5]), list(Kind::Float)),
            (json!([]), list(Kind::Null)),
            (json!([[1], [], [2.5]]), list(list(Kind::Float))),
            (json!([1, "x"]), Kind::Json),
            (json!([{"a": 1}]), Kind::Json),
            (json!([[{"a": 1}]]), Kind::Json),
        ] {
            assert_eq!(kind(json.clone()), Some(expected), "{json}");
        }
        assert_eq!(kind(json!({})), None);
        assert_eq!(kind(json!(u64::MAX)), Some(Kind::Float));
    }

    #[test]
    fn what_goes_together_does_so_in_any_order() {
        let pairs = [
            (Kind::Int, Kind::Float, Some(Kind::Float)),
            (Kind::Float32, Kind::Float32, Some(Kind::Float32)),
            (Kind::Float32, Kind::Float, Some(Kind::Float)),
            (Kind::Null, Kind::Text, Some(Kind::Text)),
            (Kind::Int, Kind::Text, None),
            (Kind::Bool, Kind::Int, None),
            (list(Kind::Null), Kind::Json, Some(Kind::Json)),
            (list(Kind::Int), Kind::Json, None),
            (list(Kind::Int), list(Kind::Float), Some(list(Kind::Float))),
            (list(Kind::Int), list(list(Kind::Int)), None),
            (list(Kind::Int), Kind::Int, None),
        ];
        for (one, other, joined) in pairs {
            assert_eq!(one.join(&other), joined, "{one} and {other}");
            assert_eq!(other.join(&one), joined, "{other} and {one}");
        }
    }
}
