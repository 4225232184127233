//! What is written is read back, by the reader of the same library; other readers are asked in the tests of the program.

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value as Json, json};

use super::Parquet;
use crate::learn::columns::{Column, Place};
use crate::learn::kind::Kind;
use crate::values::array::{Array, Data};
use crate::values::value::Value;
use crate::values::view::View;
use crate::write::RowWriter;

fn list(of: Kind) -> Kind {
    Kind::List(Box::new(of))
}

/// Writes a column, and reads its rows as text.
fn back(kind: Kind, required: bool, rows: &[Value]) -> Vec<String> {
    let columns = [Column { name: "x".into(), kind, required, place: Place::Front(0) }];
    let mut bytes = Vec::new();
    let mut writer = Box::new(Parquet::with_row_groups(&columns, &mut bytes, 2).expect("begun"));
    rows.iter().for_each(|row| writer.row(&[View::Of(row)]).expect("written"));
    writer.finish().expect("finished");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &bytes).expect("written");
    let reader = SerializedFileReader::new(file.reopen().expect("opened")).expect("a Parquet file");
    assert_eq!(reader.metadata().num_row_groups(), rows.len().div_ceil(2));
    reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row").to_string()).collect()
}

fn values(rows: &[Json]) -> Vec<Value> {
    rows.iter().cloned().map(Value::from).collect()
}

#[test]
fn scalars_and_nulls_of_every_type() {
    let cases: [(Kind, Json, Json, &str); 5] = [
        (Kind::Bool, json!(true), json!(false), "{x: true}|{x: null}|{x: false}"),
        (Kind::Int, json!(i64::MIN), json!(7), "{x: -9223372036854775808}|{x: null}|{x: 7}"),
        (Kind::Float, json!(1), json!(2.5), "{x: 1.0}|{x: null}|{x: 2.5}"),
        (Kind::Text, json!("é"), json!(""), "{x: \"é\"}|{x: null}|{x: \"\"}"),
        (Kind::Json, json!([{"a": 1}]), json!("b"), "{x: \"[{\"a\":1}]\"}|{x: null}|{x: \"b\"}"),
    ];
    for (kind, first, last, expected) in cases {
        assert_eq!(back(kind, false, &values(&[first, Json::Null, last])).join("|"), expected);
    }
    assert_eq!(back(Kind::Text, true, &values(&[json!("a"), json!("b"), json!("c")])).len(), 3);
    assert_eq!(back(Kind::Null, false, &values(&[Json::Null])), ["{x: null}"]);
}

#[test]
fn lists_have_their_levels() {
    let rows = values(&[json!([1, null, 3]), json!(null), json!([]), json!([null]), json!([4])]);
    let expected = ["{x: [1, null, 3]}", "{x: null}", "{x: []}", "{x: [null]}", "{x: [4]}"];
    assert_eq!(back(list(Kind::Int), false, &rows), expected);
    let rows = values(&[json!([[1, 2], [], null, [3.5]]), json!([]), json!([[]]), json!([[null], [4]]), json!(null)]);
    let expected = ["{x: [[1.0, 2.0], [], null, [3.5]]}", "{x: []}", "{x: [[]]}", "{x: [[null], [4.0]]}", "{x: null}"];
    assert_eq!(back(list(list(Kind::Float)), false, &rows), expected);
}

#[test]
fn arrays_are_lists_as_deep_as_they_have_dimensions() {
    let array = |shape: &[usize], data: &[f32]| {
        Value::Array(Array { shape: shape.to_vec(), data: Data::Float32(data.to_vec()) })
    };
    let rows = [array(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), array(&[0, 2], &[]), array(&[1, 0], &[]), Value::Null];
    let expected = ["{x: [[1.0, 2.0], [3.0, 4.0]]}", "{x: []}", "{x: [[]]}", "{x: null}"];
    assert_eq!(back(list(list(Kind::Float32)), false, &rows), expected);
}
