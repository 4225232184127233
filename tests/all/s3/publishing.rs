//! What is published of a bucket: ids that are listed in it, ids that are named, and with `--missing-only` what is not
//! finished there.

use std::time::Duration;

use euterpe_actors::storage::{Content, Storage};

use super::server::{BUCKET, SECRET, Server, USER};
use crate::rabbit::{Cluster, Vhost, soon};

#[tokio::test]
async fn published_of_a_bucket_are_its_names_those_that_are_named_or_what_is_not_finished() {
    let (vhost, server) = (Vhost::new(), Server::memory());
    let bucket = |name: &str| format!("{{url: \"s3://{BUCKET}/{name}\", endpoint: \"{}\"}}", server.endpoint());
    let job = |name: &str, from: &str| {
        format!(
            "  {name}: {{use: command, with: {{argv: [cp, \"{{input}}\", \"{{output}}\"]}}, in: {{text: {from}}}, out: \"out:{name}/{{id}}.txt\"}}\n"
        )
    };
    let jobs = job("a", "\"in:{id}.txt\"") + &job("b", "a");
    let graph =
        format!("version: 1\ngraph: buckets\nstores: {{in: {}, out: {}}}\njobs:\n{jobs}", bucket("in"), bucket("out"));
    let mut cluster = Cluster::new(&graph, &vhost);
    for n in 0..30 {
        let text = Content::Bytes(format!("text {n}").into_bytes().into());
        server.store("in").store(&format!("t-{n:02}.txt"), text, None).await.expect("stored");
    }
    let identity = [("AWS_ACCESS_KEY_ID", USER), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let publish = |cluster: &Cluster, more: &[&str]| {
        let said = cluster.call_with(&[&["--json", "publish", "g.yaml"], more].concat(), &identity).ends(0).last();
        (said["sent"].as_u64().expect("a count"), said["finished"].as_u64().expect("a count"))
    };
    let made = |cluster: &Cluster| {
        soon("all that was published is made", Duration::from_secs(60), || {
            cluster.call_with(&["runs", "check", "g.yaml", "last"], &identity).code == Some(0)
        });
    };
    let asked = || server.asked().get("HeadObject").copied().unwrap_or(0);
    assert_eq!(publish(&cluster, &["t-03", "t-07"]), (2, 0), "those that are named");
    // One look is at the object by which the store of the outputs says which one it is.
    assert!(asked() <= 1, "what is published is looked up one by one");
    cluster.started_with(&[], &identity);
    made(&cluster);
    let status = cluster.call_with(&["--json", "status", "g.yaml"], &identity).ends(0).last();
    let spared = &status["nodes"][0]["not_downloaded_bytes"];
    assert_eq!(spared.as_u64(), Some(12), "the second job reads what the first one made here: {status}");
    server.store("out").remove("b/t-07.txt").await.expect("removed");
    assert_eq!(publish(&cluster, &["--missing-only"]), (29, 1), "what is not finished in the bucket");
    made(&cluster);
    assert_eq!(publish(&cluster, &["--missing-only"]), (0, 30), "nothing is missing");
    assert_eq!(publish(&cluster, &[]), (30, 0), "all names of the bucket");
    made(&cluster);
    let object = server.store("out").open("b/t-07.txt").await.expect("made again");
    assert_eq!(object.content.read().expect("read"), "text 7".as_bytes());
    let text = Content::Bytes("another text".into());
    server.store("in").store("t-07.txt", text, None).await.expect("stored");
    assert_eq!(publish(&cluster, &["--missing-only"]), (1, 29), "what was replaced in the bucket");
    made(&cluster);
    let object = server.store("out").open("b/t-07.txt").await.expect("made anew");
    assert_eq!(object.content.read().expect("read"), "another text".as_bytes());
    assert_eq!(publish(&cluster, &["--missing-only"]), (0, 30), "nothing is out of date");
}
