//! Peak memory of a `run` over few and over many entities: the same, but for what is remembered of outputs.
//!
//! Each entity is one small JSON object written to a folder without synchronising. `EUTERPE_ENTITIES` sets the larger
//! number (default 1,000,000, which takes some minutes and as many files).

use std::{
    fmt::Write,
    fs,
    io::{BufWriter, Write as _},
    process::Command,
};

const FEW: u64 = 10_000;
const BYTES_A_REMEMBERED_OUTPUT: f64 = 40.0;

fn main() {
    let many: u64 = std::env::var("EUTERPE_ENTITIES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    println!("memory: peak resident set of `euterpe run`, one job, {FEW} and {many} entities");
    let (few, few_seconds) = peak(FEW);
    let (lots, many_seconds) = peak(many);
    let cache = many as f64 * BYTES_A_REMEMBERED_OUTPUT;
    let mib = |bytes: f64| bytes / 1024.0 / 1024.0;
    println!("{FEW:>9} entities: {:>7.1} MiB in {few_seconds:.1} s", mib(few));
    println!("{many:>9} entities: {:>7.1} MiB in {many_seconds:.1} s", mib(lots));
    println!("documented for remembered outputs (40 bytes each): {:.1} MiB", mib(cache));
    println!("beyond that: {:.2} of the peak with {FEW} entities; aim: at most 1.20", (lots - cache).max(0.0) / few);
}

fn peak(entities: u64) -> (f64, f64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("src")).expect("a folder");
    fs::write(path("src/settings.json"), "{}").expect("written");
    let mut graph =
        "version: 1\ngraph: bench\nstores:\n  src: ./src\n  out: {url: ./out, fsync: false}\njobs:\n".to_owned();
    writeln!(graph, "  a: {{use: json.merge, in: {{x: \"src:settings.json\"}}, out: \"out:a/{{id}}.json\"}}")
        .expect("written");
    fs::write(path("graph.yaml"), graph).expect("written");
    let mut ids = BufWriter::new(fs::File::create(path("ids.txt")).expect("a file"));
    for n in 0..entities {
        writeln!(ids, "{:03}/t-{n:07}", n % 1000).expect("written");
    }
    ids.into_inner().expect("written");
    let run = Command::new(env!("CARGO_BIN_EXE_euterpe"))
        .args(["--json", "run", "graph.yaml", "--ids", "ids.txt"])
        .current_dir(&folder)
        .output()
        .expect("it starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = String::from_utf8(run.stdout).expect("text");
    let summary: serde_json::Value = serde_json::from_str(text.lines().last().expect("a summary")).expect("JSON");
    (summary["peak_rss_bytes"].as_f64().expect("a figure"), summary["seconds"].as_f64().expect("a figure"))
}
