//! The columns of a table: their names, their types, and where in a row their values are.

use std::collections::HashSet;

use super::fields::Fields;
use super::kind::Kind;
use crate::layout::{Arrays, Holds, Layout};

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether each row has a value in it; only Parquet says so.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    pub required: bool,
    /// Where in a row its values are.
    pub place: Place,
}

/// Where in a row a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// The number of a value that stands before the outputs: the id, its parts, status and reason of each job.
    Front(usize),
    /// The number of an output, and the way to a field of it.
    Field(usize, Vec<String>),
}

/// All columns: the id, its parts, then for each job status, reason and outputs. `fields` is what was learned of each
/// output.
pub fn columns(layout: &Layout, fields: &[Fields]) -> Vec<Column> {
    let mut columns = Vec::new();
    let mut taken = HashSet::new();
    let mut add = |name: String, kind: Kind, required: bool, place: Place| {
        let mut name = name;
        while !taken.insert(name.clone()) {
            name.push('_');
        }
        columns.push(Column { name, kind, required, place });
    };
    let mut front = 0;
    let mut next = || {
        front += 1;
        Place::Front(front - 1)
    };
    add("id".into(), Kind::Text, true, next());
    for part in &layout.parts {
        add(part.clone(), Kind::Text, false, next());
    }
    let mut outputs = 0;
    for job in &layout.jobs {
        add(format!("{}.status", job.name), Kind::Text, false, next());
        add(format!("{}.reason", job.name), Kind::Text, false, next());
        for output in &job.outputs {
            let prefix = match (output.holds, &layout.arrays) {
                (Holds::Other, _) => format!("{}.place", output.name),
                (Holds::Json | Holds::Npy, _) => output.name.clone(),
            };
            let mut leaves = fields[outputs].leaves();
            if let (Holds::Npy, Arrays::Summaries(statistics)) = (output.holds, &layout.arrays) {
                let wanted = |path: &[String]| {
                    statistics.iter().position(|one| path.first().is_some_and(|name| name == one.name()))
                };
                leaves.sort_by_key(|(path, _)| wanted(path));
            }
            for (path, kind) in leaves {
                let name = std::iter::once(&prefix).chain(&path).map(String::as_str).collect::<Vec<_>>().join(".");
                add(name, kind, false, Place::Field(outputs, path));
            }
            outputs += 1;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::super::fields::Teacher;
    use super::*;
    use crate::layout::{JobColumns, OutputColumns};
    use crate::values::value::Value;

    #[test]
    fn no_two_columns_have_one_name() {
        let output = OutputColumns { name: "mood".into(), holds: Holds::Json };
        let job = JobColumns { name: "mood".into(), outputs: vec![output] };
        let layout = Layout { parts: vec!["a".into()], jobs: vec![job], arrays: Arrays::Lists, loose: false };
        let mut fields = Fields::default();
        let json = serde_json::json!({"status": "sad", "x": {"y": 1}, "x.y": 2});
        let teacher = Teacher { entity: "t", output: "mood", loose: false };
        fields.learn(&Value::from(json), teacher).expect("learned");
        let names: Vec<String> = columns(&layout, &[fields]).into_iter().map(|column| column.name).collect();
        assert_eq!(names, ["id", "a", "mood.status", "mood.reason", "mood.status_", "mood.x.y", "mood.x.y_"]);
    }
}
