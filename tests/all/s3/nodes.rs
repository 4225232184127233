//! Two nodes over a real RabbitMQ with everything in a bucket, outputs and records: each work once, and when they are
//! killed again and again, nothing is lost and no more done twice than they had in hand.
//!
//! | variable | what it says | usual |
//! |---|---|---|
//! | `EUTERPE_S3_KILLED_ENTITIES` | entities of the run whose nodes are killed | 3000 |

use std::time::{Duration, Instant};

use super::server::{BUCKET, SECRET, Server, USER};
use super::state::keys;
use crate::rabbit::{Cluster, Vhost, soon};

/// Workers of each job on each node.
const WORKERS: usize = 4;
/// Jobs of the graph: two, and one that is made of both.
const JOBS: usize = 3;
const STATE: [&str; 2] = ["--state", "s3://euterpe-test/state"];

/// A fan-in; `slow` milliseconds for each work.
fn fan_in(slow: u64, endpoint: &str) -> String {
    let job = |name: &str, inputs: &str| {
        format!(
            "  {name}: {{use: test.faulty, with: {{slow_ms: {slow}}}, {inputs}out: \"out:{name}/{{id}}.txt\", pool: {{workers: {WORKERS}}}}}\n"
        )
    };
    format!(
        "version: 1\ngraph: fan\nstores: {{out: {{url: \"s3://{BUCKET}/out\", endpoint: \"{endpoint}\"}}}}\ndefaults: {{backoff: 100ms}}\njobs:\n{}{}{}",
        job("left", ""),
        job("right", ""),
        job("join", "in: {l: left, r: right}, "),
    )
}

const IDENTITY: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", USER), ("AWS_SECRET_ACCESS_KEY", SECRET)];

fn two_nodes(vhost: &Vhost, server: &Server, slow: u64, entities: usize) -> Cluster {
    let mut cluster = Cluster::new(&fan_in(slow, &server.endpoint()), vhost);
    cluster.ids((0..entities).map(|n| format!("t-{n:05}")));
    (0..2).for_each(|_| {
        cluster.started_with(&STATE, &IDENTITY);
    });
    cluster
}

fn call(cluster: &Cluster, words: &[&str]) -> crate::rabbit::Said {
    cluster.call_with(&[words, &STATE].concat(), &IDENTITY)
}

/// Every entity of the last run is done, each output is there, and nothing was begun that nobody asked for.
async fn all_is_done(cluster: &Cluster, server: &Server, entities: usize) {
    let account = call(cluster, &["--json", "runs", "check", "g.yaml", "last"]).ends(0).last();
    let count = |name: &str| account[name].as_u64();
    assert_eq!((count("done"), count("open"), count("dead")), (Some(entities as u64), Some(0), Some(0)), "{account}");
    assert_eq!(cluster.starts().len(), JOBS * entities);
    assert_eq!(keys(server, "out").await.len(), JOBS * entities);
}

#[tokio::test]
async fn five_thousand_entities_of_a_fan_in_are_each_made_once_by_two_nodes() {
    const ENTITIES: usize = 5000;
    let (vhost, server) = (Vhost::new(), Server::memory());
    let cluster = two_nodes(&vhost, &server, 0, ENTITIES);
    let began = Instant::now();
    let ran = call(&cluster, &["--json", "run", "g.yaml", "--ids", "ids"]).ends(0).last();
    println!("{ENTITIES} entities in {:.1} s, {:?}", began.elapsed().as_secs_f64(), server.asked());
    assert_eq!(cluster.twice(), 0, "work was done twice: {ran}");
    all_is_done(&cluster, &server, ENTITIES).await;
    assert_eq!(keys(&server, "state/fan/claims").await, [""; 0], "claims are left");
    call(&cluster, &["status", "g.yaml"]).ends(0);
    let verified = call(&cluster, &["verify", "g.yaml"]).ends(0);
    assert!(verified.out.contains("promises of the state: writes are seen at once"), "{verified:?}");
    let refused = cluster.alone(&[&["run", "g.yaml", "t-1"][..], &STATE].concat(), &IDENTITY).ends(1);
    assert!(refused.err.contains("is in use by process "), "{refused:?}");
    let both = [0, 1].map(|node| cluster.count_of(node, "start\t"));
    assert!(both.iter().all(|starts| *starts > ENTITIES / 2), "one node did nearly all: {both:?}");
}

#[tokio::test]
async fn two_nodes_that_are_killed_ten_times_lose_nothing_and_do_little_twice() {
    const KILLS: usize = 10;
    let entities = match std::env::var("EUTERPE_S3_KILLED_ENTITIES") {
        Ok(number) => number.parse().expect("a number"),
        Err(_) => 3000,
    };
    let (vhost, server) = (Vhost::new(), Server::memory());
    let mut cluster = two_nodes(&vhost, &server, 20, entities);
    call(&cluster, &["publish", "g.yaml", "--ids", "ids"]).ends(0);
    let began = Instant::now();
    for kill in 0..KILLS {
        // When a part more is made, so that each kill finds work in hand.
        let part = JOBS * entities * (kill + 1) / (KILLS + 2);
        soon("a part more is begun", Duration::from_secs(120), || cluster.count("start\t") >= part);
        cluster.kill(kill % 2);
        cluster.start_node_with(kill % 2, &STATE, &IDENTITY);
    }
    let patience = Duration::from_secs(120);
    let until = Instant::now() + patience;
    while keys(&server, "out").await.len() < JOBS * entities {
        assert!(Instant::now() < until, "not all is made within {patience:?}");
        tokio::time::sleep(Duration::from_millis(500)).await; // a deadline against real processes
    }
    soon("the queues are empty", patience, || vhost.depths().iter().all(|(_, depth)| *depth == 0));
    let twice = cluster.twice();
    println!("{entities} entities, {KILLS} kills, {twice} works twice, {:.1} s", began.elapsed().as_secs_f64());
    all_is_done(&cluster, &server, entities).await;
    assert!(twice <= (KILLS * WORKERS * JOBS) as i64, "{twice} works were done twice");
}

#[tokio::test]
async fn nodes_whose_state_keeps_nobody_apart_say_so_and_work_without_claims() {
    let (vhost, server) = (Vhost::new(), Server::memory());
    server.tell("ignore-conditions 1");
    let cluster = two_nodes(&vhost, &server, 0, 20);
    call(&cluster, &["run", "g.yaml", "--ids", "ids"]).ends(0);
    assert!(cluster.log(1).contains("nodes make no claims"), "{}", cluster.log(1));
    let account = call(&cluster, &["--json", "runs", "check", "g.yaml", "last"]).ends(0).last();
    assert_eq!(account["done"].as_u64(), Some(20), "{account}");
}

#[tokio::test]
async fn a_node_that_starts_knows_by_listing_what_a_run_in_the_queues_finds_made() {
    const ENTITIES: usize = 200;
    let (vhost, server) = (Vhost::new(), Server::memory());
    let mut cluster = two_nodes(&vhost, &server, 0, ENTITIES);
    call(&cluster, &["run", "g.yaml", "--ids", "ids"]).ends(0);
    [0, 1].into_iter().for_each(|node| cluster.kill(node));
    call(&cluster, &["publish", "g.yaml", "--ids", "ids"]).ends(0);
    server.tell("forget");
    cluster.start_node_with(0, &STATE, &IDENTITY);
    let depths = || vhost.depths().iter().all(|(_, depth)| *depth == 0);
    soon("all is taken", Duration::from_secs(60), depths);
    let heads = server.asked().get("HeadObject").copied().unwrap_or(0);
    assert!(heads < ENTITIES as u64 / 10, "{heads} outputs were looked for one by one: {:?}", server.asked());
    assert_eq!(cluster.starts().len(), JOBS * ENTITIES);
}

#[tokio::test]
async fn a_node_that_is_told_to_stop_while_it_lists_ends_at_once() {
    let (vhost, server) = (Vhost::new(), Server::memory());
    let mut cluster = two_nodes(&vhost, &server, 0, 5);
    call(&cluster, &["run", "g.yaml", "--ids", "ids"]).ends(0);
    [0, 1].into_iter().for_each(|node| cluster.kill(node));
    server.tell("forget");
    server.tell("holds-listings 1");
    cluster.start_node_with(0, &STATE, &IDENTITY);
    let lists = || server.asked().contains_key("ListObjectsV2");
    soon("it lists", Duration::from_secs(20), lists);
    cluster.signal(0, rustix::process::Signal::TERM);
    let (code, took) = cluster.ended(0);
    assert_eq!(code, Some(0), "{}", cluster.log(0));
    assert!(took < Duration::from_secs(8), "it ended after {took:?}: {}", cluster.log(0));
}
