//! A long listing over a network: by ranges of keys at once, beside one page after the other.

use std::collections::HashSet;

use euterpe_actors::storage::{Page, Storage};

use super::server::{BUCKET, Server};
use super::{bare, timed};

/// How long each request takes beside what the server works.
const LATENCY_MS: u64 = 20;

pub async fn main(keys: usize) {
    let server = Server::memory();
    server.tell(&format!("seed many/mel/ .npy {keys}"));
    let store = server.store("many");
    store.look("mel/000000.npy").await.expect("looked"); // connected
    server.tell(&format!("listing-millis {LATENCY_MS}"));
    let requests = || {
        let asked = server.asked().values().sum::<u64>();
        server.tell("forget");
        asked
    };
    requests();
    let mut seen = HashSet::with_capacity(keys);
    let by_ranges = timed(async || {
        let mut each = |page: &Page| {
            seen.extend(page.paths().map(str::to_owned));
            true
        };
        store.list("mel/", &mut each).await.expect("listed");
    })
    .await;
    assert_eq!(seen.len(), keys);
    let of_ranges = requests();
    let client = bare(&server.endpoint());
    let mut seen = HashSet::with_capacity(keys);
    let in_turn = timed(async || {
        let mut token = None;
        loop {
            let ask = client.list_objects_v2().bucket(BUCKET).prefix("many/mel/").set_continuation_token(token);
            let answer = ask.send().await.expect("listed");
            seen.extend(answer.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
            token = answer.next_continuation_token;
            if token.is_none() {
                break;
            }
        }
    })
    .await;
    assert_eq!(seen.len(), keys);
    for (name, cost, requests) in [("by ranges", by_ranges, of_ranges), ("page after page", in_turn, requests())] {
        println!(
            "{keys} keys {name}, {LATENCY_MS} ms for each request: {:.2} s, {:.0} keys/s, {requests} requests, {:.2} us of CPU a key",
            cost.wall,
            keys as f64 / cost.wall,
            cost.cpu * 1e6 / keys as f64
        );
    }
    println!("by ranges: {:.1} times the keys a second. Aim: at least 4.", in_turn.wall / by_ranges.wall);
}
