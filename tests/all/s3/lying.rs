//! Whole runs over a server that ignores conditions and shows what was written two seconds later: `verify` says so, and
//! all is made and accounted for.

use std::collections::BTreeMap;

use super::faults;
use super::server::{BUCKET, SECRET, Server, USER};
use crate::rabbit::{Cluster, Vhost};

const ENTITIES: usize = 6;

fn right(objects: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(objects.len(), 3 * ENTITIES);
    for n in 0..ENTITIES {
        assert!(
            ["a", "b", "c"]
                .iter()
                .all(|job| objects[&format!("{job}/t-{n}.txt")] == format!("the text of {n}").into_bytes())
        );
    }
}

fn lies(server: &Server) {
    server.tell("ignore-conditions 1");
    server.tell("stale-millis 2000");
}

#[tokio::test]
async fn a_run_over_a_server_that_keeps_no_promise_is_warned_and_makes_everything() {
    let studio = faults::studio(ENTITIES);
    lies(&studio.server);
    let verified = studio.call("verify g.yaml").ends(0);
    assert!(verified.out.contains("25 of 25 writes were not seen at once"), "{verified:?}");
    assert!(verified.out.contains("create-only writes are ignored; writes over a version are ignored"), "{verified:?}");
    let ran = studio.call("--json run g.yaml -j 8").ends(0);
    assert!(ran.err.contains("not seen at once") && ran.err.contains("docs/s3.md"), "nobody was warned: {ran:?}");
    assert_eq!(ran.last()["open"].as_u64(), Some(0), "{ran:?}");
    studio.call("runs check g.yaml last --hashes").ends(0);
    right(&studio.objects("out").await);
    let again = studio.call("run g.yaml").ends(0);
    assert!(again.out.starts_with("nothing to do") && !again.err.contains("not seen"), "told twice: {again:?}");
}

#[tokio::test]
async fn two_nodes_over_a_server_that_keeps_no_promise_make_everything() {
    let (vhost, server) = (Vhost::new(), Server::memory());
    lies(&server);
    let bucket = format!("out: {{url: \"s3://{BUCKET}/out\", endpoint: \"{}\"}}", server.endpoint());
    let graph = faults::copies().replace(&format!("out: \"s3://{BUCKET}/out\""), &bucket);
    assert!(graph.contains("endpoint"));
    let mut cluster = Cluster::new(&graph, &vhost);
    std::fs::create_dir(cluster.path("in")).expect("a folder");
    for n in 0..ENTITIES {
        std::fs::write(cluster.path(&format!("in/t-{n}.txt")), format!("the text of {n}")).expect("written");
    }
    let identity = [("AWS_ACCESS_KEY_ID", USER), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    (0..2).for_each(|_| {
        cluster.started_with(&["-j", "8"], &identity);
    });
    let ran = cluster.call_with(&["--json", "run", "g.yaml"], &identity).ends(0).last();
    assert_eq!(ran["open"].as_u64(), Some(0), "{ran}");
    cluster.call_with(&["runs", "check", "g.yaml", "last", "--hashes"], &identity).ends(0);
    let mut objects = BTreeMap::new();
    for job in ["a", "b", "c"] {
        for n in 0..ENTITIES {
            let path = format!("{job}/t-{n}.txt");
            let object = euterpe_actors::storage::Storage::open(&server.store("out"), &path).await.expect("opened");
            objects.insert(path, object.content.read().expect("read").to_vec());
        }
    }
    right(&objects);
}
