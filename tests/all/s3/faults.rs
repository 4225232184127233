//! A server behind a proxy that resets, cuts off, is slow or silent; processes that are killed between parts; secrets.

use std::{
    process::Stdio,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use euterpe::storage::s3::Tuning;
use euterpe_actors::storage::{Content, Storage};

use super::proxy::Proxy;
use super::run::Studio;
use super::server::{BUCKET, Server, USER, store};
use crate::cli::ended;
use crate::rabbit::soon;

const MIB: usize = 1 << 20;

/// Real programs make a chain of three small files for each of many entities, from a folder into a bucket.
fn copies() -> String {
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

fn studio(entities: usize) -> Studio {
    let studio = Studio::new(Server::memory(), &copies());
    std::fs::create_dir(studio.path("in")).expect("made");
    for n in 0..entities {
        std::fs::write(studio.path(&format!("in/t-{n}.txt")), format!("the text of {n}")).expect("written");
    }
    studio
}

#[tokio::test]
async fn a_run_through_declined_reset_and_cut_requests_and_a_silence_loses_nothing_and_gives_up_on_nothing() {
    const ENTITIES: usize = 300;
    let mut studio = studio(ENTITIES);
    let proxy = Proxy::to(studio.server.port());
    studio.endpoint = proxy.endpoint();
    studio.server.tell("declined-per-mille 100");
    proxy.faults.resets.store(50, Ordering::Relaxed);
    proxy.faults.cuts.store(20, Ordering::Relaxed);
    let running = studio.command("--json run g.yaml").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let running = running.expect("it starts");
    soon("a part of the work is done", Duration::from_secs(120), || {
        studio.server.asked().get("PutObject").is_some_and(|puts| *puts > 300)
    });
    proxy.faults.silent.store(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(5)).await; // a silence between real processes
    proxy.faults.silent.store(0, Ordering::Relaxed);
    let ran = ended(running.wait_with_output().expect("it ends")).ends(0);
    assert!(proxy.faults.broken.load(Ordering::Relaxed) > 50, "hardly anything was broken");
    let jobs = ran.last()["jobs"].as_object().expect("jobs").clone();
    for (name, job) in &jobs {
        assert_eq!((job["dead"].as_u64(), job["open"].as_u64()), (Some(0), Some(0)), "{name}: {job}");
    }
    studio.server.tell("declined-per-mille 0");
    studio.endpoint = studio.server.endpoint();
    studio.call("runs check g.yaml last --hashes").ends(0);
    let objects = studio.objects("out").await;
    assert_eq!(objects.len(), 3 * ENTITIES);
    let wrong = (0..ENTITIES).filter(|n| objects[&format!("c/t-{n}.txt")] != format!("the text of {n}").into_bytes());
    assert_eq!(wrong.count(), 0);
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

#[test]
fn no_output_shows_a_secret_whatever_is_asked_for_and_however_loudly() {
    let studio = studio(3);
    let verbs = [
        "run g.yaml",
        "plan g.yaml",
        "verify g.yaml",
        "explain g.yaml t-1",
        "config show g.yaml",
        "runs check g.yaml last",
    ];
    // What is right, and what is wrong in each of the ways that the SDK could tell of.
    let identities = [(USER, super::server::SECRET), (USER, "canary-secret"), ("canary-user", "canary-secret")];
    for (user, secret) in identities {
        for verb in verbs {
            let mut command = studio.command(verb);
            command.env("EUTERPE_LOG", "trace").env("AWS_ACCESS_KEY_ID", user).env("AWS_SECRET_ACCESS_KEY", secret);
            command.env("AWS_SESSION_TOKEN", if user == USER { "" } else { "canary-token" });
            let called = ended(command.output().expect("it starts"));
            for word in ["canary-secret", "canary-token", super::server::SECRET] {
                assert!(
                    !called.out.contains(word) && !called.err.contains(word),
                    "{verb} shows {word}: {}",
                    called.err
                );
            }
        }
    }
    let kept = std::process::Command::new("grep")
        .args(["-rlE", "canary-(secret|token)|test-secret"])
        .arg(studio.path("."))
        .output();
    assert!(kept.expect("grep").stdout.is_empty(), "a secret was kept");
}
