//! Several nodes, and answers that another node handles than the one that asked: nobody waits for them much longer than on
//! one node.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::Addr;
use async_trait::async_trait;
use bytes::Bytes;
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::claims::{Claims, TTL, memory::MemoryClaims};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::message::{Base, EntityMessage, Force, Target};
use euterpe_actors::node::Node;
use euterpe_actors::outcome::Fault;
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::pool::Drain;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Content, Storage, Stores, memory::MemoryStorage};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, Transform, Work};
use euterpe_actors::wire;
use tokio::time::Instant;

/// Works for so long.
struct Slow(Duration);

#[async_trait(?Send)]
impl Transform for Slow {
    async fn apply(&mut self, _: Work) -> Result<Product, Fault> {
        tokio::time::sleep(self.0).await;
        Ok(Product::bytes(&b"x"[..]))
    }
}

fn job(name: &str, form: &EntityForm, inputs: Vec<Route>, takes: Duration, workers: usize) -> JobSpec {
    let named = |(n, from)| InputPlan { name: format!("i{n}").parse().expect("a name"), from };
    JobSpec {
        name: name.parse().expect("a name"),
        form: form.clone(),
        inputs: inputs.into_iter().enumerate().map(named).collect(),
        outputs: vec![OutputPlan {
            store: support::store(),
            key: Template::parse(&format!("{name}/{{id}}.bin"), form).expect("a template"),
        }],
        transform: Arc::new(move || Ok(Box::new(Slow(takes)) as Box<dyn Transform>)),
        workers,
        timeout: Duration::from_secs(600),
        retry: RetryPolicy::default(),
        claim: true,
        settings: 0,
    }
}

/// Pairs of tracks, which share their tracks: `source -> p (slow) -> a`, and a pair of two `a`.
fn plan(slow: Duration, workers: usize) -> NodePlan {
    let (one, two) = (EntityForm::default(), EntityForm::parse("{l},{r}").expect("a form"));
    let source = Route::Source {
        store: support::store(),
        key: Template::parse_source("in/{id}", &one).expect("a key"),
        exts: Arc::from([]),
        optional: false,
    };
    let same = |at| Route::Job { job: JobIx(at), output: 0, entity: Mapping::Same };
    let part = |part: &str| Route::Job {
        job: JobIx(1),
        output: 0,
        entity: Mapping::To(Template::parse(part, &two).expect("a mapping")),
    };
    NodePlan::new(vec![
        job("p", &one, vec![source], slow, 2 * workers),
        job("a", &one, vec![same(0)], Duration::from_millis(5), workers),
        job("pair", &two, vec![part("{l}"), part("{r}")], Duration::from_millis(5), workers),
    ])
}

struct World {
    plan: Arc<NodePlan>,
    broker: InProcess,
    objects: Arc<MemoryStorage>,
    nodes: Vec<Addr<Node>>,
}

static CLOCK: AtomicU64 = AtomicU64::new(1_000_000);

impl World {
    fn start(plan: NodePlan, nodes: usize) -> Self {
        let plan = Arc::new(plan);
        let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
        let (objects, state) = (Arc::new(MemoryStorage::default()), Arc::new(MemoryStorage::default()));
        let claims = MemoryClaims::new("test", TTL);
        let start = |node: usize| {
            let claims = (nodes > 1).then(|| Arc::new(claims.seen_by(&node.to_string())) as Arc<dyn Claims>);
            Node::start(NodeSettings {
                state: StateStore::new(state.clone()),
                claims,
                name: node.to_string().into(),
                salt: node as u64,
                clock: || CLOCK.load(Ordering::Relaxed),
                ..support::node(
                    &plan,
                    broker.clone(),
                    Stores::new([(support::store(), objects.clone() as Arc<dyn Storage>)]),
                )
            })
        };
        Self { nodes: (0..nodes).map(start).collect(), plan: plan.clone(), broker, objects }
    }

    async fn put(&self, path: &str) {
        self.objects.store(path, Content::Bytes(Bytes::from_static(b"source")), None).await.expect("stored");
    }

    /// Runs the pairs from the bottom to the end; how long that takes.
    async fn run(&self, run: u64, pairs: &[String], force: Force) -> Duration {
        let began = Instant::now();
        for (n, pair) in pairs.iter().enumerate() {
            let target = Target { job: "pair".parse().expect("a name"), entity: EntityId::new(pair).expect("an id") };
            let id = run * 1000 + n as u64;
            let mut message = EntityMessage::new(id, RunId::new(run, 0), target, self.plan.digest, Base::Stop);
            message.force = force.clone();
            let body = wire::encode(&message).expect("it fits");
            self.broker.publish(vec![Outgoing::now(message.target.job.clone(), body)]).await.expect("published");
        }
        self.broker.settled_to(0).await;
        began.elapsed()
    }

    async fn made(&self, prefix: &str) -> usize {
        let mut count = 0;
        let mut count_page = |page: &euterpe_actors::storage::Page| {
            count += page.iter().count();
            true
        };
        self.objects.list(prefix, &mut count_page).await.expect("listed");
        count
    }

    async fn end(self) {
        for node in self.nodes {
            node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        }
    }
}

/// Ten first tracks, each in two pairs.
fn pairs() -> Vec<String> {
    (0..10).flat_map(|n| [format!("x{n},y{n}"), format!("x{n},z{n}")]).collect()
}

async fn put_sources(world: &World) {
    for n in 0..10 {
        for track in ["x", "y", "z"] {
            world.put(&format!("in/{track}{n}")).await;
        }
    }
}

fn in_paused_time(test: impl Future<Output = ()>) {
    actix::System::new().block_on(async {
        tokio::time::pause();
        test.await;
    });
}

const TWO_SECONDS: Duration = Duration::from_secs(2);

#[test]
fn pairs_that_share_a_slow_track_take_on_several_nodes_hardly_longer_than_on_one() {
    in_paused_time(async {
        for workers in [40, 8, 1] {
            let mut single = Duration::ZERO;
            for nodes in [1, 2, 4] {
                let world = World::start(plan(Duration::from_secs(7), workers), nodes);
                put_sources(&world).await;
                let took = world.run(1, &pairs(), Force::None).await;
                assert_eq!(world.made("pair/").await, 20);
                single = if nodes == 1 { took } else { single };
                assert!(took <= single + TWO_SECONDS, "{nodes} nodes of {workers}: {took:?}, one: {single:?}");
                world.end().await;
            }
        }
    });
}

#[test]
fn a_run_after_one_that_found_no_sources_does_not_wait_for_what_the_first_one_asked() {
    in_paused_time(async {
        for nodes in [1, 2, 4] {
            let world = World::start(plan(Duration::ZERO, 2), nodes);
            let first = world.run(1, &pairs(), Force::None).await;
            assert_eq!(world.made("pair/").await, 0);
            put_sources(&world).await;
            let second = world.run(2, &pairs(), Force::None).await;
            assert_eq!(world.made("pair/").await, 20);
            assert!(first.max(second) <= TWO_SECONDS, "{nodes} nodes: {first:?}, then {second:?}");
            for run in 3..7 {
                let forced = world.run(run, &pairs(), Force::All).await;
                assert!(forced <= TWO_SECONDS, "{nodes} nodes: forced run {run} took {forced:?}");
            }
            world.end().await;
        }
    });
}

#[test]
fn who_waits_in_the_same_run_hears_of_a_failure_that_another_node_handled() {
    in_paused_time(async {
        for nodes in [1, 2, 4] {
            let world = World::start(plan(Duration::from_secs(3), 16), nodes);
            for n in 0..10 {
                // The shared track is missing; the others are slow.
                world.put(&format!("in/y{n}")).await;
                world.put(&format!("in/z{n}")).await;
            }
            let took = world.run(1, &pairs(), Force::None).await;
            assert!(took <= Duration::from_secs(3) + TWO_SECONDS + TWO_SECONDS, "{nodes} nodes: {took:?}");
            world.end().await;
        }
    });
}
