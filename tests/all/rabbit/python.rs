//! Python transforms on nodes over a broker: one node is killed with work in hand, and another ends it.

use std::time::Duration;

use super::{Cluster, Vhost, soon};
use crate::python::{all_end, processes_of};

const GRAPH: &str = "version: 1
graph: snakes
stores: {out: ./out}
defaults: {timeout: 10s}
jobs:
  first:
    python: t.py:first
    out: \"out:first/{id}.json\"
    pool: {workers: 2}
    env: {variables: {SNAKES_TEST: \"$MARK\"}}
  second:
    python: t.py:second
    in: {first: first}
    out: \"out:second/{id}.txt\"
    pool: {workers: 2}
    env: {variables: {SNAKES_TEST: \"$MARK\"}}
";
const TRANSFORMS: &str = "import time
from euterpe import Context

def first(ctx: Context) -> dict:
    time.sleep(0.01)
    return {'entity': ctx.entity}

def second(first: dict) -> str:
    time.sleep(0.01)
    return first['entity'].upper()
";

#[test]
fn a_killed_node_leaves_no_python_behind_and_another_one_ends_its_work() {
    let vhost = Vhost::new();
    let mark = tempfile::tempdir().expect("a folder").path().display().to_string();
    let mut cluster = Cluster::new(&GRAPH.replace("$MARK", &mark), &vhost);
    std::fs::write(cluster.path("t.py"), TRANSFORMS).expect("written");
    cluster.ids((0..300).map(|number| format!("t-{number}")));
    cluster.nodes(2, &["--heartbeat", "2s"]);
    let run = cluster.start(&["--json", "run", "g.yaml", "--ids", "ids"]);
    // As soon as some of the last outputs are there, and many are not.
    soon("the first outputs", Duration::from_secs(60), || cluster.names("out/second").len() >= 20);
    let before = processes_of(&format!("SNAKES_TEST={mark}")).len();
    cluster.kill(0);
    let ended = run.wait_with_output().expect("ended");
    assert!(ended.status.success(), "{ended:?}");
    let mut made = cluster.files("out/second");
    made.retain(|name, _| !name.starts_with('.')); // what the killed node had not yet put in place
    assert_eq!(made.len(), 300);
    assert!(made.values().any(|text| text == b"T-299"));
    assert!(before > 4, "{before} processes of two nodes");
    let left = processes_of(&format!("SNAKES_TEST={mark}")).len();
    assert!(left <= 4, "{left} processes where one node is left");
    cluster.signal(1, rustix::process::Signal::TERM);
    assert_eq!(cluster.ended(1).0, Some(0));
    all_end(&format!("SNAKES_TEST={mark}"), Duration::from_secs(2));
}
