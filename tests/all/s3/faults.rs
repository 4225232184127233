//! A large object through a proxy that cuts off and is slow; a process that is killed between parts.

use std::{
    process::Stdio,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use euterpe_actors::storage::{Content, Storage};
use euterpe_storage::s3::Tuning;

use super::proxy::Proxy;
use super::run::Studio;
use super::server::{BUCKET, Server, store};
use crate::rabbit::soon;

const MIB: usize = 1 << 20;

/// Real programs make a chain of three small files for each of many entities, from a folder into a bucket.
pub fn copies() -> String {
    "
version: 1
graph: copies
stores: {in: ./in, out: \"s3://BUCKET/out\"}
jobs:
  a: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {text: \"in:{id}.txt\"}, out: \"out:a/{id}.txt\"}
  b: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {text: a}, out: \"out:b/{id}.txt\"}
  c: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {text: b}, out: \"out:c/{id}.txt\"}
"
    .replace("BUCKET", BUCKET)
}

pub fn studio(entities: usize) -> Studio {
    let studio = Studio::new(Server::memory(), &copies());
    std::fs::create_dir(studio.path("in")).expect("made");
    for n in 0..entities {
        std::fs::write(studio.path(&format!("in/t-{n}.txt")), format!("the text of {n}")).expect("written");
    }
    studio
}

#[tokio::test]
async fn a_large_object_comes_whole_through_cuts_and_slow_bytes() {
    let server = Server::memory();
    let proxy = Proxy::to(server.port());
    let tuning = Tuning { in_parts_from: 3 * MIB as u64, part: MIB as u64, tries: 12, ..Tuning::default() };
    let large = store(&proxy.endpoint(), "data", tuning);
    let mut content = vec![0; 12 * MIB];
    blake3::Hasher::new().update(b"faults").finalize_xof().fill(&mut content);
    proxy.faults.cuts.store(15, Ordering::Relaxed);
    proxy.faults.resets.store(15, Ordering::Relaxed);
    proxy.faults.delay.store(2, Ordering::Relaxed);
    large.store("large", Content::Bytes(content.clone().into()), Some(super::stamp(5))).await.expect("stored");
    for _ in 0..3 {
        let object = large.open("large").await.expect("opened");
        assert!(object.content.read().expect("read") == content, "other bytes came back");
    }
    assert!(proxy.faults.broken.load(Ordering::Relaxed) > 3, "hardly anything was broken");
}

#[tokio::test]
async fn a_process_that_is_killed_between_parts_leaves_no_object_and_its_parts_are_swept() {
    let studio = studio(0);
    std::fs::write(studio.path("in/large.txt"), vec![7; 40 * MIB]).expect("written");
    studio.server.tell("holds-part 4");
    let mut running =
        studio.command("run g.yaml").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let begun = Instant::now();
    soon("four parts were sent", Duration::from_secs(120), || {
        studio.server.asked().get("UploadPart").is_some_and(|parts| *parts >= 4)
    });
    running.kill().expect("killed");
    running.wait().expect("ended");
    assert!(begun.elapsed() < Duration::from_secs(100));
    let store = studio.server.store("out");
    assert_eq!(store.look("a/large.txt").await.expect("looked"), None, "a half-written object is seen");
    studio.server.tell("holds-part 0");
    assert_eq!(store.sweep(Duration::from_secs(3600)).await.expect("swept"), 0, "it swept what may be in use");
    assert_eq!(store.sweep(Duration::ZERO).await.expect("swept"), 1);
    assert_eq!(store.sweep(Duration::ZERO).await.expect("swept"), 0);
    studio.call("runs resume g.yaml last").ends(0);
    assert_eq!(studio.objects("out").await["c/large.txt"].len(), 40 * MIB);
}
