//! What the records of others cost: nothing.

use std::sync::Arc;

use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{DeadLetter, GivenUp, StateStore};
use futures::StreamExt;

use super::super::server::BUCKET;
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
    let state = StateStore::new(Arc::new(studio.server.store("state/chain")));
    let run_id = RunId::new(1, 0);
    let job = JobName::new("b").expect("a name");
    let letters = (0..2000).map(|n| {
        let target = Target { job: job.clone(), entity: EntityId::new(&format!("t-{n}")).expect("an id") };
        let message = EntityMessage::new(n, run_id, target, Default::default(), Base::Stop);
        let why = GivenUp { job: &job, node: "n", millis: 1, reason: Reason::Failed, text: "no".into() };
        DeadLetter::of_work(&message, why)
    });
    let kept = letters.map(|letter| {
        let state = state.clone();
        async move { state.keep_letter(&letter).await }
    });
    let mut kept = futures::stream::iter(kept.collect::<Vec<_>>()).buffer_unordered(32);
    while let Some(kept) = kept.next().await {
        kept.expect("kept");
    }
    std::fs::write(studio.path("in/w.txt"), "w").expect("written");
    std::fs::write(studio.path("fix/w"), "fixed").expect("written");
    let with = run("w");
    assert!(with <= without + 5, "{with} requests, {without} without letters");
}
