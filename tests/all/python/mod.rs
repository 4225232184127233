//! Python transforms and worker programs, with the real binary and a real Python.

mod automix; //      the examples: cross-fades of made-up and of real tracks, tags, peaks by Perl
mod beginning; //    what cannot begin is said once, with its place and traceback; nothing is done
mod environments; // environments of their own, built once; what of the node's environment a child sees
mod killed; //       the node is killed: no process is left, nothing is half written
mod limits; //       memory, recycling, deadlines
mod package; //      the package's own tests, types and style
mod poison; //       two thousand entities, and everything that a transform can do wrong
mod recipes; //      another environment is another recipe
mod tables; //       tables of `export`, read by pyarrow, polars, DuckDB and pandas
mod verbs; //        create, test, verify

use crate::cli::Bench;

/// A graph with one Python job over ids that come from the command line.
fn graph(job: &str) -> String {
    format!(
        "version: 1\ngraph: p\nstores: {{in: ./in, out: ./out}}\ndefaults: {{retries: 1, backoff: 1ms, timeout: 10s}}\njobs:\n  \
         job:\n    out: \"out:{{id}}.txt\"\n{job}"
    )
}

/// A bench with that graph and a file of transforms.
fn bench(job: &str, transforms: &str) -> Bench {
    let bench = Bench::new(&graph(job));
    bench.write("in/t", "an input");
    bench.write("t.py", transforms);
    bench
}

/// The processes whose environment holds this text: children of a test, and what they started.
pub fn processes_of(mark: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.windows(mark.len()).any(|part| part == mark.as_bytes()) {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(format!("{name} {}", String::from_utf8_lossy(&line).replace('\0', " ")));
        }
    }
    found
}

/// Waits until no process has the mark; panics with those that have it.
pub fn all_end(mark: &str, within: std::time::Duration) {
    let until = std::time::Instant::now() + within;
    loop {
        let left = processes_of(mark);
        if left.is_empty() {
            return;
        }
        assert!(std::time::Instant::now() < until, "these processes are left: {left:#?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
