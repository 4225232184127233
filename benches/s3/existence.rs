//! Knowing what exists: by listing, and by the second run over a graph of three jobs, beside a HEAD for each key.

use std::fs;

use euterpe_actors::storage::{Page, Storage};
use futures::stream::{self, StreamExt};

use super::server::{BUCKET, Server};
use super::{program, timed};

const HEADS: usize = 20_000;
const AT_ONCE: usize = 64;
const JOBS: [&str; 3] = ["a", "b", "c"];

pub async fn main(keys: usize) {
    let server = Server::memory();
    server.tell(&format!("seed many/mel/ .npy {keys}"));
    let store = server.store("many");
    store.look("mel/000000.npy").await.expect("looked"); // connected
    server.tell("forget");
    let list = async || {
        let mut found = 0;
        let mut count = |page: &Page| {
            found += page.len();
            true
        };
        store.list("mel/", &mut count).await.expect("listed");
        assert_eq!(found, keys);
    };
    let listed = timed(list).await;
    let requests = server.asked().values().sum::<u64>();
    let heads = async || {
        let looks = stream::iter(0..HEADS).for_each_concurrent(AT_ONCE, async |n| {
            let path = format!("mel/{:06}.npy", n % keys);
            assert!(store.look(&path).await.expect("looked").is_some());
        });
        looks.await;
    };
    let looked = timed(heads).await;
    let each = |cost: f64, count: usize| cost * 1e6 / count as f64;
    println!(
        "known by listing: {keys} keys in {requests} requests, {:.2} us of CPU a key, {:.2} s in all",
        each(listed.cpu, keys),
        listed.wall
    );
    println!("known by HEAD, {AT_ONCE} at once: {:.2} us of CPU a key ({HEADS} of them)", each(looked.cpu, HEADS));
    let less = each(looked.cpu, HEADS) / each(listed.cpu, keys);
    println!(
        "listing: {:.0} times fewer requests, {less:.0} times less CPU of the client. Aims: at least 50 and 10.",
        keys as f64 / requests as f64
    );
    let entities = keys / JOBS.len();
    let run = second_run(&server, entities).await;
    let heads = each(looked.cpu, HEADS) * keys as f64 / 1e6;
    println!(
        "second run over {entities} entities x {} jobs: {} requests for {} keys with the sources, {:.2} s of CPU; a HEAD for \
         each of {keys} outputs: {heads:.2} s",
        JOBS.len(),
        run.requests,
        keys + entities,
        run.cpu
    );
    println!(
        "run: {:.0} times fewer requests, {:.0} times less CPU, a request for {:.0} keys. Aims: at least 50, 10 and 952.",
        keys as f64 / run.requests as f64,
        heads / run.cpu,
        (keys + entities) as f64 / run.requests as f64
    );
}

struct Ran {
    requests: u64,
    cpu: f64,
}

/// The program, once to find out what the bucket promises, and again with nothing to do.
async fn second_run(server: &Server, entities: usize) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let store = |name: &str| format!("{{url: \"s3://{BUCKET}/{name}\", endpoint: \"{}\"}}", server.endpoint());
    let mut graph =
        format!("version: 1\ngraph: again\nstores: {{in: {}, out: {}}}\njobs:\n", store("in"), store("out"));
    let mut from = "in:{id}.bin".to_owned();
    server.tell(&format!("seed in/ .bin {entities}"));
    for job in JOBS {
        graph += &format!("  {job}: {{use: bench.hand_on, in: {{in: \"{from}\"}}, out: \"out:{job}/{{id}}.bin\"}}\n");
        from = job.to_owned();
        server.tell(&format!("seed out/{job}/ .bin {entities}"));
    }
    fs::write(folder.path().join("g.yaml"), graph).expect("written");
    let run = async || assert!(program::command(folder.path(), "run g.yaml").status().expect("it runs").success());
    run().await;
    server.tell("forget");
    let cost = timed(run).await;
    assert!(!server.asked().contains_key("PutObject"), "something was made");
    Ran { requests: server.asked().values().sum(), cpu: cost.cpu }
}
