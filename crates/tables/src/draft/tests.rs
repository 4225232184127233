//! Whole tables: what rows become in each format.

use serde_json::{Value as Json, json};

use crate::{Arrays, Cells, Draft, Format, Holds, JobColumns, Layout, OutputColumns, Piece, Row, Statistic, Written};

fn layout(arrays: Arrays, loose: bool) -> Layout {
    let job =
        |name: &str, holds| JobColumns { name: name.into(), outputs: vec![OutputColumns { name: name.into(), holds }] };
    let jobs = vec![job("mood", Holds::Json), job("mel", Holds::Npy), job("cut", Holds::Other)];
    Layout { parts: Vec::new(), jobs, arrays, loose }
}

fn npy(shape: &str, floats: &[f32]) -> Vec<u8> {
    let body: Vec<u8> = floats.iter().flat_map(|one| one.to_le_bytes()).collect();
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    crate::values::npy::tests::file(&header, &body)
}

fn row(id: &str, mood: Option<Json>, mel: Option<Vec<u8>>) -> Row {
    let cells = |piece: Option<Piece>| Cells {
        status: Some(if piece.is_some() { "done" } else { "dead" }.into()),
        reason: piece.is_none().then(|| "failed".into()),
        outputs: vec![piece.unwrap_or_default()],
    };
    let mood = mood.map(|json| Piece::Bytes(json.to_string().into_bytes()));
    let place = Piece::Place(format!("/out/{id}.wav"));
    Row { id: id.into(), parts: vec![], jobs: vec![cells(mood), cells(mel.map(Piece::Bytes)), cells(Some(place))] }
}

fn rows() -> Vec<Row> {
    vec![
        row(
            "t-1",
            Some(json!({"tempo": 120, "key": null, "tags": ["a", "b"]})),
            Some(npy("(2, 2)", &[1.0, 2.0, 3.0, 4.0])),
        ),
        row("t,2", Some(json!({"tempo": 99.5, "key": "C \"sharp\"", "tags": []})), Some(npy("(0, 2)", &[]))),
        row("t-3", None, None),
    ]
}

fn written(layout: Layout, rows: Vec<Row>, format: Format) -> (Vec<u8>, Written) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut draft = Draft::new(layout, folder.path()).expect("begun");
    rows.into_iter().for_each(|row| draft.add(row).expect("added"));
    let mut bytes = Vec::new();
    let written = draft.write(format, &mut bytes).expect("written");
    (bytes, written)
}

fn text(layout: Layout, rows: Vec<Row>, format: Format) -> String {
    String::from_utf8(written(layout, rows, format).0).expect("text")
}

#[test]
fn as_csv() {
    let expected = "\
id,mood.status,mood.reason,mood.key,mood.tags,mood.tempo,mel.status,mel.reason,mel,cut.status,cut.reason,cut.place
t-1,done,,,\"[\"\"a\"\",\"\"b\"\"]\",120.0,done,,\"[[1.0,2.0],[3.0,4.0]]\",done,,/out/t-1.wav
\"t,2\",done,,\"C \"\"sharp\"\"\",[],99.5,done,,[],done,,\"/out/t,2.wav\"
t-3,dead,failed,,,,dead,failed,,done,,/out/t-3.wav
";
    assert_eq!(text(layout(Arrays::Lists, false), rows(), Format::Csv), expected);
}

#[test]
fn as_json_lines_with_summaries() {
    let arrays = Arrays::Summaries(vec![Statistic::Mean, Statistic::Shape]);
    let lines = text(layout(arrays, false), rows(), Format::Jsonl);
    let first = r#"{"id":"t-1","mood.status":"done","mood.reason":null,"mood.key":null,"mood.tags":["a","b"],"mood.tempo":120.0,"mel.status":"done","mel.reason":null,"mel.mean":2.5,"mel.shape":[2,2],"cut.status":"done","cut.reason":null,"cut.place":"/out/t-1.wav"}"#;
    assert_eq!(lines.lines().next(), Some(first));
    let second: Json = serde_json::from_str(lines.lines().nth(1).expect("a line")).expect("JSON");
    assert_eq!((&second["mel.mean"], &second["mel.shape"]), (&Json::Null, &json!([0, 2])));
}

#[test]
fn what_cannot_be_read_is_told_in_the_row_and_counted() {
    let mut rows = rows();
    rows[0].jobs[0].outputs = vec![Piece::Bytes(b"{oops".to_vec())];
    rows[1].jobs[1].outputs = vec![Piece::Bytes(b"RIFF".to_vec())];
    let (bytes, written) = written(layout(Arrays::Lists, false), rows, Format::Csv);
    let text = String::from_utf8(bytes).expect("text");
    assert!(
        text.contains("t-1,unreadable,it is no JSON: ") && text.contains(",unreadable,it is no .npy file,"),
        "{text}"
    );
    assert_eq!((written.rows, written.unreadable), (3, 2));
    assert!(written.unreadable_example.is_some_and(|(id, job, _)| id == "t-1" && job == "mood"));
}

#[test]
fn a_column_of_several_types_is_text_where_it_may_be() {
    let rows = vec![
        row("a", Some(json!({"x": 1})), None),
        row("b", Some(json!({"x": {"y": [2]}})), None),
        row("c", Some(json!({"x": "plain"})), None),
    ];
    let text = text(layout(Arrays::Lists, true), rows, Format::Csv);
    let cells: Vec<&str> = text.lines().skip(1).map(|line| line.split(",done,,").nth(1).expect("a cell")).collect();
    assert!(cells[0].starts_with("1,dead") && cells[2].starts_with("plain,dead"), "{text}");
    assert!(cells[1].starts_with("\"{\"\"y\"\":[2]}\",dead"), "{text}");
}

#[test]
fn a_table_without_rows_has_its_first_columns() {
    let text = text(layout(Arrays::Lists, false), Vec::new(), Format::Csv);
    assert_eq!(text, "id,mood.status,mood.reason,mel.status,mel.reason,cut.status,cut.reason\n");
}
