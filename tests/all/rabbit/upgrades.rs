//! Messages that are queued while the program or the graph changes: none is lost, none dies of it.

use std::{fs, time::Duration};

use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, GraphDigest, Target, Wave};
use euterpe_actors::wire;
use futures::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use rustix::process::Signal;

use super::nodes::diamond;
use super::{Cluster, Vhost, soon};

const QUEUE: &str = "euterpe.diamond.job.base";
/// The version that today's program cannot read.
const NEXT: u8 = wire::VERSION + 1;

async fn channel(vhost: &Vhost) -> Channel {
    let connection = Connection::connect(&vhost.url(), ConnectionProperties::default()).await.expect("connected");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    channel
}

/// The bytes of a message for `base`, as a version of the program that is not there yet would write them.
fn of_next_version(id: &str) -> Vec<u8> {
    let job = JobName::new("base").expect("a name");
    let target = Target { job: job.clone(), entity: EntityId::new(id).expect("an id") };
    let wave = Wave { id: 7, origins: vec![job], only: None };
    let message = EntityMessage::new(1, RunId::new(1, 1), target, GraphDigest(7), Base::Down(wave.into()));
    let mut bytes = wire::encode(&message).expect("it fits").to_vec();
    bytes[2] = NEXT;
    bytes
}

async fn publish(channel: &Channel, body: &[u8], parks: u32) {
    let mut headers = FieldTable::default();
    headers.insert("parks".into(), AMQPValue::LongUInt(parks));
    let kind = "application/vnd.euterpe.message";
    let properties = BasicProperties::default().with_content_type(kind.into()).with_headers(headers);
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let sent = channel.basic_publish("euterpe.diamond".into(), "base".into(), options, body, properties);
    sent.await.expect("sent").await.expect("confirmed");
}

/// What a node of the next version does, as far as it matters to one of today's: it reads both, and writes today's.
async fn newer_node(vhost: Vhost, mut left: usize) -> Vhost {
    let channel = channel(&vhost).await;
    let consumer =
        channel.basic_consume(QUEUE.into(), "newer".into(), BasicConsumeOptions::default(), FieldTable::default());
    let mut consumer = consumer.await.expect("a consumer");
    while left > 0 {
        let delivery = consumer.next().await.expect("a delivery").expect("a delivery");
        let mut body = delivery.data.clone();
        left -= usize::from(body[2] == NEXT);
        body[2] = wire::VERSION;
        publish(&channel, &body, 0).await;
        delivery.ack(BasicAckOptions::default()).await.expect("settled");
    }
    vhost
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_version_wrote_waits_for_a_node_that_reads_it_while_all_else_is_made_and_nothing_dies() {
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(0), &vhost);
    cluster.ids((0..40).map(|n| format!("t-{n}")));
    cluster.call(&["publish", "g.yaml", "--ids", "ids"]).ends(0);
    let sending = channel(&vhost).await;
    for n in 0..40 {
        publish(&sending, &of_next_version(&format!("newer-{n}")), 0).await;
    }
    cluster.node(&[]);
    soon("what the older node reads is made", Duration::from_secs(30), || {
        cluster.call(&["runs", "check", "g.yaml", "last"]).code == Some(0)
    });
    assert!(!cluster.path("out/base/newer-0.txt").exists());
    // The upgrade goes on: a newer node comes, the older one goes, and another comes.
    let upgrading = tokio::spawn(newer_node(vhost, 40));
    cluster.signal(0, Signal::TERM);
    assert_eq!(cluster.ended(0).0, Some(0), "{}", cluster.log(0));
    cluster.start_node(0, &[]);
    let made = || (0..40).all(|n| cluster.path(&format!("out/tail/newer-{n}.txt")).exists());
    soon("what it put off is made", Duration::from_secs(60), made);
    let vhost = upgrading.await.expect("upgraded");
    assert_eq!(cluster.call(&["--json", "dead", "ls", "g.yaml"]).ends(0).last()["dead"].as_u64(), Some(0));
    assert_eq!(cluster.twice(), 0);

    // After about an hour of waiting it is a dead letter, which a node that reads it can still try again.
    let sending = channel(&vhost).await;
    publish(&sending, &of_next_version("late"), 64).await;
    let letters = ["--json", "dead", "show", "g.yaml", "--run", "inbox", "--reason", "unknown_version"];
    soon("it is a dead letter", Duration::from_secs(30), || !cluster.call(&letters).out.is_empty());
    let found = cluster.call(&letters).ends(0).last();
    let retried = cluster.call(&["--json", "dead", "retry", "g.yaml"]).ends(4).last();
    assert_eq!(retried["cannot_retry"].as_u64(), Some(1), "{retried}");
    // The program is upgraded: it reads what it could not.
    let record = cluster.path(".euterpe/diamond").join(found["key"].as_str().expect("a key"));
    let text = fs::read_to_string(&record).expect("a letter");
    let begins_with = |version: u8| format!("\"454e{version:02x}");
    assert!(text.contains(&begins_with(NEXT)), "{text}");
    fs::write(&record, text.replace(&begins_with(NEXT), &begins_with(wire::VERSION))).expect("written");
    let retried = cluster.call(&["--json", "dead", "retry", "g.yaml"]).ends(0).last();
    assert_eq!((retried["made_good"].as_u64(), retried["cannot_retry"].as_u64()), (Some(1), Some(0)), "{retried}");
    assert!(cluster.path("out/tail/late.txt").exists());
}

#[test]
fn a_job_that_gets_a_new_parent_while_messages_are_queued_gets_its_output_first_when_the_run_is_resumed() {
    const ENTITIES: usize = 200;
    let vhost = Vhost::new();
    let mut cluster = Cluster::new(&diamond(0), &vhost);
    cluster.ids((0..ENTITIES).map(|n| format!("t-{n}")));
    cluster.call(&["publish", "g.yaml", "--ids", "ids"]).ends(0);
    cluster.node(&["--jobs", "base"]);
    soon("the children have their messages", Duration::from_secs(30), || {
        cluster.count("pass\tbase\t") == ENTITIES && cluster.count("start\tbase\t") == ENTITIES
    });
    cluster.kill(0);
    let extra = "  extra: {use: test.faulty, out: \"out:extra/{id}.txt\"}\n";
    let after = diamond(0).replace("in: {l: left, r: right}", "in: {l: left, r: right, x: extra}");
    cluster.change(&format!("{after}{extra}"));
    cluster.start_node(0, &[]);
    soon("the node says that the run means something else", Duration::from_secs(30), || {
        cluster.log(0).contains("another graph: `extra`, `join` differ")
    });
    cluster.call(&["runs", "resume", "g.yaml", "last"]).ends(0);
    let made = |job: &str| (0..ENTITIES).all(|n| cluster.path(&format!("out/{job}/t-{n}.txt")).exists());
    soon("all is made, with what the graph asks for now", Duration::from_secs(60), || made("tail") && made("extra"));
    let account = cluster.call(&["--json", "runs", "check", "g.yaml", "last"]).ends(0).last();
    assert_eq!((account["open"].as_u64(), account["dead"].as_u64()), (Some(0), Some(0)), "{account}");
    assert_eq!(cluster.twice(), 0);
}
