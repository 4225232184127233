//! `ls`, `open` and `export` over buckets: places are URLs, what is opened is a copy, and each object is read once.

use euterpe_actors::storage::{Content, Storage};
use serde_json::json;

use super::run::Studio;
use super::server::{BUCKET, Server};

const GRAPH: &str = "
version: 1
graph: g
stores: {in: $IN, out: $OUT}
jobs:
  a: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {x: \"in:{id}.json\"}, out: \"out:a/{id}.json\"}
";

#[tokio::test]
async fn outputs_in_a_bucket_are_listed_opened_and_exported() {
    let graph = GRAPH.replace("$IN", &format!("s3://{BUCKET}/in")).replace("$OUT", &format!("s3://{BUCKET}/out"));
    let studio = Studio::new(Server::memory(), &graph);
    let sources = studio.server.store("in");
    for n in 0..40 {
        let json = format!("{{\"n\": {n}}}").into();
        sources.store(&format!("t{n}.json"), Content::Bytes(json), None).await.expect("stored");
    }
    studio.call("run g.yaml").ends(0);
    let place = format!("s3://{BUCKET}/out/a/t7.json");
    let fact = studio.call("ls g.yaml --json --prefix t7").ends(0).last();
    assert_eq!((&fact["state"], &fact["outputs"][0]["place"]), (&json!("done"), &json!(place)), "{fact}");
    assert_eq!(studio.call("open g.yaml t7 a --print").ends(0).out, format!("{place}\n"));
    let opened = studio.call("open g.yaml t7 a --with cat --json").ends(0);
    assert!(opened.out.ends_with("{\"n\": 7}"), "{opened:?}");
    let fact: serde_json::Value = serde_json::from_str(opened.out.lines().next().expect("a fact")).expect("JSON");
    let copy = std::path::PathBuf::from(fact["file"].as_str().expect("a file"));
    assert!(copy.ends_with("t7.json") && copy.is_file(), "{fact}");
    std::fs::remove_dir_all(copy.parent().expect("a folder")).expect("removed");

    studio.server.tell("forget");
    studio.call("export g.yaml -o t.csv").ends(0);
    let table = std::fs::read_to_string(studio.path("t.csv")).expect("a table");
    assert!(table.lines().count() == 41 && table.contains("\nt7,done,,7\n"), "{table}");
    let asked = studio.server.asked();
    let count = |kind: &str| asked.get(kind).copied().unwrap_or(0);
    let (looks, downloads) = (count("HeadObject"), count("GetObject"));
    let others = asked.values().sum::<u64>() - looks - downloads;
    // A look and a download for each output. Where a source was stored within the second of its work, times do not tell which was
    // first: then it is looked at, too, at most three times.
    assert!(looks <= 4 * 40 && downloads <= 40 && others <= 10, "{asked:?}");
}
