//! A node as `euterpe node` puts it together, with stores in memory and jobs that do nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use euterpe_actors::claims::{self, memory::MemoryClaims};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::Unobserved;
use euterpe_actors::ids::StoreName;
use euterpe_actors::memory::Presence;
use euterpe_actors::plan::NodePlan;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Stores, memory::MemoryStorage};
use euterpe_actors::transform::{Product, inline};
use euterpe_amqp::Amqp;
use euterpe_engine::{Serving, Stop, serve};
use tokio::sync::watch;

use super::meter::Meter;
use super::{JOBS, PREFETCH, chain, settings};

/// The graph; `works` is called at each work, with the place of the job.
pub fn plan(works: impl Fn(usize) + Clone + Send + Sync + 'static) -> NodePlan {
    chain::plan(JOBS, usize::from(PREFETCH), |at| {
        let works = works.clone();
        inline(move |_| {
            works(at);
            Ok(Product::bytes(&b"x"[..]))
        })
    })
}

/// Serves the queues until so many entities were through the last job.
pub fn run(url: &str, entities: usize, meter: Arc<Meter>) {
    let (stopper, stop) = watch::channel(Stop::No);
    let done = Arc::new(AtomicUsize::new(0));
    let plan = plan({
        let stopper = Arc::new(stopper);
        move |at| {
            if at == 0 {
                meter.begins();
            } else if at + 1 == JOBS && done.fetch_add(1, Ordering::Relaxed) + 1 == entities {
                meter.ends();
                stopper.send_replace(Stop::Drain);
            }
        }
    });
    actix::System::new().block_on(async {
        let amqp = Amqp::open(settings(url), Duration::from_secs(20)).await.expect("a broker");
        let store = || Arc::new(MemoryStorage::default()) as _;
        let amqp = Arc::new(amqp);
        let node = NodeSettings {
            plan: Arc::new(plan),
            stores: Stores::new([(StoreName::new("m").expect("a name"), store())]),
            state: StateStore::new(store()),
            broker: amqp.clone(),
            claims: Some(Arc::new(MemoryClaims::new("bench", claims::TTL))),
            observer: Arc::new(Unobserved),
            presence: Arc::new(Presence::up_to(1 << 20)),
            setup: None,
            name: "bench".into(),
            salt: 1,
            scratch: std::env::temp_dir(),
            slots: Default::default(),
            served: None,
            isolate: false,
            clock: || 0,
            traces: None,
            recipes: Arc::default(),
            dates: None,
        };
        serve(
            node,
            Serving {
                beat: Arc::new(|_| {}),
                amqp,
                spared: Arc::new(|| 0),
                packages: Arc::new(|_| Default::default()),
                grace: Duration::from_secs(30),
                stop,
                metrics: None,
                traces: None,
                logs: None,
            },
        )
        .await;
    });
}
