//! `logs` over a broker: the lines of all nodes in one order, and of those that come later.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Cluster, Said, Vhost};

/// Two jobs of the shell. `first` fails for ids that begin with `bad`; both print what could steer a terminal.
const GRAPH: &str = r#"
version: 1
graph: logs
stores: {out: ./out}
defaults: {retries: 1, backoff: 1ms}
jobs:
  first:
    use: command
    with: {argv: [sh, $HERE/a.sh, "{id}", "{output}", first]}
    out: "out:first/{id}.txt"
  second:
    use: command
    with: {argv: [sh, $HERE/a.sh, "{id}", "{output}", second]}
    in: {text: first}
    out: "out:second/{id}.txt"
"#;
const SCRIPT: &str = "printf '\\033[2J%s of %s\\r\\n\\377\\n' \"$3\" \"$1\"
case $1 in bad*) exit 1 ;; *) echo \"$1\" >\"$2\" ;; esac
";

/// Two nodes, one for each job.
fn cluster(vhost: &Vhost) -> Cluster {
    let cluster = Cluster::new(GRAPH, vhost);
    std::fs::write(cluster.path("a.sh"), SCRIPT).expect("written");
    cluster.change(&GRAPH.replace("$HERE", cluster.folder.path().to_str().expect("text")));
    cluster
}

fn facts(said: &Said) -> Vec<Value> {
    said.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn word<'v>(line: &'v Value, name: &str) -> &'v str {
    line[name].as_str().unwrap_or_default()
}

/// From which node, of which job and which entity lines are.
fn whose(lines: &[Value]) -> BTreeSet<(&str, &str, &str)> {
    let printed = lines.iter().filter(|line| word(line, "message").contains("[2J"));
    printed.map(|line| (word(line, "node"), word(line, "job"), word(line, "entity"))).collect()
}

#[test]
fn the_lines_of_all_nodes_are_shown_in_the_order_of_their_times() {
    let vhost = Vhost::new();
    let mut cluster = cluster(&vhost);
    let alone = cluster.call(&["logs", "g.yaml"]).ends(1);
    assert!(alone.err.contains("no node is heard") && alone.err.contains("euterpe node"), "{alone:?}");
    cluster.node(&["--jobs", "first"]);
    cluster.node(&["--jobs", "second"]);
    let run = cluster.call(&["--json", "run", "g.yaml", "t-1", "t-2", "bad-1"]).ends(4).last();
    let lines = facts(&cluster.call(&["logs", "g.yaml", "--json"]).ends(0));
    let all = [("node-0", "first", "bad-1"), ("node-0", "first", "t-1"), ("node-0", "first", "t-2")];
    let all = all.into_iter().chain([("node-1", "second", "t-1"), ("node-1", "second", "t-2")]);
    assert_eq!(whose(&lines), all.collect(), "{lines:#?}");
    let times: Vec<jiff::Timestamp> = lines.iter().filter_map(|line| word(line, "timestamp").parse().ok()).collect();
    assert!(times.len() == lines.len() && times.is_sorted(), "{lines:#?}");
    let dead = lines.iter().find(|line| word(line, "message").starts_with("dead: ")).expect("a dead letter");
    assert_eq!(
        (word(dead, "entity"), word(dead, "run"), dead["attempt"].as_u64()),
        ("bad-1", word(&run, "run"), Some(1))
    );

    let words: [&[&str]; 6] = [
        &["--json", "first", "--id", "t-2"],
        &["--json", "-n", "2"],
        &["--json", "second"],
        &["--json", "second", "--run", word(&run, "run")],
        &["--level", "error"],
        &[],
    ];
    // Side by side: each listens for a while to know which nodes there are.
    let called: Vec<Said> = std::thread::scope(|scope| {
        let cluster = &cluster;
        let call = move |words: &[&str]| cluster.call(&[&["logs", "g.yaml"], words].concat()).ends(0);
        let calls = words.map(|words| scope.spawn(move || call(words)));
        calls.into_iter().map(|call| call.join().expect("called")).collect()
    });
    let [of_id, last, second, of_run, errors, shown] = &called[..] else { panic!("{called:?}") };
    assert_eq!(whose(&facts(of_id)), [("node-0", "first", "t-2")].into());
    assert_eq!(facts(last), lines[lines.len() - 2..], "the last of all nodes together");
    assert_eq!((facts(second).len(), facts(of_run)), (2 * 2, facts(second)));
    assert!(errors.out.is_empty() && errors.err.contains("no line fits"), "{errors:?}");
    let shown = &shown.out;
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    assert!(shown.contains(" INFO  node-0 first(bad-1) try 2: \\u{1b}[2Jfirst of bad-1"), "{shown}");
    // Without the broker there is what the run itself recorded.
    let recorded = cluster.call(&["logs", "g.yaml", "--broker", ""]).ends(0).out;
    assert!(recorded.contains("dead: ") && !recorded.contains("first of"), "{recorded}");
}

/// Lines as they are shown.
struct Following {
    process: Child,
    lines: BufReader<ChildStdout>,
    seen: Vec<Value>,
}

impl Following {
    fn of(cluster: &Cluster) -> Self {
        let mut process = cluster.start(&["logs", "g.yaml", "--json", "-f"]);
        let lines = BufReader::new(process.stdout.take().expect("a pipe"));
        Self { process, lines, seen: Vec::new() }
    }

    /// Reads on until a node has said something of a job for an entity.
    fn until(&mut self, wanted: (&str, &str, &str)) {
        while !whose(&self.seen).contains(&wanted) {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).expect("read") > 0, "it ended before {wanted:?}");
            self.seen.push(serde_json::from_str(&line).expect("JSON"));
        }
    }
}

#[test]
fn a_follower_sees_lines_that_come_later_once_and_those_of_nodes_that_start_later() {
    let vhost = Vhost::new();
    let mut cluster = cluster(&vhost);
    cluster.node(&["--jobs", "first"]);
    cluster.node(&["--jobs", "second"]);
    cluster.call(&["run", "g.yaml", "t-1"]).ends(0);
    let mut following = Following::of(&cluster);
    following.until(("node-0", "first", "t-1"));
    following.until(("node-1", "second", "t-1"));
    cluster.call(&["run", "g.yaml", "t-2"]).ends(0);
    following.until(("node-0", "first", "t-2"));
    following.until(("node-1", "second", "t-2"));
    cluster.kill(1);
    cluster.start_node(1, &["--jobs", "second"]);
    cluster.call(&["run", "g.yaml", "t-3"]).ends(0);
    following.until(("node-0", "first", "t-3"));
    following.until(("node-1", "second", "t-3"));
    let printed = following.seen.iter().filter(|line| word(line, "message").contains("[2J")).count();
    assert_eq!(printed, whose(&following.seen).len(), "each once: {:#?}", following.seen);
    let pid = Pid::from_raw(following.process.id() as i32).expect("a process");
    kill_process(pid, Signal::INT).expect("signalled");
    let ended: Said = following.process.wait_with_output().expect("it ends").into();
    assert_eq!(ended.ends(0).err, "");
}
