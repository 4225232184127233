//! The example catalogue over real music on three nodes, its outputs and its records in a bucket: byte for byte what one
//! process makes in folders, each work done once.

use euterpe_actors::storage::Storage;

use super::server::{BUCKET, SECRET, Server, USER};
use crate::audio::material::third_of_the_album;
use crate::rabbit::{Cluster, Vhost};

/// On the server of the store that lies in the same bucket; nothing else names it.
const STATE: [&str; 2] = ["--state", "s3://euterpe-test/state"];

#[tokio::test]
async fn three_nodes_make_of_real_music_in_a_bucket_byte_for_byte_what_one_process_makes_in_a_folder() {
    let (vhost, server) = (Vhost::new(), Server::memory());
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/catalogue.yaml")).expect("read");
    let bucket = format!("derived: {{url: \"s3://{BUCKET}/derived\", endpoint: \"{}\"}}", server.endpoint());
    let graph = example.replace("derived: ./derived", &bucket);
    assert_ne!(graph, example);
    let mut cluster = Cluster::new(&graph, &vhost);
    std::fs::create_dir(cluster.path("music")).expect("a folder");
    let tracks = third_of_the_album();
    for track in &tracks {
        std::fs::copy(track, cluster.path("music").join(track.file_name().expect("a name"))).expect("a copy");
    }
    let identity = [("AWS_ACCESS_KEY_ID", USER), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    (0..3).for_each(|_| {
        cluster.started_with(&STATE, &identity);
    });
    let call = |words: &[&str]| cluster.call_with(&[words, &STATE].concat(), &identity);
    let ran = call(&["--json", "run", "g.yaml"]).ends(0).last();
    assert_eq!((ran["entities"].as_u64(), ran["open"].as_u64()), (Some(tracks.len() as u64), Some(0)), "{ran}");
    assert_eq!(cluster.twice(), 0, "work was done twice");
    call(&["runs", "check", "g.yaml", "last", "--hashes"]).ends(0);
    let here = cluster.files(".euterpe");
    let is_own = |name: &String| name.contains("alive/") || name.contains("scratch/");
    assert!(here.keys().all(is_own), "records on disk: {:?}", here.keys());

    cluster.alone(&["run", "g.yaml", "--store", "derived=alone", "--state", "alone-state"], &[]).ends(0);
    let one = cluster.files("alone");
    assert_eq!(one.len(), tracks.len() * 6);
    let store = server.store("derived");
    let mut listed = 0;
    store
        .list("", &mut |page| {
            listed += page.len();
            true
        })
        .await
        .expect("listed");
    assert_eq!(listed, one.len());
    for (name, content) in &one {
        let object = store.open(name).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(object.content.read().expect("read") == content, "{name} differs");
    }
}
