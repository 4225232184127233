//! What a person sees of work over a broker: of a run that is stopped, of messages that wait.

use std::time::Duration;

use super::{Cluster, Said, Vhost, soon};
use crate::cli::logs;

const GRAPH: &str = r#"version: 1
graph: daily
stores: {out: {url: ./out, fsync: false}}
jobs:
  a: {use: test.faulty, out: "out:a/{id}.txt"}
"#;

#[test]
fn ctrl_c_says_how_many_ids_were_not_published_and_resume_publishes_them() {
    // Without a node at most 20,000 are under way, so the rest cannot be published before.
    const ENTITIES: usize = 20_500;
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(GRAPH, &vhost);
    cluster.ids((0..ENTITIES).map(|n| format!("t-{n:05}")));
    let run = cluster.start(&["run", "g.yaml", "--ids", "ids"]);
    let runs = cluster.path(".euterpe/daily/runs");
    let all_read = || {
        let runs = std::fs::read_dir(&runs).into_iter().flatten();
        runs.flatten().any(|run| run.path().join("read.json").exists())
    };
    soon("all ids are read", Duration::from_secs(60), all_read);
    let pid = rustix::process::Pid::from_raw(run.id() as i32).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("a signal");
    let said = Said::from(run.wait_with_output().expect("ended")).ends(130);
    let unsent = said.out.lines().find(|line| line.starts_with("unsent:")).unwrap_or_else(|| panic!("{said:?}"));
    let count: usize = unsent.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number");
    assert!((500..=ENTITIES).contains(&count), "{unsent}");
    assert!(unsent.contains("ids were not published; `euterpe runs resume g.yaml "), "{unsent}");
    assert!(!said.out.contains("unread:"), "{said:?}");
    cluster.nodes(1, &[]);
    cluster.call(&["runs", "resume", "g.yaml", "last"]).ends(0);
    assert_eq!(cluster.names("out/a").len(), ENTITIES);
}

#[test]
fn a_node_and_a_run_log_json_in_which_each_line_of_a_work_says_whose_it_is() {
    let vhost = Vhost::new();
    let graph = GRAPH.replace("test.faulty,", "test.faulty, with: {fail_on: [t-2]}, retries: 0,");
    let mut cluster = Cluster::new(&graph, &vhost);
    let json = [("EUTERPE_LOG_FORMAT", "json"), ("EUTERPE_LOG", "info")];
    let node = cluster.started_with(&[], &json);
    let ran = cluster.call_with(&["--json", "run", "g.yaml", "t-1", "t-2"], &json).ends(4);
    cluster.signal(node, rustix::process::Signal::TERM);
    assert_eq!(cluster.ended(node).0, Some(0));
    let work = ("a".to_owned(), "t-2".to_owned(), ran.last()["run"].as_str().expect("a run").to_owned(), 0);
    for log in [cluster.log(node), ran.err] {
        assert_eq!(logs::works(&logs::lines(&log), "dead: "), std::slice::from_ref(&work), "{log}");
    }
}

#[test]
fn what_waits_for_its_next_try_is_counted_though_it_is_in_no_job_s_queue() {
    let vhost = Vhost::new();
    let graph = "version: 1\ngraph: daily\nstores: {out: ./out}\ndefaults: {backoff: 5m}\njobs:\n  \
                 a: {use: command, with: {argv: [cat, /no/such/file], stdout: output}, out: \"out:a/{id}.txt\"}\n";
    let mut cluster = Cluster::new(graph, &vhost);
    cluster.nodes(1, &[]);
    cluster.call(&["publish", "g.yaml", "t-1", "t-2"]).ends(0);
    let delayed = || cluster.call(&["--json", "status", "g.yaml"]).ends(0).last()["delayed"] == 2;
    soon("both wait for their second try", Duration::from_secs(30), delayed);
    let said = cluster.call(&["status", "g.yaml"]).ends(0);
    assert!(said.out.contains("2 messages wait for their next try, or for another node\n"), "{said:?}");
    let said = cluster.call(&["verify", "g.yaml"]).ends(0);
    assert!(said.out.contains("ok  delay queues: 2 messages wait for their next try"), "{said:?}");
}
