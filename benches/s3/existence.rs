//! Knowing what exists: by listing, beside a HEAD for each key.

use euterpe_actors::storage::{Page, Storage};
use futures::stream::{self, StreamExt};

use super::server::Server;
use super::timed;

const HEADS: usize = 20_000;
const AT_ONCE: usize = 64;

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
}
