//! Several nodes over the same queues and stores: with claims each (job, entity) is worked on exactly once.

mod support;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::claims::{Claims, Lease, Leased, TTL, memory::MemoryClaims};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Event, Observer};
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::node::Node;
use euterpe_actors::outcome::Fault;
use euterpe_actors::plan::{JobSpec, NodePlan};
use euterpe_actors::pool::Drain;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Storage, StorageError, Stores, memory::MemoryStorage};
use euterpe_actors::transform::{Product, Transform, TransformFactory, Work};
use euterpe_actors::wire;

const NODES: u64 = 3;

/// A diamond, and one more job below the join.
const JOBS: &[(&str, &[usize])] =
    &[("track", &[]), ("mel", &[0]), ("loudness", &[0]), ("card", &[1, 2]), ("page", &[3])];

/// Works for a few milliseconds of simulated time, as the entity says.
struct Slow;

#[async_trait(?Send)]
impl Transform for Slow {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        let long = work.entity.as_str().bytes().map(u64::from).sum::<u64>() % 7;
        tokio::time::sleep(Duration::from_millis(1 + long)).await;
        Ok(Product::bytes(&b"x"[..]))
    }
}

/// How often each target was started, over all nodes.
#[derive(Default)]
struct Starts(Mutex<HashMap<(JobName, EntityId), u32>>);

impl Observer for Starts {
    fn on(&self, event: &Event<'_>) {
        if let Event::Started { job, entity, .. } = event {
            *self.0.lock().expect("whole").entry(((*job).clone(), (*entity).clone())).or_default() += 1;
        }
    }
}

fn name(job: &str) -> JobName {
    JobName::new(job).expect("a name")
}

fn plan(claim: bool) -> NodePlan {
    let slow: TransformFactory = Arc::new(|| Ok(Box::new(Slow) as Box<dyn Transform>));
    let spec = |(job, parents): &(&str, &[usize])| JobSpec { claim, ..support::job(job, parents, slow.clone()) };
    NodePlan::new(JOBS.iter().map(spec).collect())
}

/// Sends so many entities down the graph of several nodes; how often transforms were started, and for how many targets.
fn run(entities: usize, claims: Option<MemoryClaims>, claim: bool) -> (u32, usize) {
    let starts = Arc::new(Starts::default());
    let watching = starts.clone();
    actix::System::new().block_on(async move {
        tokio::time::pause();
        let plan = Arc::new(plan(claim));
        let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
        let (objects, state) = (Arc::new(MemoryStorage::default()), Arc::new(MemoryStorage::default()));
        let start = |node: u64| {
            Node::start(NodeSettings {
                state: StateStore::new(state.clone()),
                claims: claims.as_ref().map(|claims| Arc::new(claims.seen_by(&node.to_string())) as Arc<dyn Claims>),
                observer: watching.clone(),
                name: node.to_string().into(),
                salt: node,
                ..support::node(
                    &plan,
                    broker.clone(),
                    Stores::new([(support::store(), objects.clone() as Arc<dyn Storage>)]),
                )
            })
        };
        let nodes: Vec<_> = (0..NODES).map(start).collect();
        let wave = Arc::new(Wave { id: 1, origins: vec![name("track")], only: None });
        for n in 0..entities {
            let target = Target { job: name("track"), entity: EntityId::new(&format!("t-{n}")).expect("an id") };
            let base = Base::Down(wave.clone());
            let message = EntityMessage::new(n as u64, RunId::new(1, 0), target, plan.digest, base);
            let body = wire::encode(&message).expect("it fits");
            broker.publish(vec![Outgoing::now(name("track"), body)]).await.expect("published");
        }
        broker.settled_to(0).await;
        for node in nodes {
            node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        }
    });
    let starts = starts.0.lock().expect("whole");
    (starts.values().sum(), starts.len())
}

#[test]
fn three_nodes_with_claims_do_each_job_of_twenty_thousand_diamonds_once() {
    let entities = 20_000;
    let claims = MemoryClaims::new("test", TTL);
    assert_eq!(run(entities, Some(claims), true), ((JOBS.len() * entities) as u32, JOBS.len() * entities));
}

#[test]
fn without_claims_they_do_work_twice_and_still_do_all_of_it() {
    let entities = 2_000;
    for (claims, claim) in [(None, true), (Some(MemoryClaims::new("test", TTL)), false)] {
        let (executions, distinct) = run(entities, claims, claim);
        assert_eq!(distinct, JOBS.len() * entities);
        println!("{executions} starts of {distinct} works without a claim");
        assert!(executions as usize > distinct, "nothing was done twice: the test above shows nothing");
    }
}

/// Leases that other nodes take over at once.
struct TakenOver;

#[async_trait]
impl Claims for TakenOver {
    async fn lease(&self, _: &Target) -> Result<Leased, StorageError> {
        Ok(Leased::Yours(Box::new(Self)))
    }
    fn ttl(&self) -> Duration {
        TTL
    }
}

#[async_trait]
impl Lease for TakenOver {
    async fn renew(&mut self) -> Result<bool, StorageError> {
        Ok(false)
    }
    async fn release(self: Box<Self>) -> Result<(), StorageError> {
        Ok(())
    }
}

/// Works for so long.
struct Long(Duration);

#[async_trait(?Send)]
impl Transform for Long {
    async fn apply(&mut self, _: Work) -> Result<Product, Fault> {
        tokio::time::sleep(self.0).await;
        Ok(Product::bytes(&b"x"[..]))
    }
}

/// The jobs of which claims were lost.
#[derive(Default)]
struct Losses(Mutex<Vec<JobName>>);

impl Observer for Losses {
    fn on(&self, event: &Event<'_>) {
        if let Event::ClaimLost { job } = event {
            self.0.lock().expect("whole").push((*job).clone());
        }
    }
}

#[test]
fn a_claim_that_is_lost_during_the_work_is_told_once_and_the_work_is_done_all_the_same() {
    let losses = Arc::new(Losses::default());
    let watching = losses.clone();
    actix::System::new().block_on(async move {
        tokio::time::pause();
        let works = |long| -> TransformFactory { Arc::new(move || Ok(Box::new(Long(long)) as Box<dyn Transform>)) };
        let jobs = [("long", TTL * 3), ("short", TTL / 4)];
        let plan = NodePlan::new(jobs.map(|(job, long)| support::job(job, &[], works(long))).into());
        let plan = Arc::new(plan);
        let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
        let objects: Arc<dyn Storage> = Arc::new(MemoryStorage::default());
        let node = Node::start(NodeSettings {
            claims: Some(Arc::new(TakenOver)),
            observer: watching,
            ..support::node(&plan, broker.clone(), Stores::new([(support::store(), objects.clone())]))
        });
        for (job, _) in jobs {
            let target = Target { job: name(job), entity: EntityId::new("t-1").expect("an id") };
            let body = wire::encode(&EntityMessage::new(1, RunId::new(1, 0), target, plan.digest, Base::Stop));
            broker.publish(vec![Outgoing::now(name(job), body.expect("it fits"))]).await.expect("published");
        }
        broker.settled_to(0).await;
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        for (job, _) in jobs {
            assert!(objects.open(&format!("{job}/t-1.bin")).await.is_ok(), "{job} is not done");
        }
    });
    assert_eq!(*losses.0.lock().expect("whole"), [name("long")]);
}
