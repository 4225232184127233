//! A node that is cut off from the broker: others take over, and it goes on when it is back.

use std::time::{Duration, Instant};

use super::network::Network;
use super::nodes::diamond_of;
use super::{Cluster, Rabbit, soon};

const WORKERS: usize = 4;
const JOBS: usize = 5;

/// Where nobody may make namespaces, that must be said by name: a test that is left out in silence proves nothing.
fn left_out() -> bool {
    std::env::var_os("EUTERPE_NO_PARTITIONS").is_some()
}

#[test]
fn what_a_node_held_that_is_cut_off_is_made_by_others_and_it_works_again_when_it_is_back() {
    if left_out() {
        return;
    }
    let network = Network::of(1);
    let rabbit = Rabbit::also_at(network.here());
    let mut cluster = Cluster::at(&diamond_of(200, WORKERS), rabbit.url());
    cluster.move_to(0, network.machine(0), rabbit.url_for(network.here()));
    cluster.nodes(2, &["--heartbeat", "2s"]);
    cluster.ids((0..700).map(|n| format!("t-{n:05}")));
    cluster.call(&["publish", "g.yaml", "--ids", "ids"]).ends(0);
    soon("both work", Duration::from_secs(30), || {
        (0..2).all(|node| cluster.count_of(node, "start\ttail\t") > 3 && cluster.count_of(node, "pass\tjoin\t") > 3)
    });
    network.machine(0).pull();
    let held = |rabbit: &Rabbit| rabbit.ctl(&["list_connections", "client_properties"]).matches("node-0").count();
    soon("the broker misses it", Duration::from_secs(15), || held(&rabbit) == 0);
    let (cut_off, other) = (cluster.count_of(0, "start\t"), cluster.count_of(1, "start\t"));
    soon("the other one works", Duration::from_secs(15), || cluster.count_of(1, "start\t") > other + 200);
    assert_eq!(cluster.count_of(0, "start\t"), cut_off, "it began what it could tell nobody of");
    network.machine(0).plug();
    let back = Instant::now();
    soon("it works again", Duration::from_secs(15), || cluster.count_of(0, "start\t") > cut_off + 20);
    println!("it worked again {:?} after it was back", back.elapsed());
    soon("all is made", Duration::from_secs(120), || {
        cluster.call(&["runs", "check", "g.yaml", "last"]).code == Some(0)
    });
    assert!(cluster.log(0).contains("the broker is away"), "{}", cluster.log(0));
    assert!(!cluster.log(1).contains("the broker is away"), "{}", cluster.log(1));
    let twice = cluster.twice();
    println!("{twice} works were done twice");
    assert!(twice <= (WORKERS * JOBS) as i64, "{twice} works were done twice");
}
