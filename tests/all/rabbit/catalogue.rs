//! The example catalogue over real music on three nodes: byte for byte what one process makes.

use std::{fs, process::Command};

use super::{Cluster, Vhost};
use crate::audio::material::third_of_the_album;

#[test]
fn three_nodes_make_of_real_music_byte_for_byte_what_one_process_makes() {
    let vhost = Vhost::new();
    let graph = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/catalogue.yaml")).expect("read");
    let mut cluster = Cluster::new(&graph, &vhost);
    fs::create_dir(cluster.path("music")).expect("a folder");
    let tracks = third_of_the_album();
    for track in &tracks {
        fs::copy(track, cluster.path("music").join(track.file_name().expect("a name"))).expect("a copy");
    }
    cluster.nodes(3, &[]);
    let ran = cluster.call(&["--json", "run", "g.yaml"]).ends(0).last();
    assert_eq!((ran["entities"].as_u64(), ran["open"].as_u64()), (Some(tracks.len() as u64), Some(0)), "{ran}");
    assert_eq!(cluster.twice(), 0, "work was done twice");
    let alone = Command::new(env!("CARGO_BIN_EXE_euterpe"))
        .args(["run", "g.yaml", "--store", "derived=alone", "--state", "alone-state"])
        .current_dir(cluster.folder.path())
        .env_remove("EUTERPE_BROKER")
        .output()
        .expect("the binary");
    assert!(alone.status.success(), "{alone:?}");
    let (three, one) = (cluster.files("derived"), cluster.files("alone"));
    assert_eq!(three.len(), tracks.len() * 6);
    for (name, content) in &three {
        assert!(one.get(name) == Some(content), "{name} differs");
    }
    assert_eq!(three.len(), one.len());
}
