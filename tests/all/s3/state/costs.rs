//! What the records of others cost: nothing.

use std::ops::Range;
use std::sync::Arc;

use euterpe_actors::ids::RunId;
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::StateStore;
use euterpe_testkit::letters::{REASONS, dead_letter};
use futures::StreamExt;

use super::super::server::{BUCKET, Server};
use super::chain;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_one_entity_beside_two_thousand_letters_asks_the_bucket_no_more_than_without_them() {
    let studio = chain();
    let run = |id: &str| {
        studio.server.tell("forget");
        studio.call(&format!("run g.yaml {id} --state s3://{BUCKET}/state")).ends(0);
        studio.server.asked().values().sum::<u64>()
    };
    run("x"); // finds out what the bucket promises
    let without = run("z");
    keep(&studio.server, 0..2000, &REASONS[..1]).await;
    std::fs::write(studio.path("in/w.txt"), "w").expect("written");
    std::fs::write(studio.path("fix/w"), "fixed").expect("written");
    let with = run("w");
    assert!(with <= without + 5, "{with} requests, {without} without letters");
}

/// Keeps letters of `b`, of some reasons in turn.
async fn keep(server: &Server, numbers: Range<u64>, reasons: &[Reason]) {
    let state = StateStore::new(Arc::new(server.store("state/chain")));
    let letters = numbers.map(|n| {
        let reason = reasons[n as usize % reasons.len()];
        dead_letter(RunId::new(1, 0), "b", &format!("t-{n}"), reason, 1)
    });
    let kept = letters.map(|letter| {
        let state = state.clone();
        async move { state.keep_letter(&letter).await }
    });
    let mut kept = futures::stream::iter(kept.collect::<Vec<_>>()).buffer_unordered(32);
    while let Some(kept) = kept.next().await {
        kept.expect("kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cost_of_a_listing_grows_by_a_page_for_a_thousand_letters_and_that_of_a_few_not_at_all() {
    let studio = chain();
    let call = |words: &str| {
        studio.server.tell("forget");
        studio.call(&format!("{words} --state s3://{BUCKET}/state"))
    };
    let asked = || studio.server.asked().values().sum::<u64>();
    call("run g.yaml x").ends(0); // finds out what the bucket promises
    keep(&studio.server, 0..1400, &REASONS).await;
    assert!(call("dead ls g.yaml").ends(0).out.contains("b: 200 failed"));
    let of_1400 = asked();
    keep(&studio.server, 1400..5600, &REASONS).await;
    let told = call("dead ls g.yaml").ends(0).out;
    let of_5600 = asked();
    for reason in REASONS {
        assert!(told.contains(&format!("b: 800 {reason}")), "{told}");
    }
    // Four more pages of letters; 21 examples are read in both.
    assert!(of_5600 <= of_1400 + 5 && of_1400 < 60, "{of_1400} requests, then {of_5600}");
    call("dead drop g.yaml --reason timeout t-1 t-8").ends(0);
    assert!(asked() < 100, "{} requests to drop two letters", asked());
    assert!(call("dead ls g.yaml").ends(0).out.contains("b: 798 timeout"));
    call("explain g.yaml t-2 b").ends(0);
    assert!(asked() < 60, "{} requests for the story of one entity", asked());
}
