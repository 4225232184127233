//! One fault of the broker at a time: queues that are gone or full, no memory, no core left, restarts in a row.

use std::time::{Duration, Instant};

use super::nodes::{diamond, diamond_of};
use super::{Cluster, Rabbit, Vhost, soon};

fn ids(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("t-{n:05}"))
}

fn publish(cluster: &Cluster, count: usize) {
    cluster.ids(ids(count));
    cluster.call(&["publish", "g.yaml", "--ids", "ids"]).ends(0);
}

fn depth(vhost: &Vhost, job: &str) -> u64 {
    let name = format!("euterpe.diamond.job.{job}");
    vhost.depths().into_iter().find(|(queue, _)| *queue == name).map_or(0, |(_, depth)| depth)
}

#[track_caller]
fn all_is_made(cluster: &Cluster) {
    soon("all is made", Duration::from_secs(120), || {
        cluster.call(&["runs", "check", "g.yaml", "last"]).code == Some(0)
    });
}

#[test]
fn what_no_queue_takes_is_published_again_to_the_queue_that_is_declared_anew() {
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(5000), &vhost); // time enough to delete a queue on a busy machine
    // Nobody consumes `left`, so that only its publisher can find out.
    cluster.node(&["--jobs", "base"]);
    publish(&cluster, 8);
    vhost.delete_queue("euterpe.diamond.job.left");
    assert!(!cluster.path("out/base").exists(), "the queue was deleted too late for this test");
    soon("the children have their messages", Duration::from_secs(60), || {
        // The broker counts each queue at a time of its own.
        [("left", 8), ("right", 8), ("base", 0)].into_iter().all(|(job, count)| depth(&vhost, job) == count)
    });
    assert!(cluster.log(0).contains("queues were gone"), "{}", cluster.log(0));
    cluster.change(&diamond(0));
    cluster.node(&[]);
    cluster.call(&["runs", "resume", "g.yaml", "last"]).ends(0); // by the graph as it is now
    all_is_made(&cluster);
    assert_eq!(cluster.twice(), 0);
}

#[test]
fn what_was_in_a_deleted_queue_is_open_and_resuming_the_run_publishes_it_again() {
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(0), &vhost);
    cluster.node(&["--jobs", "base,right,join,tail"]);
    publish(&cluster, 100);
    soon("`left` has its messages", Duration::from_secs(60), || depth(&vhost, "left") == 100);
    vhost.delete_queue("euterpe.diamond.job.left");
    cluster.node(&[]);
    let account = cluster.call(&["--json", "runs", "check", "g.yaml", "last"]).ends(1).last();
    assert_eq!(account["open"].as_u64(), Some(100), "{account}");
    let resumed = cluster.call(&["runs", "resume", "g.yaml", "last"]).ends(0);
    let account = cluster.call(&["--json", "runs", "check", "g.yaml", "last"]).ends(0).last();
    assert_eq!((account["open"].as_u64(), account["done"].as_u64()), (Some(0), Some(100)), "{resumed:?}");
    assert_eq!(cluster.twice(), 0);
}

#[test]
fn what_a_full_queue_refuses_is_sent_again_until_there_is_room() {
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(5), &vhost);
    cluster.node(&["--jobs", "base,right,join,tail"]);
    let policy = serde_json::json!({"max-length": 20, "overflow": "reject-publish"});
    vhost.set_policy(r"^euterpe\.diamond\.job\.left$", &policy);
    publish(&cluster, 300);
    soon("`left` is full", Duration::from_secs(60), || depth(&vhost, "left") >= 20);
    std::thread::sleep(Duration::from_secs(2)); // long enough for all of `base`, if nothing were refused
    let (left, base) = (depth(&vhost, "left"), depth(&vhost, "base"));
    assert!((20..100).contains(&left), "{left} in the full queue");
    assert!(base > 100, "{base} wait before the full queue");
    cluster.node(&["--jobs", "left"]);
    all_is_made(&cluster);
    assert_eq!(cluster.twice(), 0);
    assert!(!cluster.log(0).contains("the broker is away"), "{}", cluster.log(0));
}

#[test]
fn a_broker_without_memory_is_waited_for_and_nothing_fails_of_it() {
    let rabbit = Rabbit::start();
    let mut cluster = Cluster::at(&diamond_of(100, 4), rabbit.url());
    cluster.nodes(2, &["--heartbeat", "2s"]);
    publish(&cluster, 800);
    soon("work is done", Duration::from_secs(30), || cluster.count("start\ttail") > 5);
    rabbit.ctl(&["set_vm_memory_high_watermark", "0.00001"]);
    std::thread::sleep(Duration::from_millis(6500)); // the nodes' patience with it, and a second more
    let held = cluster.count("start\t");
    std::thread::sleep(Duration::from_millis(1500)); // the rest of the eight seconds
    assert_eq!(cluster.count("start\t"), held, "work was begun whose outcome could not be published");
    rabbit.ctl(&["set_vm_memory_high_watermark", "0.4"]);
    all_is_made(&cluster);
    let account = cluster.call(&["--json", "runs", "check", "g.yaml", "last"]).ends(0).last();
    assert_eq!((account["dead"].as_u64(), account["done"].as_u64()), (Some(0), Some(800)), "{account}");
    assert_eq!(cluster.twice(), 0);
    for node in 0..2 {
        let log = cluster.log(node);
        assert!(log.contains("takes no messages") && log.contains("takes messages again"), "{log}");
        assert!(!log.contains("the broker is away"), "{log}");
    }
}

#[test]
fn work_that_keeps_every_core_busy_for_many_heartbeats_breaks_no_connection() {
    let vhost = Vhost::new();
    let graph = diamond_of(0, 4).replace("slow_ms: 0", "spin_ms: 9000");
    let mut cluster = Cluster::new(&graph, &vhost);
    cluster.nodes(2, &["--heartbeat", "2s", "--jobs", "base"]);
    cluster.ids(ids(12));
    cluster.call(&["publish", "g.yaml", "--ids", "ids", "--only", "base"]).ends(0);
    all_is_made(&cluster);
    for node in 0..2 {
        let log = cluster.log(node);
        assert!(!log.contains("the broker is away") && !log.contains("consumed anew"), "{log}");
    }
    assert_eq!(cluster.twice(), 0);
}

/// Ticks of the processor that a process has used, a hundredth of a second each.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let (_, after) = stat.rsplit_once(") ").expect("a name");
    let field = |at: usize| after.split(' ').nth(at).and_then(|text| text.parse::<u64>().ok()).expect("a number");
    field(11) + field(12)
}

#[test]
fn after_five_restarts_of_the_broker_in_a_row_three_nodes_are_soon_idle_and_at_work_when_there_is_some() {
    let mut rabbit = Rabbit::start();
    let mut cluster = Cluster::at(&diamond(0), rabbit.url());
    cluster.nodes(3, &["--heartbeat", "2s"]);
    // A broker that is killed within moments of a queue's declaration may never elect a leader for it again.
    std::thread::sleep(Duration::from_secs(5));
    for turn in 0..5 {
        match turn % 2 {
            0 => rabbit.kill(),
            _ => rabbit.stop(),
        }
        rabbit.start_again();
    }
    std::thread::sleep(Duration::from_secs(10)); // what they may take to calm down
    let used = |cluster: &mut Cluster| (0..3).map(|node| ticks(cluster.running(node).expect("it runs"))).sum::<u64>();
    let (before, since) = (used(&mut cluster), Instant::now());
    std::thread::sleep(Duration::from_secs(3)); // a while to look at
    let percent = (used(&mut cluster) - before) as f64 / since.elapsed().as_secs_f64();
    assert!(percent < 15.0, "three idle nodes use {percent:.1} % of a core");
    println!("three idle nodes use {percent:.1} % of a core");
    cluster.ids(ids(100));
    let ran = cluster.call(&["--json", "run", "g.yaml", "--ids", "ids"]).ends(0).last();
    assert!(ran["seconds"].as_f64().is_some_and(|seconds| seconds < 15.0), "{ran}");
}
