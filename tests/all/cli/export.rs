//! `export`: one table of what jobs made, with types that hold and what is not there told.

use std::collections::{BTreeMap, BTreeSet};

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::runs::until;
use super::{Bench, ended};

/// Features of tracks that are named by album and number; the job `mel` needs an array that not each has.
const GRAPH: &str = r#"
version: 1
graph: table
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  mood:
    entity: "{album}/{track}"
    use: command
    with: {argv: [cp, "{input}", "{output}"]}
    in: {x: "in:{id}.json"}
    out: "out:mood/{id}.json"
  mel:
    entity: "{album}/{track}"
    use: command
    with: {argv: [sh, -c, "cp $HERE/npy/$(grep -o '\"n\": *[0-9]*' {input} | tr -dc 0-9).npy {output}"]}
    in: {x: mood}
    out: "out:mel/{id}.npy"
  cut:
    entity: "{album}/{track}"
    use: command
    with: {argv: [cp, "{input}", "{output}"]}
    in: {x: mood}
    out: "out:cut/{id}.wav"
"#;

/// An array of 32-bit floats, as numpy writes it.
fn npy(bench: &Bench, name: &str, shape: &str, floats: &[f32]) {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    floats.iter().for_each(|float| file.extend(float.to_le_bytes()));
    std::fs::create_dir_all(bench.path("npy")).expect("made");
    std::fs::write(bench.path("npy").join(name), file).expect("written");
}

/// Four tracks: an int, a float, a null; arrays of two shapes; of the third `mel` fails.
pub fn bench() -> Bench {
    let bench = Bench::new(GRAPH);
    for (id, mood) in [
        ("kind/1", json!({"n": 1, "tempo": 120, "key": "C", "chart": {"high": [1, 2]}})),
        ("kind/2", json!({"n": 2, "tempo": 99.5, "key": null, "chart": {"high": []}})),
        ("blue/3", json!({"n": 3, "tempo": null, "key": "D \"flat\", minor", "chart": null})),
        ("blue/4", json!({"n": 4, "tempo": 60})),
    ] {
        bench.write(&format!("in/{id}.json"), &mood.to_string());
    }
    npy(&bench, "1.npy", "(2, 2)", &[1.0, 2.0, 3.0, 4.0]);
    npy(&bench, "2.npy", "(0, 2)", &[]);
    npy(&bench, "4.npy", "(1, 2)", &[-1.5, 0.5]);
    bench.call("run g.yaml").ends(4);
    // One is gone.
    std::fs::remove_file(bench.path("out/cut/blue/4.wav")).expect("removed");
    bench
}

/// The rows of a table of JSON lines, by their ids.
pub fn rows(bench: &Bench, file: &str) -> BTreeMap<String, Value> {
    let text = bench.read(file);
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}")));
    rows.map(|row| (row["id"].as_str().expect("an id").to_owned(), row)).collect()
}

#[test]
fn a_row_for_each_entity_with_parts_types_and_what_is_not_there() {
    let bench = bench();
    let said = bench.call("export g.yaml mood mel cut -o t.jsonl").ends(0);
    assert_eq!(said.out, "wrote 4 rows of 15 columns to t.jsonl\n");
    let table = rows(&bench, "t.jsonl");
    let first = json!({
        "id": "kind/1", "album": "kind", "track": "1", "mood.status": "done", "mood.reason": null, "mood.chart.high": [1, 2],
        "mood.key": "C", "mood.n": 1, "mood.tempo": 120.0, "mel.status": "done", "mel.reason": null, "mel": [[1.0, 2.0], [3.0, 4.0]],
        "cut.status": "done", "cut.reason": null, "cut.place": bench.path("out/cut/kind/1.wav"),
    });
    assert_eq!(table["kind/1"], first);
    assert_eq!((&table["kind/2"]["mood.key"], &table["kind/2"]["mel"]), (&Value::Null, &json!([])));
    let dead = &table["blue/3"];
    assert_eq!(
        [&dead["mel.status"], &dead["mel.reason"], &dead["mel"]],
        [&json!("dead"), &json!("failed"), &Value::Null]
    );
    assert_eq!([&dead["mood.chart.high"], &dead["mood.tempo"]], [&Value::Null; 2]);
    let missing = &table["blue/4"];
    assert_eq!([&missing["cut.status"], &missing["cut.place"]], [&json!("missing"), &Value::Null]);
    assert_eq!(bench.files(".").iter().filter(|file| file.contains("euterpe-export")).count(), 0);

    bench.call("dead drop g.yaml blue/3").ends(0);
    bench.call("export g.yaml mel --arrays mean,std,max,count,shape -o t.csv --prefix blue").ends(0);
    let csv = bench.read("t.csv");
    let lines: BTreeSet<&str> = csv.lines().collect();
    let expected = [
        "id,album,track,mel.status,mel.reason,mel.mean,mel.std,mel.max,mel.count,mel.shape",
        "blue/3,blue,3,skipped,dropped,,,,,",
        "blue/4,blue,4,done,,-0.5,1.0,0.5,2,\"[1,2]\"",
    ];
    assert_eq!(lines, BTreeSet::from(expected));
}

#[test]
fn another_shape_is_an_error_that_names_it_and_leaves_what_was_there() {
    let bench = bench();
    bench.write("t.csv", "before");
    bench.write("out/mood/kind/2.json", "{\"tempo\": \"fast\"}");
    let said = bench.call("export g.yaml mood -o t.csv").ends(1).err;
    assert!(said.contains("column `mood.tempo`") && said.contains("`kind/2`") && said.contains("text"), "{said}");
    assert!(said.contains("--loose"), "{said}");
    assert_eq!(
        (bench.read("t.csv").as_str(), bench.files(".").iter().any(|file| file.contains("euterpe-export"))),
        ("before", false)
    );
    bench.call("export g.yaml mood -o t.jsonl --loose").ends(0);
    let table = rows(&bench, "t.jsonl");
    assert_eq!([&table["kind/1"]["mood.tempo"], &table["kind/2"]["mood.tempo"]], [&json!("120"), &json!("fast")]);
    // What is no JSON is told in its row, and by the exit code.
    bench.write("out/mood/kind/2.json", "{oops");
    let said = bench.call("export g.yaml mood -o t.jsonl").ends(1);
    assert!(
        said.err.contains("1 output cannot be read, such as that of `mood` for `kind/2`: it is no JSON"),
        "{said:?}"
    );
    assert_eq!(rows(&bench, "t.jsonl")["kind/2"]["mood.status"], "unreadable");
}

#[test]
fn a_table_goes_to_standard_output_and_holds_what_a_run_made() {
    let bench = bench();
    let rows = bench.call("export g.yaml mood --format jsonl -o -").ends(0).facts();
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(bench.call("export g.yaml mood -o table").ends(2).err.contains("does not tell its format"));
    bench.write("in/kind/9.json", "{\"tempo\": 1}");
    bench.call("run g.yaml kind/9 --only mood").ends(0);
    let since = bench.call("export g.yaml mood --format jsonl -o - --since last").ends(0).facts();
    assert_eq!(since.iter().map(|row| &row["id"]).collect::<Vec<_>>(), [&json!("kind/9")]);
    let refused = bench.call("export g.yaml mood -o no/such/folder/t.csv").ends(1).err;
    assert!(refused.contains("could not write into no/such/folder"), "{refused}");
}

/// A pipe with a name.
fn pipe(bench: &Bench, below: &str) {
    let made = std::process::Command::new("mkfifo").arg(bench.path(below)).status().expect("mkfifo runs");
    assert!(made.success());
}

#[test]
fn a_pipe_and_a_link_stay_what_they_are_and_a_file_keeps_its_permissions() {
    let bench = bench();
    pipe(&bench, "pipe");
    let reader = std::thread::spawn({
        let pipe = bench.path("pipe");
        move || std::fs::read_to_string(pipe).expect("read")
    });
    bench.call("export g.yaml mood --format jsonl -o pipe").ends(0);
    assert_eq!(reader.join().expect("read").lines().count(), 4);
    assert!(bench.path("pipe").symlink_metadata().expect("there").file_type().is_fifo());

    std::fs::create_dir(bench.path("far")).expect("made");
    bench.write("far/t.csv", "old");
    std::fs::set_permissions(bench.path("far/t.csv"), Permissions::from_mode(0o600)).expect("set");
    symlink("far/t.csv", bench.path("link.csv")).expect("made");
    bench.call("export g.yaml mood -o link.csv").ends(0);
    assert!(bench.path("link.csv").is_symlink());
    assert!(bench.read("far/t.csv").starts_with("id,"), "{}", bench.read("far/t.csv"));
    assert_eq!(bench.path("far/t.csv").metadata().expect("there").mode() & 0o777, 0o600);

    symlink("nowhere", bench.path("lost.csv")).expect("made");
    let lost = bench.call("export g.yaml mood -o lost.csv").ends(2).err;
    assert!(lost.contains("`lost.csv` is a symbolic link to what is not there"), "{lost}");
    let folder = bench.call("export g.yaml mood --format csv -o far").ends(2).err;
    assert!(folder.contains("`far` is a folder; name a file in it"), "{folder}");
}

#[test]
fn an_interrupted_export_leaves_nothing_and_what_was_there_as_it_was() {
    let bench = bench();
    bench.write("t.csv", "old");
    pipe(&bench, "ids");
    let begun = || {
        let names =
            std::fs::read_dir(bench.path("")).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        names.into_iter().any(|name| name.to_string_lossy().starts_with(".euterpe-export-"))
    };
    // It waits for the rest of the ids.
    let mut ids = std::fs::File::options().read(true).write(true).open(bench.path("ids")).expect("opened");
    ids.write_all(b"kind/1\n").expect("written");
    let export = bench.start("export g.yaml mood -o t.csv --ids ids");
    until("the table is begun", begun);
    kill_process(Pid::from_child(&export), Signal::INT).expect("it runs");
    let said = ended(export.wait_with_output().expect("it ends"));
    assert_eq!((said.code, said.err.as_str()), (130, "interrupted; t.csv is as it was\n"), "{said:?}");
    assert_eq!((begun(), bench.read("t.csv").as_str()), (false, "old"));
}
