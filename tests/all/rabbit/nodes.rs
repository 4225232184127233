//! Three nodes over a real RabbitMQ: what one process makes, each once, from ids that are published or run.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use rustix::process::Signal;

use super::{Cluster, Vhost, soon};

/// A diamond and what follows it; `slow` milliseconds for each work.
pub fn diamond(slow: u64) -> String {
    diamond_of(slow, 8)
}

/// The same with so many workers for each job.
pub fn diamond_of(slow: u64, workers: usize) -> String {
    let job = |name: &str, inputs: &str| {
        format!(
            "  {name}: {{use: test.faulty, with: {{slow_ms: {slow}}}, {inputs}out: \"out:{name}/{{id}}.txt\", pool: {{workers: {workers}}}}}\n"
        )
    };
    format!(
        "version: 1\ngraph: diamond\nstores: {{out: {{url: ./out, fsync: false}}}}\ndefaults: {{backoff: 100ms}}\njobs:\n{}{}{}{}{}",
        job("base", ""),
        job("left", "in: {b: base}, "),
        job("right", "in: {b: base}, "),
        job("join", "in: {l: left, r: right}, "),
        job("tail", "in: {j: join}, "),
    )
}

fn ids(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("t-{n:05}"))
}

#[test]
fn three_nodes_make_the_same_files_as_one_process_does() {
    let vhost = Vhost::new();
    let graph = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/quickstart.yaml")).expect("read");
    let mut cluster = Cluster::new(&graph, &vhost);
    cluster.nodes(3, &[]);
    cluster.ids(ids(6));
    let ran = cluster.call(&["--json", "run", "g.yaml", "--ids", "ids"]).ends(0);
    assert_eq!((ran.last()["open"].as_u64(), ran.last()["entities"].as_u64()), (Some(0), Some(6)), "{ran:?}");
    let alone = tempfile::tempdir().expect("a folder");
    fs::write(alone.path().join("g.yaml"), &graph).expect("written");
    let status = Command::new(env!("CARGO_BIN_EXE_euterpe"))
        .args(["run", "g.yaml", "--ids"])
        .arg(cluster.path("ids"))
        .current_dir(&alone)
        .env_remove("EUTERPE_BROKER")
        .output()
        .expect("the binary");
    assert!(status.status.success(), "{status:?}");
    let made = cluster.files("quickstart");
    assert_eq!(made.len(), 6 * 7);
    for (name, content) in &made {
        let same = fs::read(alone.path().join("quickstart").join(name)).expect("made by one process too");
        assert!(same == *content, "{name} differs");
    }
    // A second run has nothing to do, and says so without any node.
    let again = cluster.call(&["run", "g.yaml", "--ids", "ids"]).ends(0);
    assert!(again.out.contains("nothing to do"), "{again:?}");
    cluster.call(&["runs", "check", "g.yaml", "last"]).ends(0);
}

#[test]
fn without_a_fault_every_work_is_done_once_on_three_nodes() {
    const ENTITIES: usize = 20_000;
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(0), &vhost);
    cluster.nodes(3, &[]);
    cluster.ids(ids(ENTITIES));
    let ran = cluster.call(&["--json", "run", "g.yaml", "--ids", "ids"]).ends(0).last();
    let starts = cluster.starts();
    assert_eq!(starts.len(), ENTITIES * 5, "{ran}");
    assert_eq!(cluster.twice(), 0, "work was done twice: {ran}");
    let (passed_on, edges) = (cluster.passed_on(), 5 * ENTITIES as u64);
    assert!(passed_on as f64 <= 1.3 * edges as f64, "{passed_on} messages over {edges} edges");
    for job in ["base", "left", "right", "join", "tail"] {
        assert_eq!(ran["jobs"][job]["done"].as_u64(), Some(ENTITIES as u64), "{job}: {ran}");
    }
}

#[test]
fn one_node_passes_on_hardly_more_messages_than_there_are_edges() {
    const ENTITIES: usize = 3000;
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(0), &vhost);
    cluster.node(&[]);
    cluster.ids(ids(ENTITIES));
    cluster.call(&["run", "g.yaml", "--ids", "ids"]).ends(0);
    assert_eq!(cluster.twice(), 0, "work was done twice");
    let (passed_on, edges) = (cluster.passed_on(), 5 * ENTITIES as u64);
    assert!(passed_on as f64 <= 1.05 * edges as f64, "{passed_on} messages over {edges} edges");
}

#[test]
fn what_is_published_is_made_by_nodes_that_start_later_and_status_shows_them() {
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(20), &vhost);
    cluster.ids(ids(300));
    let published = cluster.call(&["--json", "publish", "g.yaml", "--ids", "ids"]).ends(0).last();
    assert_eq!(published["sent"].as_u64(), Some(300), "{published}");
    let status = cluster.call(&["--json", "status", "g.yaml"]).ends(1).last();
    assert_eq!(status["jobs"]["base"]["ready"].as_u64(), Some(300), "{status}");
    assert_eq!(status["nodes"].as_array().map(Vec::len), Some(0), "{status}");
    cluster.nodes(2, &[]);
    let status = cluster.call(&["--json", "status", "g.yaml"]).ends(0).last();
    let names: BTreeSet<&str> =
        status["nodes"].as_array().into_iter().flatten().filter_map(|n| n["node"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(["node-0", "node-1"]), "{status}");
    soon("all is made", Duration::from_secs(60), || cluster.call(&["runs", "check", "g.yaml", "last"]).code == Some(0));
    let missing = cluster.call(&["--json", "publish", "g.yaml", "--ids", "ids", "--missing-only"]).ends(0).last();
    assert_eq!((missing["sent"].as_u64(), missing["finished"].as_u64()), (Some(0), Some(300)), "{missing}");
    let verified = cluster.call(&["verify", "g.yaml"]).ends(0);
    assert!(["RabbitMQ 3.", "RabbitMQ 4."].iter().any(|broker| verified.out.contains(broker)), "{verified:?}");
}

#[test]
fn a_node_serves_the_jobs_that_it_is_told_to() {
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(0), &vhost);
    cluster.node(&["--jobs", "base,left"]);
    cluster.node(&["--jobs", "right,join,tail"]);
    cluster.ids(ids(50));
    cluster.call(&["run", "g.yaml", "--ids", "ids"]).ends(0);
    let of = |number: usize| {
        let ledger = fs::read_to_string(cluster.path(&format!("ledger-{number}"))).expect("a ledger");
        let jobs: BTreeSet<String> = ledger
            .lines()
            .filter(|line| line.starts_with("start"))
            .filter_map(|l| l.split('\t').nth(1))
            .map(str::to_owned)
            .collect();
        jobs
    };
    assert_eq!(of(0), BTreeSet::from(["base".to_owned(), "left".to_owned()]));
    assert_eq!(of(1), BTreeSet::from(["join".to_owned(), "right".to_owned(), "tail".to_owned()]));
    let wrong = cluster.call(&["node", "g.yaml", "--jobs", "bass"]).ends(2);
    assert!(wrong.err.contains("did you mean `base`?"), "{wrong:?}");
}

#[test]
fn a_node_that_is_told_to_stop_under_load_does_no_work_twice_and_ends_in_time() {
    const TIMES: usize = 50;
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(15), &vhost);
    cluster.nodes(2, &["--grace", "10s"]);
    cluster.ids(ids(6000));
    cluster.call(&["publish", "g.yaml", "--ids", "ids"]).ends(0);
    for turn in 0..TIMES {
        let number = turn % 2;
        // Some way into its work, another way each time.
        std::thread::sleep(Duration::from_millis(40 + (turn as u64 * 37) % 160));
        cluster.signal(number, Signal::TERM);
        let (code, took) = cluster.ended(number);
        assert_eq!(code, Some(0), "{}", cluster.log(number));
        assert!(took <= Duration::from_secs(12), "it took {took:?} to end: {}", cluster.log(number));
        cluster.start_node(number, &["--grace", "10s"]);
    }
    soon("all is made", Duration::from_secs(120), || {
        cluster.call(&["runs", "check", "g.yaml", "last"]).code == Some(0)
    });
    assert_eq!(cluster.twice(), 0, "work was done twice");
}

#[test]
fn from_one_node_to_eight_and_back_under_load_nothing_is_lost_and_nothing_done_twice() {
    const ENTITIES: usize = 3000;
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(60), &vhost);
    cluster.node(&[]);
    cluster.ids(ids(ENTITIES));
    cluster.call(&["publish", "g.yaml", "--ids", "ids"]).ends(0);
    soon("work goes on", Duration::from_secs(60), || cluster.count("start\t") >= 500);
    cluster.nodes(7, &[]);
    for number in 1..8 {
        soon("each of them works", Duration::from_secs(60), || cluster.count_of(number, "start\t") > 0);
    }
    (1..8).for_each(|number| cluster.signal(number, Signal::TERM));
    for number in 1..8 {
        assert_eq!(cluster.ended(number).0, Some(0), "{}", cluster.log(number));
    }
    soon("all is made", Duration::from_secs(120), || {
        cluster.call(&["runs", "check", "g.yaml", "last"]).code == Some(0)
    });
    assert_eq!((cluster.starts().len(), cluster.twice()), (5 * ENTITIES, 0));
}

#[test]
fn what_outlasts_the_grace_goes_back_to_its_queue_and_who_is_told_twice_ends_at_once() {
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(600_000), &vhost);
    cluster.node(&["--grace", "2s"]);
    cluster.ids(ids(4));
    cluster.call(&["publish", "g.yaml", "--ids", "ids"]).ends(0);
    soon("all are begun", Duration::from_secs(30), || cluster.count("start\tbase\t") == 4);
    cluster.signal(0, Signal::TERM);
    let (code, took) = cluster.ended(0);
    assert_eq!(code, Some(0), "{}", cluster.log(0));
    assert!(took >= Duration::from_secs(2) && took <= Duration::from_secs(4), "it took {took:?}: {}", cluster.log(0));
    cluster.start_node(0, &["--grace", "10m"]);
    soon("all are begun again", Duration::from_secs(30), || cluster.count("start\tbase\t") == 8);
    cluster.signal(0, Signal::TERM);
    std::thread::sleep(Duration::from_millis(500)); // long enough to be heard for itself
    cluster.signal(0, Signal::TERM);
    let (code, took) = cluster.ended(0);
    assert_eq!(code, Some(0), "{}", cluster.log(0));
    assert!(took <= Duration::from_secs(2), "it took {took:?}: {}", cluster.log(0));
    // What is quick by now is made, with nothing lost.
    cluster.change(&diamond(0));
    cluster.start_node(0, &[]);
    cluster.call(&["runs", "resume", "g.yaml", "last"]).ends(0); // by the graph as it is now
    soon("all is made", Duration::from_secs(30), || cluster.call(&["runs", "check", "g.yaml", "last"]).code == Some(0));
}
