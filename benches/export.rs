//! What `export` takes of memory and time: a table of few and of many entities, in each format.
//!
//! Each entity has one small JSON object in a folder. `EUTERPE_ENTITIES` sets the larger number (default 1,000,000, which takes
//! some minutes and as many files). Beside it stands what it takes to read the same files one after the other.

use std::{
    fmt::Write,
    fs,
    io::{BufWriter, Write as _},
    path::Path,
    process::Command,
    time::Instant,
};

const FEW: u64 = 10_000;
const AIM_MIB: f64 = 200.0;

fn main() {
    let many: u64 = std::env::var("EUTERPE_ENTITIES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    println!(
        "export: peak resident set of `euterpe export`, one job of JSON with six fields; aim: at most {AIM_MIB} MiB"
    );
    for entities in [FEW, many] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        make(folder.path(), entities);
        let began = Instant::now();
        let bytes: u64 =
            (0..entities).map(|n| fs::read(folder.path().join(output(n))).expect("read").len() as u64).sum();
        println!("{entities:>9} entities: read alone {:.1} s, {bytes} bytes", began.elapsed().as_secs_f64());
        for format in ["parquet", "csv", "jsonl"] {
            let (mib, seconds, size) = export(folder.path(), format);
            println!("{entities:>9} entities: {format:>7} {mib:>6.1} MiB in {seconds:.1} s, a table of {size} bytes");
        }
    }
}

fn output(n: u64) -> String {
    format!("out/a/{:03}/t-{n:07}.json", n % 1000)
}

/// A graph and its outputs, as if a run had made them elsewhere.
fn make(folder: &Path, entities: u64) {
    fs::create_dir(folder.join("src")).expect("a folder");
    fs::write(folder.join("src/settings.json"), "{}").expect("written");
    let mut graph = "version: 1\ngraph: bench\nstores: {src: ./src, out: ./out}\njobs:\n".to_owned();
    writeln!(graph, "  a: {{use: json.merge, in: {{x: \"src:settings.json\"}}, out: \"out:a/{{id}}.json\"}}")
        .expect("written");
    fs::write(folder.join("graph.yaml"), graph).expect("written");
    (0..entities.min(1000)).for_each(|n| {
        let path = folder.join(output(n));
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    });
    let mut ids = BufWriter::new(fs::File::create(folder.join("ids.txt")).expect("a file"));
    for n in 0..entities {
        writeln!(ids, "{:03}/t-{n:07}", n % 1000).expect("written");
        let tempo = if n % 10 == 0 { "null".to_owned() } else { format!("{}.5", 60 + n % 120) };
        let json = format!(
            r#"{{"tempo": {tempo}, "key": "{}", "bars": {}, "chart": {{"energy": 0.{n}, "valence": 1}}, "tags": ["a", "b{}"]}}"#,
            ["C", "D", "E"][(n % 3) as usize],
            n % 400,
            n % 50,
        );
        fs::write(folder.join(output(n)), json).expect("written");
    }
    ids.into_inner().expect("written");
}

/// Peak memory in MiB, seconds, and the size of the table.
fn export(folder: &Path, format: &str) -> (f64, f64, u64) {
    let table = format!("t.{format}");
    let began = Instant::now();
    let mut command = Command::new("/usr/bin/time");
    command.args([
        "-f",
        "%M",
        env!("CARGO_BIN_EXE_euterpe"),
        "export",
        "graph.yaml",
        "a",
        "--ids",
        "ids.txt",
        "-o",
        &table,
    ]);
    let ended = command.current_dir(folder).output().expect("it starts: apt-get install time");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    let kib: f64 = said.lines().last().and_then(|line| line.trim().parse().ok()).expect("the kernel's number");
    let size = fs::metadata(folder.join(&table)).expect("a table").len();
    (kib / 1024.0, began.elapsed().as_secs_f64(), size)
}
