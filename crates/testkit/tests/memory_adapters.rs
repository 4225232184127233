//! The adapters in memory, which are the defaults and the test doubles, pass the suites of their ports.

use std::sync::Arc;

use euterpe_actors::{
    broker::{Broker, Outgoing, in_process::InProcess},
    claims::{self, Claims, memory::MemoryClaims},
    ids::JobName,
    storage::memory::MemoryStorage,
};

#[tokio::test(start_paused = true)]
async fn the_embedded_broker_passes_the_suite() {
    let open = |jobs: Vec<JobName>| async { Arc::new(InProcess::new(jobs)) as Arc<dyn Broker> };
    euterpe_testkit::broker_suite::passes(open).await;
}

#[tokio::test(start_paused = true)]
async fn the_embedded_broker_takes_nothing_for_delivered_that_nobody_had_in_hand() {
    let job: JobName = "mel".parse().expect("a name");
    let broker = InProcess::new(vec![job.clone()]);
    let bodies = [&b"t-1"[..], b"t-2", b"t-3"];
    broker.publish(bodies.map(|body| Outgoing::now(job.clone(), body.into())).into()).await.expect("published");
    let mut mel = broker.subscribe(&job).expect("subscribed");
    let held = mel.next().await.expect("delivered");
    mel.rest();
    for _ in 1..bodies.len() {
        let next = mel.try_next().await.expect("the queue has one");
        assert!(!next.redelivered);
        next.ack();
    }
    held.ack();
}

mod claims_in_memory {
    use super::*;

    euterpe_testkit::claims_suite!(start_paused = true; {
        let first = MemoryClaims::new("a", claims::TTL);
        let second = first.seen_by("b");
        ([Arc::new(first) as Arc<dyn Claims>, Arc::new(second)], ())
    });
}

mod store_in_memory {
    use super::*;

    euterpe_testkit::storage_suite!((Arc::new(MemoryStorage::default()), ()));
}
