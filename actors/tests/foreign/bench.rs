//! A node over the embedded broker, to which other programs publish.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::Addr;
use async_trait::async_trait;
use bytes::Bytes;
use euterpe_actors::broker::{
    BodyFormat, Broker, BrokerError, ForeignProperties, Outgoing, Subscription, in_process::InProcess,
};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Event, Observer};
use euterpe_actors::ids::{JobName, RunId, StoreName};
use euterpe_actors::memory::Presence;
use euterpe_actors::node::Node;
use euterpe_actors::outcome::{Fault, Outcome};
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::pool::Drain;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::state::{DeadLetter, LetterFilter, StateStore};
use euterpe_actors::storage::{Content, ObjectKey, Stamp, Storage, Stores, memory::MemoryStorage};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, inline};

/// A chain pcm → mel → card, and pcm → loudness beside it.
const JOBS: &[(&str, Option<usize>)] = &[("pcm", None), ("mel", Some(0)), ("loudness", Some(0)), ("card", Some(1))];

/// Goes on by a second with each look, so that no two messages seem to come at once.
static CLOCK: AtomicU64 = AtomicU64::new(1_795_415_412_345);

/// What was worked on and how messages ended.
#[derive(Default)]
struct Seen {
    started: Mutex<Vec<(JobName, RunId)>>,
    ended: Mutex<Vec<(JobName, Outcome)>>,
}

impl Observer for Seen {
    fn on(&self, event: &Event<'_>) {
        match event {
            Event::Started { job, message, .. } => {
                self.started.lock().expect("whole").push(((*job).clone(), message.run));
            }
            Event::Handled { job, outcome, .. } => {
                self.ended.lock().expect("whole").push(((*job).clone(), *outcome));
            }
            _ => {}
        }
    }
}

/// Takes messages, and does not confirm those of its next call where it is told so.
struct Forgetful {
    inner: InProcess,
    forgets: Arc<AtomicBool>,
}

#[async_trait]
impl Broker for Forgetful {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        self.inner.publish(messages).await?;
        match self.forgets.swap(false, Ordering::SeqCst) {
            true => Err(BrokerError::Unconfirmed("the test forgot to".into())),
            false => Ok(()),
        }
    }

    fn subscribe(&self, job: &JobName) -> Result<Box<dyn Subscription>, BrokerError> {
        self.inner.subscribe(job)
    }
}

/// The node with everything around it.
pub struct Bench {
    broker: InProcess,
    storage: Arc<MemoryStorage>,
    seen: Arc<Seen>,
    node: Addr<Node>,
    pub presence: Arc<Presence>,
    pub state: StateStore,
    /// Whether the next confirm to the node is lost.
    pub forgets: Arc<AtomicBool>,
    /// Whether `loudness` fails for good.
    pub fails: Arc<AtomicBool>,
}

/// The time by the clock of the nodes.
pub fn now() -> u64 {
    CLOCK.load(Ordering::SeqCst)
}

pub fn job(name: &str) -> JobName {
    JobName::new(name).expect("a name")
}

/// The key of an output in the one store.
pub fn key(path: &str) -> ObjectKey {
    ObjectKey::new(StoreName::new("m").expect("a name"), path)
}

fn plan(fails: &Arc<AtomicBool>) -> NodePlan {
    let form = EntityForm::default();
    let spec = |(name, parent): &(&'static str, Option<usize>)| {
        let (name, fails) = (*name, fails.clone());
        let input = |at| InputPlan {
            name: "in".parse().expect("a name"),
            from: Route::Job { job: JobIx(at), output: 0, entity: Mapping::Same },
        };
        JobSpec {
            name: job(name),
            form: form.clone(),
            inputs: parent.map(input).into_iter().collect(),
            outputs: vec![OutputPlan {
                store: StoreName::new("m").expect("a name"),
                key: Template::parse(&format!("{name}/{{id}}"), &form).expect("a template"),
            }],
            transform: inline(move |_| match name == "loudness" && fails.load(Ordering::SeqCst) {
                true => Err(Fault::fatal("told to fail")),
                false => Ok(Product::bytes(&b"x"[..])),
            }),
            workers: 4,
            timeout: Duration::from_secs(60),
            retry: RetryPolicy::default(),
            claim: false,
            settings: 0,
        }
    };
    NodePlan::new(JOBS.iter().map(spec).collect())
}

/// Runs a test with a node.
pub fn with_node<F: Future<Output = ()>>(test: impl FnOnce(Arc<Bench>) -> F) {
    actix::System::new().block_on(async {
        tokio::time::pause(); // what is put off is due as soon as nothing else moves
        let (forgets, fails) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let plan = Arc::new(plan(&fails));
        let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
        let (storage, seen) = (Arc::new(MemoryStorage::default()), Arc::new(Seen::default()));
        let (presence, state) = (Arc::new(Presence::up_to(1000)), StateStore::new(Arc::new(MemoryStorage::default())));
        let node = Node::start(NodeSettings {
            state: state.clone(),
            observer: seen.clone(),
            presence: presence.clone(),
            clock: || CLOCK.fetch_add(1000, Ordering::SeqCst),
            ..crate::support::node(
                &plan,
                Forgetful { inner: broker.clone(), forgets: forgets.clone() },
                Stores::new([(StoreName::new("m").expect("a name"), storage.clone() as Arc<dyn Storage>)]),
            )
        });
        let bench = Arc::new(Bench { broker, storage, seen, node, presence, state, forgets, fails });
        test(bench.clone()).await;
        bench.node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
    });
}

impl Bench {
    /// Publishes a body to a job and waits until everything that follows from it came to its end.
    pub async fn publish(&self, to: &str, body: &str, said: ForeignProperties) {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let format = BodyFormat::Foreign(Arc::new(said));
        self.broker.publish(vec![Outgoing { format, ..Outgoing::now(job(to), body) }]).await.expect("taken");
        self.broker.settled_to(0).await;
    }

    pub async fn text(&self, to: &str, body: &str) {
        self.publish(to, body, ForeignProperties { content_type: "text/plain".into(), ..ForeignProperties::default() })
            .await;
    }

    pub async fn json(&self, to: &str, body: &str) {
        self.publish(
            to,
            body,
            ForeignProperties { content_type: "application/json".into(), ..ForeignProperties::default() },
        )
        .await;
    }

    /// The outputs that are there.
    pub async fn outputs(&self) -> Vec<String> {
        let mut outputs = Vec::new();
        let page = &mut |page: &euterpe_actors::storage::Page| {
            outputs.extend(page.iter().map(|listed| listed.path.to_owned()));
            true
        };
        self.storage.list("", page).await.expect("memory answers");
        outputs.sort();
        outputs
    }

    /// Puts an output in place whose stamp says that `run` made it and all before it.
    pub async fn stamp(&self, name: &str, run: RunId) {
        let runs = JOBS.iter().map(|(above, _)| (job(above), run)).collect();
        let stamp = Stamp { job: job(name), entity: None, runs: Arc::new(runs), hash: String::new(), making: None };
        let content = Content::Bytes(Bytes::from_static(b"old"));
        self.storage.store(&format!("{name}/t-1"), content, Some(stamp)).await.expect("memory stores");
    }

    /// The run that the stamp of an output names for its own job.
    pub async fn stamped(&self, name: &str) -> Option<RunId> {
        let found = self.storage.look(&format!("{name}/t-1")).await.expect("memory answers");
        found.and_then(|found| found.stamp).and_then(|stamp| stamp.run())
    }

    pub async fn delete(&self, path: &str) {
        self.storage.remove(path).await.expect("memory answers");
    }

    /// How often a job's transform was started.
    pub fn started(&self, name: &str) -> usize {
        self.seen.started.lock().expect("whole").iter().filter(|(started, _)| *started == job(name)).count()
    }

    /// The runs under which a job's transform was started.
    pub fn runs(&self, name: &str) -> Vec<RunId> {
        let started = self.seen.started.lock().expect("whole");
        started.iter().filter(|(started, _)| *started == job(name)).map(|(_, run)| *run).collect()
    }

    /// How messages of a job's queue ended, since the last time that somebody asked.
    pub fn ended(&self, name: &str) -> Vec<Outcome> {
        let mut ended = self.seen.ended.lock().expect("whole");
        let (mine, others) = ended.drain(..).partition(|(ended, _)| *ended == job(name));
        *ended = others;
        let mine: Vec<(JobName, Outcome)> = mine;
        mine.into_iter().map(|(_, outcome)| outcome).collect()
    }

    pub async fn letters(&self) -> Vec<(String, DeadLetter)> {
        self.state.letters(&LetterFilter::default()).await.expect("memory answers")
    }
}
