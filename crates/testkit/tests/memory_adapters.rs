//! The adapters in memory, which are the defaults and the test doubles, pass the suites of their ports.

use std::sync::Arc;

use euterpe_actors::{
    broker::{Broker, in_process::InProcess},
    claims::{self, Claims, memory::MemoryClaims},
    ids::JobName,
    storage::memory::MemoryStorage,
};

#[tokio::test(start_paused = true)]
async fn the_embedded_broker_passes_the_suite() {
    let open = |jobs: Vec<JobName>| async { Arc::new(InProcess::new(jobs)) as Arc<dyn Broker> };
    euterpe_testkit::broker_suite::passes(open).await;
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
