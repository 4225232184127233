//! What `--metrics` serves, and that the documentation, the dashboard and the alerts name what is served.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const RULES: &str = "config/observability/alerts.yaml";
const DASHBOARD: &str = "config/observability/dashboard.json";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text_of(name: &str) -> String {
    fs::read_to_string(file(name)).expect(name)
}

/// A run whose works wait until they may go on, and where its metrics are.
struct Run {
    folder: tempfile::TempDir,
    process: Child,
    address: String,
}

impl Run {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let wait = "while ! [ -e \"$2\" ]; do sleep 0.05; done; cp \"$0\" \"$1\"";
        let go = folder.path().join("go");
        let graph = format!(
            "version: 1\ngraph: seen\nstores: {{src: ./src, out: ./out}}\njobs:\n  slow: {{use: command, with: {{argv: [sh, -c, '{wait}', \
             '{{input}}', '{{output}}', '{}']}}, in: {{x: \"src:{{id}}.txt\"}}, out: \"out:slow/{{id}}.txt\", pool: {{workers: 2}}}}\n",
            go.display()
        );
        fs::write(folder.path().join("g.yaml"), graph).expect("written");
        fs::create_dir(folder.path().join("src")).expect("made");
        for id in ["a", "b", "c"] {
            fs::write(folder.path().join("src").join(format!("{id}.txt")), id).expect("written");
        }
        let mut process = Command::new(env!("CARGO_BIN_EXE_euterpe"))
            .args(["run", "g.yaml", "--metrics", "0"])
            .current_dir(&folder)
            .env_remove("EUTERPE_BROKER")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut said = BufReader::new(process.stderr.take().expect("standard error"));
        let mut line = String::new();
        said.read_line(&mut line).expect("read");
        let address = line.trim().strip_prefix("metrics are at http://").and_then(|rest| rest.strip_suffix("/metrics"));
        let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self { folder, process, address }
    }

    /// Status line, headers and body of an answer.
    fn ask(&self, words: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        write!(stream, "{words} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address).expect("asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head.to_owned(), body.to_owned())
    }

    /// The metrics, once they hold `line`.
    fn once(&self, line: &str) -> String {
        let mut text = String::new();
        super::rabbit::soon(line, Duration::from_secs(60), || {
            text = self.ask("GET /metrics").1;
            text.lines().any(|there| there == line)
        });
        text
    }

    fn goes_on(mut self) {
        fs::write(self.folder.path().join("go"), "").expect("written");
        assert!(self.process.wait().expect("ended").success());
    }
}

impl Drop for Run {
    /// A test that fails leaves no run behind that waits for ever.
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.process.kill().and_then(|()| self.process.wait()).expect("ended");
        }
    }
}

/// The names of all metrics that a text names, without the ends that a histogram adds.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let ours = words.filter(|word| word.starts_with("euterpe_")).map(|word| {
        let ends = ["_bucket", "_sum", "_count"];
        ends.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
    });
    ours.collect()
}

#[test]
fn a_run_serves_what_the_documentation_the_dashboard_and_the_alerts_name() {
    let run = Run::start();
    let text = run.once("euterpe_in_work{job=\"slow\",graph=\"seen\"} 2");
    let served: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).map(str::to_owned).collect();
    let documented: BTreeSet<String> = text_of("docs/operations.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `euterpe_")?.split('`').next())
        .map(|name| format!("euterpe_{name}"))
        .collect();
    assert_eq!(served, documented, "the table in docs/operations.md has each metric, and no other");
    for name in [RULES, DASHBOARD] {
        let unknown: Vec<String> = names_in(&text_of(name)).difference(&served).cloned().collect();
        assert!(unknown.is_empty(), "{name} names {unknown:?}");
    }
    assert!(["{id", "entity=", "run="].iter().all(|label| !text.contains(label)), "no label names an entity: {text}");
    promtool(&["check", "metrics"], &text);
    let (head, body) = run.ask("GET /");
    assert!(head.starts_with("HTTP/1.1 404") && body.contains("/metrics"), "{head} {body}");
    assert!(run.ask("POST /metrics").0.starts_with("HTTP/1.1 405"));
    assert!(run.ask("HEAD /metrics").0.contains("text/plain; version=0.0.4"));
    run.goes_on();
}

#[test]
fn an_address_that_is_taken_is_told_before_anything_is_made() {
    let run = Run::start();
    let refused = Command::new(env!("CARGO_BIN_EXE_euterpe"))
        .args(["run", "g.yaml", "--state", "other", "--metrics", &run.address])
        .current_dir(&run.folder)
        .env_remove("EUTERPE_BROKER")
        .output()
        .expect("ended");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("name another address with --metrics"), "{said}");
    assert!(!run.folder.path().join("other").exists(), "a state was made");
    run.goes_on();
}

#[test]
fn the_alerts_hold_what_their_tests_say() {
    promtool(&["check", "rules", &file(RULES).to_string_lossy()], "");
    promtool(&["test", "rules", &file("config/observability/alerts_test.yaml").to_string_lossy()], "");
    for config in ["config/observability/prometheus.yaml", "config/observability/cluster.yaml"] {
        promtool(&["check", "config", "--syntax-only", &file(config).to_string_lossy()], "");
    }
}

#[test]
fn each_alert_is_explained() {
    let rules: serde_json::Value = serde_saphyr::from_str(&text_of(RULES)).expect("YAML");
    let explained = text_of("docs/operations.md");
    let groups = rules["groups"].as_array().expect("groups");
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().expect("rules"));
    let alerts: Vec<&str> = rules.filter_map(|rule| rule["alert"].as_str()).collect();
    assert!(alerts.len() >= 8, "{alerts:?}");
    for alert in alerts {
        assert!(explained.contains(&format!("### {alert}\n")), "docs/operations.md has no word about {alert}");
    }
}

fn promtool(arguments: &[&str], input: &str) {
    let mut checker = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool, of Debian's package prometheus");
    checker.stdin.take().expect("its input").write_all(input.as_bytes()).expect("written");
    let ended = checker.wait_with_output().expect("ended");
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
}
