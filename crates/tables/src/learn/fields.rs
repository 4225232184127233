//! The fields that the values of one output have, as a tree: a leaf is a column.

use std::collections::BTreeMap;

use super::kind::Kind;
use crate::error::TableError;
use crate::values::value::Value;
use crate::values::view::View;

/// The most columns of one output: beyond them the keys of its objects are no fixed set of names.
const MOST: usize = 10_000;

/// What is known of a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fields {
    /// Nothing but nulls so far.
    #[default]
    Unknown,
    /// A column of this type, and the first entity that had one.
    Leaf(Kind, String),
    /// Further fields, and the first entity that had them.
    Object(BTreeMap<String, Fields>, String),
    /// Of no one type: text.
    Loose,
}

/// Who is learned from.
#[derive(Clone, Copy, Debug)]
pub struct Teacher<'t> {
    /// The entity.
    pub entity: &'t str,
    /// What the columns of its output are called by.
    pub output: &'t str,
    /// Whether a field becomes text that is not of one type.
    pub loose: bool,
}

impl Fields {
    /// Learns from a value.
    ///
    /// # Errors
    /// A value that does not go together with those before it; more columns than a table should have.
    pub fn learn(&mut self, value: &Value, teacher: Teacher<'_>) -> Result<(), TableError> {
        let before = self.count();
        self.learn_at(value, teacher, &mut Vec::new())?;
        match self.count() {
            // An object of an empty one is no column, so what was too wide before was told then.
            after if after > MOST && after > before => Err(TableError::TooWide {
                output: teacher.output.to_owned(),
                entity: teacher.entity.to_owned(),
                most: MOST,
            }),
            _ => Ok(()),
        }
    }

    fn learn_at<'v>(
        &mut self,
        value: &'v Value,
        teacher: Teacher<'_>,
        path: &mut Vec<&'v str>,
    ) -> Result<(), TableError> {
        if matches!((&*self, value), (Fields::Loose, _) | (_, Value::Null)) {
            return Ok(());
        }
        if let Value::Object(fields) = value {
            if *self == Fields::Unknown {
                *self = Fields::Object(BTreeMap::new(), teacher.entity.to_owned());
            }
            let Fields::Object(known, _) = self else { return self.clash(value, teacher, path) };
            for (name, value) in fields {
                path.push(name);
                match known.get_mut(name) {
                    Some(below) => below.learn_at(value, teacher, path)?,
                    None => {
                        let mut below = Fields::Unknown;
                        below.learn_at(value, teacher, path)?;
                        known.insert(name.clone(), below);
                    }
                }
                path.pop();
            }
            return Ok(());
        }
        let Some(kind) = Kind::of(View::Of(value)) else { return Ok(()) };
        match self {
            Fields::Unknown => *self = Fields::Leaf(kind, teacher.entity.to_owned()),
            Fields::Leaf(known, _) if *known == kind => {}
            Fields::Leaf(known, _) => match known.join(&kind) {
                Some(joined) => *known = joined,
                None => return self.clash(value, teacher, path),
            },
            Fields::Object(..) => return self.clash(value, teacher, path),
            Fields::Loose => {}
        }
        Ok(())
    }

    fn clash(&mut self, value: &Value, teacher: Teacher<'_>, path: &[&str]) -> Result<(), TableError> {
        if teacher.loose {
            *self = Fields::Loose;
            return Ok(());
        }
        let (known, first) = match &*self {
            Fields::Leaf(kind, first) => (kind.to_string(), first.clone()),
            Fields::Object(_, first) => ("an object".to_owned(), first.clone()),
            Fields::Unknown | Fields::Loose => return Ok(()),
        };
        let found = Kind::of(View::Of(value)).map_or("an object".to_owned(), |kind| kind.to_string());
        let column = std::iter::once(teacher.output).chain(path.iter().copied()).collect::<Vec<_>>().join(".");
        Err(TableError::Clash { column, entity: teacher.entity.to_owned(), found, first, known })
    }

    fn count(&self) -> usize {
        match self {
            Fields::Object(fields, _) => fields.values().map(Fields::count).sum(),
            Fields::Unknown | Fields::Leaf(..) | Fields::Loose => 1,
        }
    }

    /// Each column: its path and its type. A field that was always null is one; an output that was is none.
    pub fn leaves(&self) -> Vec<(Vec<String>, Kind)> {
        let mut leaves = Vec::new();
        self.gather(&mut Vec::new(), &mut leaves);
        leaves
    }

    fn gather(&self, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, Kind)>) {
        match self {
            Fields::Unknown if path.is_empty() => {}
            Fields::Unknown => leaves.push((path.clone(), Kind::Null)),
            Fields::Leaf(kind, _) => leaves.push((path.clone(), kind.clone())),
            Fields::Loose => leaves.push((path.clone(), Kind::Json)),
            Fields::Object(fields, _) => {
                for (name, below) in fields {
                    path.push(name.clone());
                    below.gather(path, leaves);
                    path.pop();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn learned(loose: bool, rows: &[Json]) -> Result<Vec<(String, Kind)>, TableError> {
        let mut fields = Fields::default();
        for (number, row) in rows.iter().enumerate() {
            let entity = format!("t-{number}");
            fields.learn(&Value::from(row.clone()), Teacher { entity: &entity, output: "mood", loose })?;
        }
        Ok(fields.leaves().into_iter().map(|(path, kind)| (path.join("."), kind)).collect())
    }

    #[test]
    fn a_null_keeps_the_type_and_an_int_among_floats_is_one() {
        let rows = [json!({"a": null, "b": {"c": 1}}), json!({"a": 2, "b": null}), json!({"a": 2.5}), json!(null)];
        let expected = [("a".to_owned(), Kind::Float), ("b.c".to_owned(), Kind::Int)];
        assert_eq!(learned(false, &rows).expect("learned"), expected);
        assert_eq!(learned(false, &[json!({"a": null})]).expect("learned"), [("a".to_owned(), Kind::Null)]);
        assert_eq!(learned(false, &[json!(null)]).expect("learned"), []);
        assert_eq!(learned(false, &[json!(3)]).expect("learned"), [(String::new(), Kind::Int)]);
    }

    #[test]
    fn another_shape_is_told_with_column_entities_and_types_or_becomes_text() {
        for (rows, told) in [
            (
                [json!({"a": {"b": 1}}), json!({"a": {"b": "x"}})],
                "`mood.a.b`: `t-1` has text, and `t-0` has a whole number",
            ),
            ([json!({"a": 1.5}), json!({"a": {"b": 1}})], "`mood.a`: `t-1` has an object, and `t-0` has a float"),
            (
                [json!({"a": {}}), json!({"a": [1]})],
                "`mood.a`: `t-1` has a list of whole numbers, and `t-0` has an object",
            ),
            ([json!([1]), json!([[1]])], "`mood`: `t-1` has a list of lists, and `t-0` has a list of whole numbers"),
        ] {
            let error = learned(false, &rows).expect_err("it goes together").to_string();
            assert!(error.contains(told), "{error}");
            let loose = learned(true, &rows).expect("text");
            assert_eq!(loose.len(), 1, "{loose:?}");
            assert_eq!(loose[0].1, Kind::Json);
        }
    }

    #[test]
    fn keys_without_end_are_told() {
        let wide = |from: usize| Json::Object((from..from + 6_000).map(|n| (format!("k{n}"), json!(n))).collect());
        assert!(learned(false, &[wide(0), wide(0)]).is_ok());
        let error = learned(false, &[wide(0), wide(6_000)]).expect_err("too wide").to_string();
        assert!(error.contains("`mood` has more than 10000 columns with `t-1`"), "{error}");
    }
}
