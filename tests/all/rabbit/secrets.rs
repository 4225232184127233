//! No word of a broker's user or password anywhere: not printed, not logged, not kept.

use std::{fs, time::Duration};

use super::cluster::Said;
use super::others::CATALOGUE;
use super::{Cluster, Rabbit, soon};

const USER: &str = "canary-user";
const WORD: &str = "canary-word";

#[track_caller]
fn silent(said: &Said) {
    for text in [&said.out, &said.err] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn nothing_that_is_printed_logged_or_kept_shows_a_brokers_user_or_password() {
    let rabbit = Rabbit::start();
    rabbit.ctl(&["add_user", USER, WORD]);
    rabbit.ctl(&["set_permissions", USER, ".*", ".*", ".*"]);
    rabbit.ctl(&["add_vhost", "closed"]);
    let port = rabbit.port();
    let url = format!("amqp://{USER}:{WORD}@127.0.0.1:{port}");
    let graph =
        CATALOGUE.replace("mel:   {use: test.faulty,", "mel:   {use: test.faulty, with: {fail_on: [t-2]}, retries: 0,");
    let mut cluster = Cluster::at(&graph, url.clone());
    for loud in ["trace", "lapin=trace"] {
        let node = cluster.started_with(&[], &[("EUTERPE_LOG", loud)]);
        silent(&cluster.call_with(&["run", "g.yaml", "t-1", "t-2"], &[("EUTERPE_LOG", loud)]).ends(4));
        cluster.signal(node, rustix::process::Signal::TERM);
        assert_eq!(cluster.ended(node).0, Some(0), "{}", cluster.log(node));
    }
    let verbs: [&[&str]; 23] = [
        &["--help"],
        &["run", "--help"],
        &["node", "--help"],
        &["publish", "--help"],
        &["status", "--help"],
        &["logs", "--help"],
        &["verify", "--help"],
        &["dead", "retry", "--help"],
        &["runs", "resume", "--help"],
        &["lint", "g.yaml"],
        &["verify", "g.yaml"],
        &["graph", "g.yaml"],
        &["config", "show", "g.yaml"],
        &["publish", "g.yaml", "t-3"],
        &["status", "g.yaml"],
        &["logs", "g.yaml"],
        &["plan", "g.yaml", "t-2"],
        &["explain", "g.yaml", "t-2"],
        &["runs", "ls", "g.yaml"],
        &["runs", "show", "g.yaml", "last"],
        &["runs", "check", "g.yaml", "last"],
        &["dead", "ls", "g.yaml"],
        &["dead", "show", "g.yaml"],
    ];
    for verb in verbs {
        silent(&cluster.call(verb));
        silent(&cluster.call(&[verb, &["--json"]].concat()));
    }
    let at = |rest: &str| format!("amqp://{USER}:{WORD}@{rest}");
    let wrong = [
        (format!("amqp://{USER}:{WORD}-wrong@127.0.0.1:{port}"), 1),
        (at(&format!("127.0.0.1:{port}/closed")), 1),
        (at(&format!("127.0.0.1:{port}/canaries-are-nowhere")).replace("canaries-are-", ""), 1),
        (at("127.0.0.1:1"), 1),
        (at("rabbit.example.org"), 2),
        (at("127.0.0.1:port"), 2),
        (format!("http://{USER}:{WORD}@127.0.0.1"), 2),
        (format!("amqp://{USER}:{WORD}"), 2),
        (format!("{USER}:{WORD}"), 2),
    ];
    for (url, code) in &wrong {
        for verb in [&["publish", "g.yaml", "t-4"][..], &["verify", "g.yaml"]] {
            let said = cluster.call_with(verb, &[("EUTERPE_BROKER", url), ("EUTERPE_LOG", "debug")]);
            silent(&said);
            assert_eq!(said.code, Some(*code), "{said:?}");
        }
    }
    rabbit.ctl(&["clear_permissions", USER]);
    silent(&cluster.call(&["publish", "g.yaml", "t-5"]).ends(1));
    soon("the node's log is there", Duration::from_secs(5), || cluster.log(0).contains("has ended"));
    for (name, content) in cluster.files(".") {
        let shown = content.windows(6).any(|part| part == b"canary");
        assert!(!shown, "{name} shows it");
    }
    assert!(fs::exists(cluster.path(".euterpe")).expect("looked at"));
}
