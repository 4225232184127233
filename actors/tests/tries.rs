//! A job that fails for whoever asks: its tries are those of the entity, and not of each message that waits for it.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target};
use euterpe_actors::node::Node;
use euterpe_actors::outcome::Fault;
use euterpe_actors::plan::{JobSpec, NodePlan};
use euterpe_actors::pool::Drain;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::state::{LetterFilter, StateStore};
use euterpe_actors::storage::{Storage, Stores, memory::MemoryStorage};
use euterpe_actors::transform::{Product, Work, inline};
use euterpe_actors::wire;

const BRANCHES: usize = 8;

/// How a job above eight others was tried.
#[derive(Debug, PartialEq, Eq)]
struct Tried {
    tries: usize,
    /// Targets that came to a dead letter.
    letters: usize,
    made: usize,
}

/// `above` fails so many times and then succeeds; below it are eight jobs. Each of these is asked for, from
/// the bottom.
fn run(retries: u32, failing: usize) -> Tried {
    actix::System::new().block_on(async move {
        tokio::time::pause();
        let (tries, made) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let above = inline({
            let tries = tries.clone();
            move |_: Work| match tries.fetch_add(1, Ordering::Relaxed) < failing {
                true => Err(Fault::failed("not now")),
                false => Ok(Product::bytes(&b"x"[..])),
            }
        });
        let below = inline({
            let made = made.clone();
            move |_: Work| {
                made.fetch_add(1, Ordering::Relaxed);
                Ok(Product::bytes(&b"y"[..]))
            }
        });
        let retry = RetryPolicy { retries, backoff: Duration::from_secs(30) };
        let mut jobs = vec![JobSpec { retry, ..support::job("above", &[], above) }];
        jobs.extend((0..BRANCHES).map(|n| support::job(&format!("below-{n}"), &[0], below.clone())));
        let plan = Arc::new(NodePlan::new(jobs));
        let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
        let objects: Arc<dyn Storage> = Arc::new(MemoryStorage::default());
        let state = StateStore::new(Arc::new(MemoryStorage::default()));
        let stores = Stores::new([(support::store(), objects)]);
        let settings = NodeSettings { state: state.clone(), ..support::node(&plan, broker.clone(), stores) };
        let node = Node::start(settings);
        for (n, job) in plan.jobs.iter().skip(1).enumerate() {
            let target = Target { job: job.name.clone(), entity: EntityId::new("t-1").expect("an id") };
            let message = EntityMessage::new(n as u64, RunId::new(1, 0), target, plan.digest, Base::Stop);
            let body = wire::encode(&message).expect("it fits");
            broker.publish(vec![Outgoing::now(job.name.clone(), body)]).await.expect("published");
        }
        broker.settled_to(0).await;
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        let letters = state.letters(&LetterFilter::default()).await.expect("read");
        let mut targets: Vec<_> = letters.iter().map(|(_, letter)| (&letter.job, &letter.entity)).collect();
        targets.sort_unstable();
        targets.dedup();
        Tried { tries: tries.load(Ordering::Relaxed), letters: targets.len(), made: made.load(Ordering::Relaxed) }
    })
}

#[test]
fn a_job_that_eight_others_wait_for_is_tried_as_often_as_its_retries_say() {
    for retries in [0, 1, 2, 4] {
        let tries = retries as usize + 1;
        assert_eq!(run(retries, 99), Tried { tries, letters: 1, made: 0 });
    }
    assert_eq!(run(2, 2), Tried { tries: 3, letters: 0, made: BRANCHES });
}
