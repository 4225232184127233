//! A cluster of three brokers: with one dead, work goes on; with two dead it waits, and nothing is lost.

use std::time::Duration;

use super::nodes::diamond_of;
use super::{Cluster, Rabbit, soon};

const ENTITIES: usize = 1500;
const WORKERS: usize = 4;
const JOBS: usize = 5;

/// How often any work was started on a node.
fn starts(cluster: &Cluster, node: usize) -> usize {
    cluster.count_of(node, "start\t")
}

#[test]
fn with_one_of_three_brokers_dead_work_goes_on_and_with_two_dead_it_waits_and_nothing_is_lost() {
    let first = Rabbit::start();
    let (mut second, mut third) = (first.another(), first.another());
    let mut cluster = Cluster::at(&diamond_of(50, WORKERS), first.url());
    // Whoever declares a queue chooses who leads it: these are led by the broker that dies.
    cluster.node(&["--heartbeat", "2s", "--broker", &second.url()]);
    cluster.node(&["--heartbeat", "2s"]);
    cluster.ids((0..ENTITIES).map(|n| format!("t-{n:05}")));
    cluster.call(&["publish", "g.yaml", "--ids", "ids"]).ends(0);
    soon("both work", Duration::from_secs(60), || (0..2).all(|node| starts(&cluster, node) > 200));
    let leaders = first.ctl(&["list_queues", "--no-table-headers", "name", "leader"]);
    assert!(leaders.contains(&format!("job.base\t{}", second.name())), "{leaders}");

    second.kill();
    let before = starts(&cluster, 1);
    soon("who is left works on", Duration::from_secs(40), || starts(&cluster, 1) > before + 200);
    third.kill();
    let mut before = 0;
    soon("nobody begins anything", Duration::from_secs(40), || {
        std::thread::sleep(Duration::from_secs(2)); // a while to look at
        let now = starts(&cluster, 1);
        std::mem::replace(&mut before, now) == now
    });
    assert!(before + starts(&cluster, 0) < ENTITIES * JOBS, "the brokers died too late for this test");

    third.start_again();
    second.start_again();
    soon("all is made", Duration::from_secs(180), || {
        cluster.call(&["runs", "check", "g.yaml", "last"]).code == Some(0)
    });
    let account = cluster.call(&["--json", "runs", "check", "g.yaml", "last"]).ends(0).last();
    assert_eq!((account["dead"].as_u64(), account["open"].as_u64()), (Some(0), Some(0)), "{account}");
    let twice = cluster.twice();
    println!("{twice} of {} works were done twice", ENTITIES * JOBS);
    assert!(twice <= (2 * WORKERS * JOBS) as i64, "{twice} works were done twice");
}
