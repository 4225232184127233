//! What a bucket as a store costs, against a server in memory in a process of its own: knowing what exists by listing,
//! beside a HEAD for each; moving large objects, beside a bare loop over the SDK.
//!
//! `EUTERPE_KEYS` says how many keys are listed (by default 300,000).

#[allow(dead_code, unused_imports)] // the tests use more of it
#[path = "../tests/all/s3/server/mod.rs"]
mod server;
#[allow(dead_code)]
mod support;
#[allow(dead_code)]
#[path = "../tests/all/venv.rs"]
mod venv;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use euterpe_actors::storage::{Content, Page, Storage};
use futures::stream::{self, StreamExt};
use support::{Cost, median};

use server::{BUCKET, SECRET, Server, USER};

const HEADS: usize = 20_000;
const HEADS_AT_ONCE: usize = 64;
const OBJECTS: usize = 64;
const SIZE: usize = 8_000_000;
const AT_ONCE: usize = 8;
const ROUNDS: usize = 5;

fn main() {
    server::serve_if_asked();
    let keys = std::env::var("EUTERPE_KEYS").ok().and_then(|text| text.parse().ok()).unwrap_or(300_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let server = Server::memory();
        existence(&server, keys).await;
        moving(&server).await;
    });
}

async fn existence(server: &Server, keys: usize) {
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
        let looks = stream::iter(0..HEADS).for_each_concurrent(HEADS_AT_ONCE, async |n| {
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
    println!(
        "known by HEAD, {HEADS_AT_ONCE} at once: {:.2} us of CPU a key ({HEADS} of them)",
        each(looked.cpu, HEADS)
    );
    let less = each(looked.cpu, HEADS) / each(listed.cpu, keys);
    println!(
        "listing: {:.0} times fewer requests, {less:.0} times less CPU of the client",
        keys as f64 / requests as f64
    );
}

async fn timed(work: impl AsyncFnOnce()) -> Cost {
    let (start, before) = (std::time::Instant::now(), support::cpu_seconds());
    work().await;
    Cost { wall: start.elapsed().as_secs_f64(), cpu: support::cpu_seconds() - before }
}

/// Rounds of both take turns, so that what else the machine does falls on both.
async fn moving(server: &Server) {
    let (store, bare) = (server.store("moved"), bare(&server.endpoint()));
    let content = Bytes::from(vec![7_u8; SIZE]);
    let mut walls: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        walls[0].push(
            timed(async || {
                each(async |n| {
                    store.store(&format!("{n}"), Content::Bytes(content.clone()), None).await.expect("stored");
                })
                .await
            })
            .await
            .wall,
        );
        walls[1].push(
            timed(async || {
                each(async |n| {
                    let put = bare
                        .put_object()
                        .bucket(BUCKET)
                        .key(format!("bare/{n}"))
                        .body(ByteStream::from(content.clone()));
                    put.send().await.expect("put");
                })
                .await
            })
            .await
            .wall,
        );
        walls[2].push(
            timed(async || {
                each(async |n| {
                    let object = store.open(&format!("{n}")).await.expect("opened");
                    assert_eq!(object.content.read().expect("read").len(), SIZE);
                })
                .await
            })
            .await
            .wall,
        );
        walls[3].push(
            timed(async || {
                each(async |n| {
                    let got = bare.get_object().bucket(BUCKET).key(format!("bare/{n}")).send().await.expect("got");
                    assert_eq!(got.body.collect().await.expect("read").into_bytes().len(), SIZE);
                })
                .await
            })
            .await
            .wall,
        );
    }
    let speed = |walls: &Vec<f64>| (OBJECTS * SIZE) as f64 / 1e6 / median(walls.clone());
    let [up, bare_up, down, bare_down] = walls.each_ref().map(speed);
    println!("{OBJECTS} objects of 8 MB, {AT_ONCE} at once, medians of {ROUNDS} rounds, MB/s:");
    println!("  upload   {up:7.0}, bare SDK {bare_up:7.0}: {:.2}", up / bare_up);
    println!("  download {down:7.0}, bare SDK {bare_down:7.0}: {:.2}", down / bare_down);
}

async fn each(work: impl AsyncFn(usize)) {
    stream::iter(0..OBJECTS).for_each_concurrent(AT_ONCE, async |n| work(n).await).await;
}

fn bare(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .force_path_style(true)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(USER, SECRET, None, None, "bench"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}
