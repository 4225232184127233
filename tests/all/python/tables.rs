//! The tables of `export`, as other programs read them.

use std::path::Path;

use serde_json::Value;

use crate::cli::ended;
use crate::cli::export::{bench, rows};
use crate::venv::python_with;

/// What other readers make of a Parquet file: each prints the rows, sorted by id, as JSON.
const READERS: &str = r#"
import json, sys
import duckdb, pandas, polars, pyarrow.parquet as parquet

file = sys.argv[1]
plain = parquet.read_table(file)
print(json.dumps({field.name: str(field.type) for field in plain.schema}))
readers = {
    "pyarrow": lambda: plain.to_pylist(),
    "polars": lambda: polars.read_parquet(file).to_dicts(),
    "duckdb": lambda: duckdb.sql(f"select * from '{file}'").to_arrow_table().to_pylist(),
}
for name, read in readers.items():
    print(name, json.dumps(sorted(read(), key=lambda row: row["id"])))
frame = pandas.read_parquet(file)
print("pandas", json.dumps([list(frame.columns), len(frame), float(frame["mood.tempo"].sum())]))
"#;

#[test]
fn pyarrow_polars_duckdb_and_pandas_read_the_same_rows() {
    let bench = bench();
    bench.call("export g.yaml mood mel cut -o t.parquet").ends(0);
    bench.call("export g.yaml mood mel cut -o t.jsonl").ends(0);
    let python = python_with("tables-venv", &["pyarrow", "polars", "duckdb", "pandas"]);
    let read =
        |file: &Path| std::process::Command::new(&python).args(["-c", READERS]).arg(file).output().expect("it starts");
    let said = ended(read(&bench.path("t.parquet"))).ends(0).out;
    let mut lines = said.lines();
    let types: Value = serde_json::from_str(lines.next().expect("a line")).expect("JSON");
    assert_eq!(
        [&types["mood.tempo"], &types["mood.key"], &types["mood.chart.high"]],
        ["double", "string", "list<element: int64>"]
    );
    assert_eq!([&types["mel"], &types["id"]], ["list<element: list<element: float>>", "string"]);
    let expected: Vec<Value> = rows(&bench, "t.jsonl").into_values().collect();
    for reader in ["pyarrow", "polars", "duckdb"] {
        let (name, rows) = lines.next().and_then(|line| line.split_once(' ')).expect("a line");
        assert_eq!((name, serde_json::from_str::<Vec<Value>>(rows).expect("JSON")), (reader, expected.clone()));
    }
    let frame: Value =
        serde_json::from_str(lines.next().and_then(|line| line.strip_prefix("pandas ")).expect("a line"))
            .expect("JSON");
    assert_eq!((&frame[1], &frame[2]), (&4.into(), &279.5.into()), "{frame}");
}
