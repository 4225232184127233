//! A machine or a disk in trouble for 130 seconds: no entity is given up, and nothing that was made is made again.

mod support;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::broker::{Broker, BrokerError, Outgoing, Subscription, in_process::InProcess};
use euterpe_actors::claims::{Claims, TTL, memory::MemoryClaims};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Event, Observer};
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::node::Node;
use euterpe_actors::outcome::{Fault, Outcome};
use euterpe_actors::plan::{JobSpec, NodePlan};
use euterpe_actors::pool::Drain;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::memory::MemoryStorage;
use euterpe_actors::storage::{Content, Stamp, Storage, StorageError, StorageErrorKind, Stored, Stores};
use euterpe_actors::transform::{Product, Transform, TransformFactory, Work};
use euterpe_actors::wire;
use support::wrapped::{Change, Wrapped};
use tokio::time::Instant;

const ENTITIES: usize = 30;
const TROUBLE: Duration = Duration::from_secs(130);

/// What is in trouble for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The machine of node 0: it can do no work.
    Machine,
    /// Half of what the machine of node 0 is asked for fails.
    HalfAMachine,
    /// The store of the outputs.
    Outputs,
    /// The store of the records.
    State,
}

/// What happened.
#[derive(Default)]
struct Seen {
    /// Works that came to their end, by target.
    worked: Mutex<HashMap<String, usize>>,
    /// Tries, those that the machine could not do among them.
    tries: AtomicUsize,
    /// Works under way on node 0.
    under_way: AtomicUsize,
    outcomes: Mutex<HashMap<Outcome, usize>>,
    told: Mutex<Vec<String>>,
}

impl Seen {
    fn twice(&self) -> usize {
        self.worked.lock().expect("whole").values().map(|times| times - 1).sum()
    }

    fn distinct(&self) -> usize {
        self.worked.lock().expect("whole").len()
    }

    fn outcome(&self, outcome: Outcome) -> usize {
        self.outcomes.lock().expect("whole").get(&outcome).copied().unwrap_or(0)
    }

    fn told(&self, start: &str) -> usize {
        self.told.lock().expect("whole").iter().filter(|told| told.starts_with(start)).count()
    }
}

impl Observer for Seen {
    fn on(&self, event: &Event<'_>) {
        let mut told = self.told.lock().expect("whole");
        match event {
            Event::PoolPaused { text, .. } => told.push(format!("paused: {text}")),
            Event::PoolResumed { .. } => told.push("resumed".into()),
            Event::Stalled { text, .. } => told.push(format!("stalled: {text}")),
            Event::Recovered { .. } => told.push("recovered".into()),
            Event::Handled { outcome, .. } => {
                *self.outcomes.lock().expect("whole").entry(*outcome).or_default() += 1;
            }
            _ => {}
        }
    }
}

/// A store that is full until a moment.
#[derive(Debug)]
struct Full {
    within: MemoryStorage,
    until: Option<Instant>,
}

#[async_trait]
impl Change for Full {
    fn within(&self) -> &dyn Storage {
        &self.within
    }
    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        if self.until.is_some_and(|until| Instant::now() < until) {
            return Err(StorageError::new(StorageErrorKind::Full, "store", path, "no room left on the disk"));
        }
        self.within.store(path, content, stamp).await
    }
}

/// Works for a second. Of ten entities one fails for good, and one is declined.
struct Working {
    seen: Arc<Seen>,
    machine: Option<(Place, Instant)>,
}

/// Of how many works at once half a machine is capable.
const HALF: usize = 2;

#[async_trait(?Send)]
impl Transform for Working {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        self.seen.tries.fetch_add(1, Ordering::Relaxed);
        match self.machine {
            Some((Place::Machine, until)) if Instant::now() < until => {
                return Err(Fault::node_trouble("no scratch folder: no room; free some"));
            }
            Some((Place::HalfAMachine, _)) if self.seen.under_way.load(Ordering::Relaxed) >= HALF => {
                return Err(Fault::node_trouble("could not start `sox`: too many open files"));
            }
            _ => {}
        }
        self.seen.under_way.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.seen.under_way.fetch_sub(1, Ordering::Relaxed);
        let target = format!("{} of {}", work.inputs.len(), work.entity);
        *self.seen.worked.lock().expect("whole").entry(target).or_default() += 1;
        match work.entity.as_str().ends_with('7') {
            true => Err(Fault::bad_input("no music")),
            false if work.entity.as_str().ends_with('8') => Err(Fault::skip("too short")),
            false => Ok(Product::bytes(&b"x"[..])),
        }
    }
}

/// The embedded broker, which takes a message away after a while as others do.
struct Hasty(InProcess, Option<Duration>);

#[async_trait]
impl Broker for Hasty {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        self.0.publish(messages).await
    }
    fn subscribe(&self, job: &JobName) -> Result<Box<dyn Subscription>, BrokerError> {
        self.0.subscribe(job)
    }
    fn longest_in_hand(&self, _: &JobName) -> Option<Duration> {
        self.1
    }
}

fn name(job: &str) -> JobName {
    JobName::new(job).expect("a name")
}

/// Two jobs in a row.
fn plan(transform: TransformFactory) -> NodePlan {
    let retry = RetryPolicy { retries: 0, ..RetryPolicy::default() };
    let timeout = Duration::from_secs(60);
    let spec =
        |job: &str, parents: &[usize]| JobSpec { retry, timeout, ..support::job(job, parents, transform.clone()) };
    NodePlan::new(vec![spec("track", &[]), spec("mel", &[0])])
}

struct Run {
    seen: Arc<Seen>,
    took: Duration,
    letters: usize,
}

/// Sends the entities down the graph of so many nodes while something is in trouble.
fn run(place: Place, nodes: u64, longest_in_hand: Option<Duration>) -> Run {
    let seen = Arc::new(Seen::default());
    let watching = seen.clone();
    let (took, letters) = actix::System::new().block_on(async move {
        tokio::time::pause();
        let began = Instant::now();
        let until = began + TROUBLE;
        let broker = InProcess::new([name("track"), name("mel")]);
        let full = |here| {
            Arc::new(Wrapped(Full { within: MemoryStorage::default(), until: (place == here).then_some(until) }))
        };
        let (objects, state) = (full(Place::Outputs), full(Place::State));
        let claims = MemoryClaims::new("test", TTL);
        let mut started = Vec::new();
        let mut digest = None;
        for node in 0..nodes {
            let seen = watching.clone();
            let machine = (node == 0).then_some((place, until));
            let transform: TransformFactory =
                Arc::new(move || Ok(Box::new(Working { seen: seen.clone(), machine }) as Box<dyn Transform>));
            let plan = Arc::new(plan(transform));
            digest = Some(plan.digest);
            started.push(Node::start(NodeSettings {
                state: StateStore::new(state.clone()),
                claims: (nodes > 1).then(|| Arc::new(claims.seen_by(&node.to_string())) as Arc<dyn Claims>),
                observer: watching.clone(),
                name: node.to_string().into(),
                salt: node,
                ..support::node(
                    &plan,
                    Hasty(broker.clone(), longest_in_hand),
                    Stores::new([(support::store(), objects.clone() as Arc<dyn Storage>)]),
                )
            }));
        }
        let wave = Arc::new(Wave { id: 1, origins: vec![name("track")], only: None });
        for n in 0..ENTITIES {
            let target = Target { job: name("track"), entity: EntityId::new(&format!("t-{n}")).expect("an id") };
            let base = Base::Down(wave.clone());
            let message = EntityMessage::new(n as u64, RunId::new(1, 0), target, digest.expect("a node"), base);
            let body = wire::encode(&message).expect("it fits");
            broker.publish(vec![Outgoing::now(name("track"), body)]).await.expect("published");
        }
        broker.settled_to(0).await;
        let took = began.elapsed();
        for node in started {
            node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        }
        let letters = StateStore::new(state).keys("dead/").await.expect("listed").len();
        (took, letters)
    });
    Run { seen, took, letters }
}

/// Of 30 entities 3 fail and 3 are declined, so 24 come to the second job.
const WORKS: usize = ENTITIES + 24;
const DEAD: usize = 3;

impl Run {
    /// What must hold whatever was in trouble: each ended as it should, and once.
    fn is_right(&self) {
        let seen = &self.seen;
        assert_eq!((seen.outcome(Outcome::Dead), self.letters), (DEAD, DEAD), "{:?}", seen.told.lock());
        assert_eq!((seen.outcome(Outcome::Skipped), seen.outcome(Outcome::Retried)), (3, 0));
        assert_eq!((seen.distinct(), seen.twice()), (WORKS, 0), "made and made again");
    }
}

#[test]
fn a_machine_that_can_do_no_work_pauses_its_pools_and_spends_no_try() {
    let run = run(Place::Machine, 1, None);
    run.is_right();
    let seen = &run.seen;
    assert!(run.took >= TROUBLE && run.took < TROUBLE + Duration::from_secs(90), "{:?}", run.took);
    let failed = seen.tries.load(Ordering::Relaxed) - WORKS;
    assert!((4..30).contains(&failed), "{failed} tries of a machine that pauses");
    assert_eq!((seen.told("paused"), seen.told("resumed")), (1, 1), "{:?}", seen.told.lock());
    assert_eq!(seen.told("paused: no scratch folder: no room; free some"), 1);
}

#[test]
fn the_work_of_a_machine_in_trouble_goes_to_another_node() {
    let run = run(Place::Machine, 2, None);
    run.is_right();
    assert!(run.took < Duration::from_secs(60), "{:?}", run.took);
}

#[test]
fn a_machine_that_can_do_some_of_the_work_does_as_much_as_it_can() {
    let run = run(Place::HalfAMachine, 1, None);
    run.is_right();
    // Two at once would take 27 s.
    assert!(run.took < Duration::from_secs(150), "{:?}", run.took);
}

#[test]
fn what_was_made_is_kept_in_hand_while_the_disk_of_the_outputs_is_full() {
    for nodes in [1, 2] {
        let run = run(Place::Outputs, nodes, None);
        run.is_right();
        assert!(run.took >= TROUBLE && run.took < TROUBLE + Duration::from_secs(60), "{:?}", run.took);
        assert!(run.seen.told("stalled") >= 1 && run.seen.told("recovered") >= 1, "{:?}", run.seen.told.lock());
    }
}

#[test]
fn what_was_found_is_kept_in_hand_while_its_record_cannot_be_written() {
    run(Place::State, 1, None).is_right();
}

#[test]
fn a_message_goes_back_before_the_broker_takes_it_away() {
    let run = run(Place::Outputs, 1, Some(Duration::from_secs(50)));
    let seen = &run.seen;
    assert_eq!((seen.outcome(Outcome::Dead), seen.distinct()), (DEAD, WORKS));
    // Kept for some 40 of each 50 seconds.
    assert!((1..=16).contains(&seen.twice()), "{} made again", seen.twice());
}
