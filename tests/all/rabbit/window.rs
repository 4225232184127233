//! The window of a run over a broker: however many entities there are, the queues hold the messages of a few, and the run goes on
//! whatever becomes of the reports that make room.

use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::{Cluster, Rabbit, Said, Vhost, soon};

const GRAPH: &str = r#"version: 1
graph: window
stores: {src: ./src, out: {url: ./out, fsync: false}}
jobs:
  a: {use: json.merge, in: {x: "src:{id}.json"}, out: "out:a/{id}.json"}
  b: {use: json.merge, in: {x: a}, out: "out:b/{id}.json"}
  c: {use: json.merge, in: {x: a}, out: "out:c/{id}.json"}
  d: {use: json.merge, in: {b: b, c: c}, out: "out:d/{id}.json"}
"#;
const JOBS: [&str; 4] = ["a", "b", "c", "d"];

/// The graph with so many sources.
fn cluster(broker: String, entities: usize) -> Cluster {
    let cluster = Cluster::at(GRAPH, broker);
    std::fs::create_dir(cluster.path("src")).expect("made");
    for n in 0..entities {
        std::fs::write(cluster.path(&format!("src/t-{n:05}.json")), format!("{{\"n\": {n}}}")).expect("written");
    }
    cluster
}

fn started(cluster: &Cluster, window: usize, args: &[&str]) -> Child {
    cluster.start_with(&[&["--json", "run", "g.yaml"], args].concat(), &[("EUTERPE_WINDOW", &window.to_string())])
}

/// How many messages all queues of the graph hold, those that nodes have in hand among them.
fn depth(vhost: &Vhost) -> u64 {
    vhost.depths().iter().filter(|(queue, _)| queue.starts_with("euterpe.")).map(|(_, depth)| depth).sum()
}

fn soon_read(cluster: &Cluster) {
    let runs = cluster.path(".euterpe/window/runs");
    soon("all ids are read", Duration::from_secs(60), || {
        let runs = std::fs::read_dir(&runs).into_iter().flatten();
        runs.flatten().any(|run| run.path().join("read.json").exists())
    });
}

/// Waits until the window is full and all ids are read, so that what is beyond it waits for room.
fn soon_full(cluster: &Cluster, vhost: &Vhost, window: usize) {
    soon_read(cluster);
    soon("the window is full", Duration::from_secs(20), || depth(vhost) >= window as u64);
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(100)); // the broker counts twice a second
        assert_eq!(depth(vhost), window as u64);
    }
}

/// Waits for the end of a run, and gives the most messages that the queues held meanwhile.
fn deepest(vhost: &Vhost, mut run: Child) -> (Said, u64) {
    let mut deepest = 0;
    soon("the run ends", Duration::from_secs(300), || {
        deepest = deepest.max(depth(vhost));
        run.try_wait().expect("asked").is_some()
    });
    (Said::from(run.wait_with_output().expect("ended")), deepest)
}

fn is_all_made_once(cluster: &Cluster, entities: usize) {
    for job in JOBS {
        assert_eq!(cluster.names(&format!("out/{job}")).len(), entities, "{job}");
        assert_eq!(cluster.count(&format!("start\t{job}\t")), entities, "{job}");
    }
    assert_eq!(cluster.twice(), 0);
}

fn interrupt(run: &Child) {
    kill_process(Pid::from_raw(run.id() as i32).expect("a process"), Signal::INT).expect("a signal");
}

#[test]
fn the_queues_of_a_run_never_hold_more_than_its_window_and_a_node_that_comes_late_makes_all_of_it() {
    const ENTITIES: usize = 4000;
    const WINDOW: usize = 200;
    let vhost = Vhost::new();
    let mut cluster = cluster(vhost.url(), ENTITIES);
    let run = started(&cluster, WINDOW, &[]);
    soon_full(&cluster, &vhost, WINDOW);
    cluster.nodes(1, &[]);
    let (said, deepest) = deepest(&vhost, run);
    let ran = said.ends(0).last();
    println!("{ENTITIES} entities with a window of {WINDOW}: {deepest} messages at the most, {} s", ran["seconds"]);
    assert_eq!((ran["entities"].as_u64(), ran["open"].as_u64()), (Some(ENTITIES as u64), Some(0)), "{ran}");
    assert!((1..=WINDOW * JOBS.len()).contains(&(deepest as usize)), "{deepest}");
    is_all_made_once(&cluster, ENTITIES);
}

#[test]
fn where_no_report_is_heard_storage_makes_room_for_the_rest() {
    const ENTITIES: usize = 1000;
    const WINDOW: usize = 250;
    let vhost = Vhost::new();
    let mut cluster = cluster(vhost.url(), ENTITIES);
    let run = started(&cluster, WINDOW, &[]);
    soon_full(&cluster, &vhost, WINDOW);
    vhost.delete_exchange("euterpe.window.reports"); // the node makes another one, at which the run does not listen
    cluster.nodes(1, &[]);
    let (said, deepest) = deepest(&vhost, run);
    let ran = said.ends(0).last();
    println!("{ENTITIES} entities without a report: {} s, {deepest} messages at the most", ran["seconds"]);
    assert_eq!((ran["open"].as_u64(), ran["jobs"]["d"]["done"].as_u64()), (Some(0), Some(ENTITIES as u64)), "{ran}");
    assert!(deepest as usize <= WINDOW * JOBS.len(), "{deepest}");
    is_all_made_once(&cluster, ENTITIES);
}

#[test]
fn a_dead_letter_of_which_no_report_is_heard_is_told_and_counted_like_any_other() {
    let vhost = Vhost::new();
    let graph = "version: 1\ngraph: unheard\nstores: {out: {url: ./out, fsync: false}}\ndefaults: {retries: 0}\njobs:\n  \
                 a: {use: test.faulty, with: {fail_on: [t-2]}, out: \"out:a/{id}.txt\"}\n";
    let mut cluster = Cluster::new(graph, &vhost);
    let run = cluster.start(&["run", "g.yaml", "t-1", "t-2"]);
    soon("both are published", Duration::from_secs(60), || depth(&vhost) == 2);
    vhost.delete_exchange("euterpe.unheard.reports");
    cluster.nodes(1, &[]);
    let said = Said::from(run.wait_with_output().expect("ended")).ends(4);
    assert!(said.err.contains("dead: told to fail for t-2"), "{said:?}");
    assert!(said.out.contains("failed:  1 dead letter; see `euterpe dead ls g.yaml`"), "{said:?}");
}

#[test]
fn ctrl_c_while_the_window_is_full_leaves_the_rest_to_resume() {
    const ENTITIES: usize = 1000;
    const WINDOW: usize = 200;
    let vhost = Vhost::new();
    let mut cluster = cluster(vhost.url(), ENTITIES);
    let args = ["run", "g.yaml"];
    let run = cluster.start_with(&args, &[("EUTERPE_WINDOW", "200")]);
    soon_full(&cluster, &vhost, WINDOW);
    interrupt(&run);
    let said = Said::from(run.wait_with_output().expect("ended")).ends(130);
    let unsent = "unsent:  800 ids were not published; `euterpe runs resume g.yaml ";
    assert!(said.out.contains(unsent), "{said:?}");
    assert_eq!(depth(&vhost), WINDOW as u64, "what was published goes on");
    cluster.nodes(1, &[]);
    let resumed = cluster.call_with(&["--json", "runs", "resume", "g.yaml", "last"], &[("EUTERPE_WINDOW", "200")]);
    assert_eq!(resumed.ends(0).last()["done"].as_u64(), Some(ENTITIES as u64));
    is_all_made_once(&cluster, ENTITIES);
}

#[test]
fn pings_keep_to_the_window_and_those_that_nobody_takes_are_given_up() {
    const ENTITIES: usize = 1500;
    const WINDOW: usize = 100;
    let vhost = Vhost::new();
    let mut cluster = cluster(vhost.url(), ENTITIES);
    let lost = started(&cluster, WINDOW, &["--ping", "--limit", "250"]);
    let (said, deep) = deepest(&vhost, lost);
    assert_eq!(said.ends(0).last()["jobs"]["a"]["ping"].as_u64(), Some(0));
    assert_eq!(deep, 250, "nothing is heard of the first ones, and so the next ones follow");
    cluster.nodes(1, &[]);
    soon("the old ones are through", Duration::from_secs(60), || depth(&vhost) == 0);
    let (said, deepest) = deepest(&vhost, started(&cluster, WINDOW, &["--ping"]));
    let ran = said.ends(0).last();
    println!("{ENTITIES} pings: {deepest} messages at the most, {} s", ran["seconds"]);
    assert_eq!(JOBS.map(|job| ran["jobs"][job]["ping"].as_u64()), [1500, 1500, 1500, 3000].map(Some), "{ran}");
    assert!(deepest as usize <= WINDOW * 5, "{deepest}"); // a message for each edge
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_a_broker_that_takes_nothing() {
    let rabbit = Rabbit::start();
    let cluster = cluster(rabbit.url(), 300);
    cluster.call(&["verify", "g.yaml", "--create"]);
    rabbit.ctl(&["set_vm_memory_high_watermark", "0.00001"]);
    let mut run = cluster.start(&["run", "g.yaml"]);
    soon_read(&cluster);
    std::thread::sleep(Duration::from_secs(1)); // it is to hand over what the broker will not confirm
    interrupt(&run);
    std::thread::sleep(Duration::from_secs(1)); // a while to look at
    assert!(run.try_wait().expect("asked").is_none(), "it ended before what it sent was confirmed");
    interrupt(&run);
    soon("it ends", Duration::from_secs(10), || run.try_wait().expect("asked").is_some());
    let said = Said::from(run.wait_with_output().expect("ended")).ends(130);
    assert!(said.err.contains("the broker has not confirmed all that was sent"), "{said:?}");
}
