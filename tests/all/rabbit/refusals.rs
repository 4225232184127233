//! What cannot work is refused in one sentence; what may yet work is waited for; what is left over is named.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};

use super::cluster::Said;
use super::nodes::diamond;
use super::{Cluster, Rabbit, Vhost, soon};

/// A process that is ended with the test, however that ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // One that has ended is as good.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The one line that a refused call says.
#[track_caller]
fn sentence(said: &Said) -> &str {
    assert_eq!(said.code, Some(1), "{said:#?}");
    let lines: Vec<&str> = said.err.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(lines.len(), 1, "{said:#?}");
    lines[0]
}

#[tokio::test]
async fn a_queue_that_is_there_with_other_settings_is_named_with_the_difference() {
    let vhost = Vhost::new();
    let cluster = Cluster::new(&diamond(0), &vhost);
    let connection = Connection::connect(&vhost.url(), ConnectionProperties::default()).await.expect("connected");
    let channel = connection.create_channel().await.expect("a channel");
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    let name = "euterpe.diamond.job.left";
    channel.queue_declare(name.into(), durable, FieldTable::default()).await.expect("declared");
    for call in [&["publish", "g.yaml", "t-1"][..], &["node", "g.yaml"], &["run", "g.yaml", "t-1"]] {
        let said = cluster.call(call);
        let sentence = sentence(&said);
        assert!(sentence.contains(name) && sentence.contains("x-dead-letter-exchange"), "{call:?}: {sentence}");
    }
}

#[test]
fn a_job_that_may_take_longer_than_the_broker_allows_is_refused_at_the_start() {
    let vhost = Vhost::new();
    let graph = diamond(0).replace("backoff: 100ms", "backoff: 100ms, timeout: 45m");
    let cluster = Cluster::new(&graph, &vhost);
    let said = cluster.call(&["node", "g.yaml"]);
    let sentence = sentence(&said);
    assert!(sentence.contains("job `base`") && sentence.contains("consumer_timeout"), "{sentence}");
    let mut allowed = Ended(cluster.start(&["node", "g.yaml", "--consumer-timeout", "2h"]));
    std::thread::sleep(Duration::from_secs(2)); // long enough to be refused
    assert!(allowed.0.try_wait().expect("asked").is_none(), "it ended");
}

#[test]
fn what_fails_for_good_while_letters_cannot_be_kept_is_put_off_and_kept_when_they_can() {
    let vhost = Vhost::new();
    let failing = "base: {use: test.faulty, with: {fail_on: [t-00003], ";
    let graph = diamond(0).replace("base: {use: test.faulty, with: {", failing).replace("100ms}", "100ms, retries: 0}");
    let mut cluster = Cluster::new(&graph, &vhost);
    let dead = cluster.path(".euterpe/diamond/dead");
    fs::create_dir_all(dead.parent().expect("a folder")).expect("made");
    fs::write(&dead, "no folder").expect("written");
    cluster.node(&[]);
    cluster.ids((0..10).map(|n| format!("t-{n:05}")));
    cluster.call(&["publish", "g.yaml", "--ids", "ids"]).ends(0);
    soon("it is put off", Duration::from_secs(30), || cluster.log(0).contains("a store is in trouble"));
    soon("the others are made", Duration::from_secs(30), || cluster.path("out/tail/t-00009.txt").exists());
    // It goes from queue to queue, put off for longer each time, and the broker counts only now and then.
    soon("the message that failed is with the broker", Duration::from_secs(40), || {
        vhost.depths().iter().map(|(_, depth)| depth).sum::<u64>() == 1
    });
    assert_eq!(fs::read_to_string(&dead).expect("read"), "no folder");
    fs::remove_file(&dead).expect("removed");
    soon("the dead letter is there", Duration::from_secs(75), || {
        let letters = cluster.call(&["--json", "dead", "ls", "g.yaml"]).ends(0);
        letters.last()["dead"].as_u64() == Some(1)
    });
    let account = cluster.call(&["--json", "runs", "check", "g.yaml", "last"]).ends(4).last();
    assert_eq!((account["dead"].as_u64(), account["open"].as_u64()), (Some(1), Some(0)), "{account}");
}

#[test]
fn verbs_end_soon_without_a_broker_and_a_node_waits_for_it() {
    let mut rabbit = Rabbit::start();
    let cluster = Cluster::at(&diamond(0), rabbit.url());
    cluster.call(&["publish", "g.yaml", "t-1"]).ends(0); // so that there is a run to resume
    // Not killed: a broker may lose a queue that it declared moments before.
    rabbit.stop();
    let mut node = Ended(cluster.start(&["node", "g.yaml"]));
    std::thread::scope(|scope| {
        let calls: [&[&str]; 6] = [
            &["publish", "g.yaml", "t-2"],
            &["run", "g.yaml", "t-2"],
            &["status", "g.yaml"],
            &["logs", "g.yaml", "-f"],
            &["verify", "g.yaml"],
            &["runs", "resume", "g.yaml", "last"],
        ];
        for call in calls {
            let cluster = &cluster;
            scope.spawn(move || {
                let began = Instant::now();
                let said = cluster.call(call);
                assert!(began.elapsed() < Duration::from_secs(16), "{call:?} took {:?}", began.elapsed());
                match call[0] {
                    "verify" => assert!(said.code == Some(1) && said.out.contains("BAD broker"), "{said:?}"),
                    _ => assert!(sentence(&said).contains("cannot be used"), "{call:?}: {said:?}"),
                }
            });
        }
    });
    assert!(node.0.try_wait().expect("asked").is_none(), "the node did not wait");
    rabbit.start_again();
    soon("the node does what waited", Duration::from_secs(30), || {
        cluster.call(&["runs", "check", "g.yaml", "last"]).code == Some(0)
    });
}

#[tokio::test]
async fn the_queue_of_a_job_that_is_gone_is_named_and_its_messages_elsewhere_become_dead_letters() {
    let vhost = Vhost::new();
    let before = format!("{}  old: {{use: test.faulty, in: {{j: tail}}, out: \"out:old/{{id}}.txt\"}}\n", diamond(0));
    let mut cluster = Cluster::new(&before, &vhost);
    cluster.ids((0..20).map(|n| format!("t-{n:05}")));
    cluster.call(&["publish", "g.yaml", "--ids", "ids", "--job", "old", "--bottom-up"]).ends(0);
    cluster.change(&diamond(0));
    let verified = cluster.call(&["verify", "g.yaml"]).ends(1);
    assert!(verified.out.contains("BAD queue of old: 20 messages are left"), "{verified:?}");
    // Somebody moves one of them to a queue that is still served.
    let connection = Connection::connect(&vhost.url(), ConnectionProperties::default()).await.expect("connected");
    let channel = connection.create_channel().await.expect("a channel");
    let no_ack = BasicGetOptions { no_ack: true };
    let got = channel.basic_get("euterpe.diamond.job.old".into(), no_ack).await.expect("asked").expect("a message");
    let (exchange, key) = ("euterpe.diamond".into(), "left".into());
    let properties = got.properties.clone();
    channel.basic_publish(exchange, key, BasicPublishOptions::default(), &got.data, properties).await.expect("sent");
    cluster.node(&[]);
    soon("it is a dead letter", Duration::from_secs(30), || {
        let letters = cluster.call(&["--json", "dead", "ls", "g.yaml", "--reason", "unknown_job"]);
        letters.code == Some(0) && letters.last()["dead"].as_u64() == Some(1)
    });
}
