//! A broker that takes messages away from whoever holds them for long: nothing is made twice, and the node says why.

use std::time::Duration;

use super::{Cluster, Rabbit, soon};

/// A broker that takes a message away after so many milliseconds, and looks twice a second.
fn impatient(millis: u64) -> Rabbit {
    let rabbit = Rabbit::start();
    let set = |name: &str, value: u64| format!("ok = application:set_env(rabbit, {name}, {value})");
    let both = format!("{}, {}.", set("channel_tick_interval", 500), set("consumer_timeout", millis));
    rabbit.ctl(&["eval", &both]);
    rabbit
}

/// One job of so many milliseconds, with two workers.
fn graph(slow: u64) -> String {
    format!(
        "version: 1\ngraph: slow\nstores: {{out: ./out}}\njobs:\n  work: {{use: test.faulty, with: {{slow_ms: {slow}}}, \
         out: \"out:{{id}}.txt\", pool: {{workers: 2}}}}\n"
    )
}

fn all_is_made(cluster: &mut Cluster, entities: usize) {
    cluster.ids((0..entities).map(|n| format!("t-{n}")));
    cluster.call(&["publish", "g.yaml", "--ids", "ids"]).ends(0);
    soon("all is made", Duration::from_secs(60), || cluster.call(&["runs", "check", "g.yaml", "last"]).code == Some(0));
    assert_eq!(cluster.count("start\twork\t"), entities, "{}", cluster.log(0));
}

#[test]
fn work_that_outlasts_the_brokers_patience_is_done_once_and_the_remedy_is_named() {
    let rabbit = impatient(2000);
    let mut cluster = Cluster::at(&graph(6000), rabbit.url());
    cluster.nodes(2, &[]);
    all_is_made(&mut cluster, 4);
    let said = format!("{}{}", cluster.log(0), cluster.log(1));
    assert!(said.contains("`consumer_timeout`") && said.contains("--consumer-timeout"), "{said}");
    soon("the queue is empty", Duration::from_secs(20), || rabbit.depths().iter().all(|(_, depth)| *depth == 0));
}

#[test]
fn messages_that_wait_for_a_worker_wait_at_the_broker_so_that_none_is_taken_away() {
    let rabbit = impatient(3000);
    let mut cluster = Cluster::at(&graph(1500), rabbit.url());
    cluster.node(&[]);
    all_is_made(&mut cluster, 12); // nine seconds of work for two workers
    assert!(!cluster.log(0).contains("consumed anew"), "{}", cluster.log(0));
}
