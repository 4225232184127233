//! `prune` over buckets: what is gone from one takes what was made of it in another, and nothing else.

use euterpe_actors::storage::{Content, Storage};

use super::run::Studio;
use super::server::{BUCKET, Server};

const GRAPH: &str = "
version: 1
graph: g
stores: {in: $IN, out: $OUT}
jobs:
  a: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {text: \"in:{id}.txt\"}, out: \"out:a/{id}.txt\"}
  b: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {text: a}, out: \"out:b/{id}.txt\"}
";

#[tokio::test]
async fn outputs_in_a_bucket_go_with_their_sources_and_their_jobs_and_a_request_is_made_for_those_alone() {
    // The store of the sources lies within that of the outputs.
    let graph = GRAPH.replace("$IN", &format!("s3://{BUCKET}/all/in")).replace("$OUT", &format!("s3://{BUCKET}/all"));
    let studio = Studio::new(Server::memory(), &graph);
    let sources = studio.server.store("all/in");
    for id in 0..40 {
        sources.store(&format!("t{id}.txt"), Content::Bytes(b"text"[..].into()), None).await.expect("stored");
    }
    studio.call("run g.yaml").ends(0);
    let all = studio.server.store("all");
    all.store("a/cover.jpg", Content::Bytes(b"jpg"[..].into()), None).await.expect("stored");
    sources.remove("t7.txt").await.expect("removed");
    std::fs::write(studio.path("g.yaml"), graph.replace("  b:", "  c:").replace("out:b/", "out:c/")).expect("written");
    studio.server.tell("forget");
    let found = studio.call("prune g.yaml --json").ends(0).last();
    assert_eq!((&found["count"], &found["kept"], &found["removed"]), (&41.into(), &39.into(), &0.into()), "{found}");
    let asked: u64 = studio.server.asked().values().sum();
    assert!(asked < 41 + 41 + 20, "{asked} requests: what is accounted for is not looked at");
    let pruned = studio.call("prune g.yaml --json --delete").ends(0).last();
    assert_eq!((&pruned["removed"], &pruned["left_alone"][0]["kind"]), (&41.into(), &"not_ours".into()), "{pruned}");
    assert!(all.look("a/t7.txt").await.expect("looked").is_none());
    assert!(all.look("b/t8.txt").await.expect("looked").is_none());
    assert!(all.look("a/t8.txt").await.expect("looked").is_some());
    assert!(all.look("in/t8.txt").await.expect("looked").is_some(), "a source was removed");
    let again = studio.call("prune g.yaml").ends(0).out;
    assert!(again.contains("nothing to remove; 39 outputs are accounted for"), "{again}");
}
