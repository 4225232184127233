//! `audit --broker`: what the broker and the nodes at it say.

use std::fs;
use std::time::Duration;

use super::cluster::Cluster;
use super::{Vhost, soon};

const GRAPH: &str = r#"version: 1
graph: audited
stores: {src: ./src, d: ./d}
defaults: {retries: 0, timeout: 20m}
jobs:
  a: {python: a.py:a, in: {x: "src:{id}.txt"}, out: "d:a/{id}.txt"}
"#;

fn rules(cluster: &Cluster, flags: &[&str]) -> Vec<(String, String)> {
    let found = cluster.call(&[&["audit", "g.yaml", "--json"], flags].concat()).ends(0).last();
    let text = |value: &serde_json::Value| value.as_str().expect("text").to_owned();
    let findings = found["findings"].as_array().expect("findings").clone();
    findings.iter().map(|one| (text(&one["rule"]), text(&one["message"]))).collect()
}

#[test]
fn an_audit_asks_the_broker_for_its_version_and_compares_what_nodes_mean_and_have_loaded() {
    let vhost = Vhost::new();
    let (mut mine, mut theirs) = (Cluster::new(GRAPH, &vhost), Cluster::new(GRAPH, &vhost));
    for (cluster, version) in [(&mine, "1.0"), (&theirs, "2.0")] {
        fs::create_dir(cluster.path("src")).expect("made");
        fs::write(cluster.path("tones.py"), format!("__version__ = \"{version}\"\n")).expect("written");
        fs::write(cluster.path("a.py"), "import tones\n\n\ndef a(x: str) -> str:\n    return x\n").expect("written");
    }
    let limits = |flags: &[&str]| {
        let found = rules(&mine, flags);
        found.into_iter().filter(|(rule, _)| rule == "consumer_timeout").map(|(_, message)| message).collect::<Vec<_>>()
    };
    let version = mine.call(&["verify", "g.yaml", "--create"]).ends(0);
    let has_own_limits = !["3.10", "3.11"].iter().any(|old| version.out.contains(&format!("RabbitMQ {old}")));
    match has_own_limits {
        true => assert_eq!(limits(&[]), [""; 0]),
        false => {
            let close = limits(&[]);
            assert!(
                close[0].contains("takes a message away after 30m") && close[0].contains("to 40m or more"),
                "{close:?}"
            );
            assert!(limits(&["--consumer-timeout", "20m"])[0].contains("nodes refuse this graph"));
            assert_eq!(limits(&["--consumer-timeout", "1h"]), [""; 0]);
        }
    }
    mine.node(&[]);
    let versions = || {
        let found = rules(&mine, &[]);
        found.into_iter().filter(|(rule, _)| rule == "versions").map(|(_, message)| message).collect::<Vec<_>>()
    };
    assert_eq!(versions(), [""; 0], "one node is like itself");
    theirs.node(&[]);
    theirs.node(&[]); // the first one has the name of ours
    theirs.kill(0);
    // A worker that began before on a machine is not started again to see whether it can: the first entity starts one.
    fs::write(theirs.path("src/t1.txt"), "t1").expect("written");
    theirs.call(&["publish", "g.yaml", "t1"]).ends(0);
    let packages = "tones (1.0 on `node-0`, 2.0 on `node-1`)";
    soon("both have told", Duration::from_secs(30), || versions().iter().any(|found| found.contains(packages)));
    let found = versions().join("\n");
    assert!(!found.contains("python ("), "{found}");
    assert!(found.contains("node `node-1` has other records: "), "{found}");
}
