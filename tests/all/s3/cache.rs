//! What was made or read here is not downloaded again, and is never older than what lies in the bucket.

use std::path::Path;

use euterpe_actors::storage::{Content, Object, Storage};
use euterpe_storage::s3::{Cache, S3Storage, Tuning};

use super::run::Studio;
use super::server::{BUCKET, Server, store_in};
use super::stamp;

const MIB: usize = 1 << 20;

/// A store whose parts are of a MiB, so that some MiB are a large object.
fn cached(server: &Server, scratch: &Path, cache: &Cache) -> S3Storage {
    let tuning = Tuning { in_parts_from: 3 * MIB as u64, part: MIB as u64, ..Tuning::default() };
    store_in(scratch, Some(cache.clone()), &server.endpoint(), "data", tuning)
}

fn files(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").metadata().expect("metadata").len()).sum()
}

fn bytes(content: &str, times: usize) -> Content {
    Content::Bytes(content.repeat(times).into_bytes().into())
}

async fn opened(store: &S3Storage, path: &str) -> (Object, Vec<u8>) {
    let object = store.open(path).await.unwrap_or_else(|error| panic!("{path}: {error}"));
    let content = object.content.read().expect("read").to_vec();
    (object, content)
}

/// A chain of three jobs over a bucket; each output is the input and a line.
fn chain(jobs: &str) -> String {
    let job = |name: &str, from: &str| {
        let argv = "[sh, -c, 'cat \"$1\" > \"$2\"; echo more >> \"$2\"', sh, \"{input}\", \"{output}\"]";
        format!(
            "  {name}: {{use: command, with: {{argv: {argv}}}, in: {{x: {from}}}, out: \"out:{name}/{{id}}.txt\"}}\n"
        )
    };
    let chain: String =
        jobs.split(' ').map(|pair| pair.split_once('<').expect("a pair")).map(|(name, from)| job(name, from)).collect();
    format!("version: 1\ngraph: chain\nstores: {{in: ./in, out: \"s3://{BUCKET}/out\"}}\njobs:\n{chain}")
}

fn studio(graph: &str, entities: usize) -> Studio {
    let studio = Studio::new(Server::memory(), graph);
    std::fs::create_dir(studio.path("in")).expect("made");
    for n in 0..entities {
        std::fs::write(studio.path(&format!("in/t-{n}.txt")), format!("the text of {n}\n").repeat(1000))
            .expect("written");
    }
    studio
}

#[tokio::test]
async fn what_a_job_makes_in_a_bucket_the_next_one_on_this_machine_does_not_download() {
    let studio = studio(&chain("a<\"in:{id}.txt\" b<a c<b"), 20);
    let ran = studio.call("--json run g.yaml").ends(0).last();
    assert_eq!(studio.server.served("out/"), 0, "intermediate objects were downloaded");
    let objects = studio.objects("out").await;
    let read: usize = objects.iter().filter(|(name, _)| !name.starts_with('c')).map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(ran["not_downloaded_bytes"].as_u64(), Some(read as u64), "{ran}");
    let whole = |n: usize| [format!("the text of {n}\n").repeat(1000), "more\n".repeat(3)].concat().into_bytes();
    assert!((0..20).all(|n| objects[&format!("c/t-{n}.txt")] == whole(n)), "other bytes were made");
    let left = studio.path(".euterpe/chain/scratch");
    assert_eq!(std::fs::read_dir(left).expect("a folder").count(), 0, "the cache outlived its process");
    let forced = studio.call("run g.yaml --force=all").ends(0);
    assert!(forced.out.contains("KiB of what was made or read here was not downloaded again"), "{forced:?}");

    studio.server.tell("forget");
    let ran = studio.call("--json run g.yaml --force=all --cache 0").ends(0).last();
    assert_eq!((ran["not_downloaded_bytes"].as_u64(), studio.server.served("out/")), (Some(0), read as u64));
}

#[test]
fn a_source_in_a_bucket_that_three_jobs_read_is_downloaded_once() {
    let studio = studio(&chain("a<\"in:{id}.txt\" b<a"), 10);
    studio.call("run g.yaml").ends(0);
    let graph = chain("b<\"from:a/{id}.txt\" c<\"from:a/{id}.txt\" d<\"from:a/{id}.txt\"");
    let stores = format!("stores: {{from: \"s3://{BUCKET}/out\", out: \"s3://{BUCKET}/more\"");
    std::fs::write(studio.path("h.yaml"), graph.replace("stores: {in: ./in, out: \"s3://euterpe-test/out\"", &stores))
        .expect("written");
    studio.server.tell("forget");
    let ran = studio.call("--json run h.yaml").ends(0).last();
    let once = studio.server.served("out/a/");
    assert!(once > 100_000 && ran["not_downloaded_bytes"].as_u64() == Some(2 * once), "{once} {ran}");
}

#[tokio::test]
async fn many_who_read_one_object_at_once_download_it_once() {
    let (server, scratch, cache) = (Server::memory(), tempfile::tempdir().expect("a folder"), Cache::of(100 << 20));
    server.store("data").store("large", bytes("large", MIB), Some(stamp(1))).await.expect("stored");
    let store = cached(&server, scratch.path(), &cache);
    let read = futures::future::join_all((0..8).map(|_| opened(&store, "large"))).await;
    assert!(read.iter().all(|(_, content)| *content == "large".repeat(MIB).into_bytes()));
    assert_eq!((server.served("data/large"), cache.spared()), (5 * MIB as u64, 35 * MIB as u64));
}

#[tokio::test]
async fn an_object_that_another_client_overwrote_is_read_in_its_new_version_and_with_its_new_stamp() {
    let (server, scratch, cache) = (Server::memory(), tempfile::tempdir().expect("a folder"), Cache::of(1 << 20));
    let (here, elsewhere) = (cached(&server, scratch.path(), &cache), server.store("data"));
    for conditions in ["ignore-conditions 0", "ignore-conditions 1"] {
        server.tell(conditions);
        here.store("a", bytes("old", 9), Some(stamp(5))).await.expect("stored");
        let spared = cache.spared();
        let (before, content) = opened(&here, "a").await;
        assert_eq!((content, cache.spared() - spared), (b"old".repeat(9), 27));
        elsewhere.store("a", bytes("new", 9), Some(stamp(6))).await.expect("stored");
        let (object, content) = opened(&here, "a").await;
        assert_eq!((content, object.info.stamp.expect("a stamp").run()), (b"new".repeat(9), stamp(6).run()));
        assert_eq!(before.content.read().expect("a copy in use").to_vec(), b"old".repeat(9));
        // The very same bytes of a newer run: what is kept serves, and the stamp is the newer one.
        elsewhere.store("a", bytes("new", 9), Some(stamp(7))).await.expect("stored");
        let spared = cache.spared();
        let (object, content) = opened(&here, "a").await;
        assert_eq!((content, object.info.stamp.expect("a stamp").run()), (b"new".repeat(9), stamp(7).run()));
        assert_eq!(cache.spared() - spared, 27);
        elsewhere.remove("a").await.expect("removed");
        assert!(here.open("a").await.is_err(), "what is gone was read");
    }
}

#[tokio::test]
async fn more_than_fits_is_made_and_the_bounds_hold() {
    // Of 16 MiB, 4 are memory for objects of up to a MiB.
    let (server, scratch, cache) = (Server::memory(), tempfile::tempdir().expect("a folder"), Cache::of(16 << 20));
    let store = cached(&server, scratch.path(), &cache);
    // Unread ones of the second kind get files where the memory does not do.
    for (kind, size, most_files) in [("tiny", 50_000, 0), ("small", 200_000, 12 << 20), ("large", 2_000_000, 12 << 20)]
    {
        for n in 0..100 {
            store.store(&format!("{kind}{n}"), bytes("x", size), Some(stamp(5))).await.expect("stored");
            assert!(files(scratch.path()) <= most_files, "{kind}{n}: {}", files(scratch.path()));
        }
        for (n, served) in [(99, 0), (0, size as u64)] {
            server.tell("forget");
            let (_, content) = opened(&store, &format!("{kind}{n}")).await;
            assert_eq!((content.len(), server.served("data/")), (size, served), "{kind}{n}");
        }
    }
    store.store("huge", bytes("x", 13 << 20), Some(stamp(5))).await.expect("stored");
    assert_eq!(opened(&store, "huge").await.1.len(), 13 << 20);
    assert!(files(scratch.path()) <= 12 << 20, "{}", files(scratch.path()));
}

#[tokio::test]
async fn small_objects_that_wait_to_be_read_are_kept_beyond_the_memory() {
    let (server, scratch, cache) = (Server::memory(), tempfile::tempdir().expect("a folder"), Cache::of(16 << 20));
    let store = cached(&server, scratch.path(), &cache);
    let content = |n: usize| bytes(&n.to_string(), 100_000);
    for n in 10..60 {
        store.store(&format!("{n}"), content(n), Some(stamp(5))).await.expect("stored"); // 10 MB, of which 4 MiB fit
    }
    for n in 10..60 {
        assert!(opened(&store, &format!("{n}")).await.1 == content(n).read().expect("read"), "other bytes for {n}");
    }
    assert_eq!((server.served("data/"), cache.spared()), (0, 10_000_000));
}

#[tokio::test]
async fn a_kept_file_that_somebody_wrote_to_or_removed_is_not_read() {
    let (server, scratch, cache) = (Server::memory(), tempfile::tempdir().expect("a folder"), Cache::of(16 << 20));
    let store = cached(&server, scratch.path(), &cache);
    for spoil in [|file: &Path| std::fs::write(file, "spoilt!!"), |file: &Path| std::fs::remove_file(file)] {
        store.store("a", bytes("good", MIB), Some(stamp(5))).await.expect("stored");
        let Content::File(file) = opened(&store, "a").await.0.content else { panic!("not kept") };
        spoil(&file).expect("spoilt");
        assert!(opened(&store, "a").await.1 == b"good".repeat(MIB), "other bytes");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_keep_anything_only_switches_the_cache_of_files_off() {
    let (server, scratch, cache) = (Server::memory(), tempfile::tempdir().expect("a folder"), Cache::of(16 << 20));
    let blocked = scratch.path().join("a file, and no folder");
    std::fs::write(&blocked, "").expect("written");
    let store = store_in(&blocked, Some(cache.clone()), &server.endpoint(), "data", Tuning::default());
    for (path, times, spared) in [("large", MIB, 0), ("small", 2, 8)] {
        store.store(path, bytes("good", times), Some(stamp(5))).await.expect("stored");
        assert!(opened(&store, path).await.1 == b"good".repeat(times), "other bytes");
        assert_eq!(cache.spared(), spared, "{path}");
    }
}
