//! Traces over three nodes, each of which serves one job: the story of an entity is one tree, whoever began it.

use std::collections::BTreeSet;
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection, ConnectionProperties};

use super::{Cluster, Vhost, soon};
use crate::traces::{Collector, Manner, Span, of_entity, one_tree};

/// A chain of two jobs, and a mix of two of its ends.
const GRAPH: &str = r#"version: 1
graph: traced
stores: {out: {url: ./out, fsync: false}}
jobs:
  track: {use: test.faulty, out: "out:track/{id}.txt", pool: {workers: 2}}
  mel:   {use: test.faulty, in: {t: track}, out: "out:mel/{id}.txt", pool: {workers: 2}}
  card:  {use: test.faulty, in: {m: mel}, out: "out:card/{id}.txt", pool: {workers: 2}}
  mix:
    use: test.faulty
    entity: "{a},{b}"
    in:  {a: {from: mel, id: "{a}"}, b: {from: mel, id: "{b}"}}
    out: "out:mix/{a},{b}.txt"
"#;

/// Three nodes, and a collector of what they do.
fn nodes(vhost: &Vhost) -> (Cluster, Collector) {
    let (mut cluster, collector) = (Cluster::new(GRAPH, vhost), Collector::start(Manner::Takes));
    for jobs in ["track", "mel", "card,mix"] {
        cluster.node(&["--jobs", jobs, "--otlp", &collector.url]);
    }
    (cluster, collector)
}

/// The spans of an entity, once it has so many works.
fn spans_of(collector: &Collector, entity: &str, works: usize) -> Vec<Span> {
    let mut spans = Vec::new();
    soon(&format!("{works} works of {entity}"), Duration::from_secs(30), || {
        spans = of_entity(&collector.spans(), entity);
        works_of(&spans).len() >= works
    });
    spans
}

/// The spans of messages at whose end something was made.
fn works_of(spans: &[Span]) -> Vec<&Span> {
    spans.iter().filter(|span| span.attributes.get("euterpe.outcome").is_some_and(|end| end == "done")).collect()
}

#[test]
fn a_trace_of_one_entity_over_three_nodes_is_one_tree() {
    let vhost = Vhost::new();
    let (cluster, collector) = nodes(&vhost);
    cluster.call(&["run", "g.yaml", "t-1", "t-2", "--only", "track,mel,card", "--otlp", &collector.url]).ends(0);
    for entity in ["t-1", "t-2"] {
        let spans = spans_of(&collector, entity, 3);
        assert_eq!(one_tree(&spans).name, "entity");
        let works = works_of(&spans);
        let jobs: Vec<&str> = ["track", "mel", "card"].into();
        assert_eq!(works.len(), jobs.len(), "{works:#?}");
        for (job, node) in jobs.into_iter().zip(["node-0", "node-1", "node-2"]) {
            let work = works.iter().find(|work| work.name == job).expect("a work");
            assert_eq!((&*work.attributes["euterpe.node"], &*work.resource["service.instance.id"]), (node, node));
        }
        // Each stands below the one that it waited for.
        let above =
            |job: &str| works.iter().find(|work| work.name == job).map(|work| (&work.id, &work.parent)).expect("it");
        assert_eq!((above("card").1, above("mel").1), (above("mel").0, above("track").0));
    }
    // What asks for other entities has all of their work in its own trace.
    cluster.call(&["run", "g.yaml", "--job", "mix", "--bottom-up", "x,y", "--otlp", &collector.url]).ends(0);
    let spans = spans_of(&collector, "x,y", 5);
    assert_eq!(one_tree(&spans).attributes["euterpe.entity"], "x,y");
    let nodes: BTreeSet<&String> = works_of(&spans).iter().map(|work| &work.attributes["euterpe.node"]).collect();
    assert_eq!(nodes.len(), 3);
    // Nobody says that spans were lost.
    assert!((0..3).all(|number| !cluster.log(number).contains("traces")), "{}", cluster.log(0));
}

/// Publishes an id to `track`, with this header.
async fn publish(vhost: &Vhost, id: &str, traceparent: AMQPValue) {
    let connection = Connection::connect(&vhost.url(), ConnectionProperties::default()).await.expect("connected");
    let channel = connection.create_channel().await.expect("a channel");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let mut headers = FieldTable::default();
    headers.insert("traceparent".into(), traceparent);
    let properties = BasicProperties::default().with_delivery_mode(2).with_headers(headers);
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let sent = channel.basic_publish("euterpe.traced".into(), "track".into(), options, id.as_bytes(), properties).await;
    assert!(sent.expect("sent").await.expect("answered").is_ack());
}

#[tokio::test]
async fn a_traceparent_of_another_program_is_continued_and_one_that_is_none_does_no_harm() {
    let vhost = Vhost::new();
    let (_cluster, collector) = nodes(&vhost);
    let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    publish(&vhost, "t-good", AMQPValue::LongString(theirs.into())).await;
    publish(&vhost, "t-odd", AMQPValue::LongString("00-not-a-parent".into())).await;
    publish(&vhost, "t-number", AMQPValue::LongUInt(7)).await;
    let mut spans = spans_of(&collector, "t-good", 3);
    assert!(spans.iter().all(|span| span.trace == "4bf92f3577b34da6a3ce929d0e0e4736"), "{spans:#?}");
    let first = spans.iter_mut().find(|span| span.parent == "00f067aa0ba902b7").expect("one below theirs");
    assert_eq!(first.name, "track");
    first.parent.clear(); // of what we were told, it is the root
    one_tree(&spans);
    for odd in ["t-odd", "t-number"] {
        assert_eq!(one_tree(&spans_of(&collector, odd, 3)).name, "track");
    }
}
