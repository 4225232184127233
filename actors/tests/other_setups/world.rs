//! Two jobs, a node's view of their stores and records, and what two views may differ by.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Event, Observer};
use euterpe_actors::ids::{EntityId, JobName, RunId, StoreName};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::node::Node;
use euterpe_actors::outcome::{Fault, Outcome};
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::setup::{OwnSetup, Setup, StoreIdentity};
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Storage, Stores, memory::MemoryStorage};
use euterpe_actors::template::{EntityForm, NameRules, Template};
use euterpe_actors::transform::{Product, Transform, Work};
use euterpe_actors::wire;

use crate::support;

pub const ENTITIES: usize = 60;
pub const RUN: RunId = RunId::new(1, 0);

struct Quick;

#[async_trait(?Send)]
impl Transform for Quick {
    async fn apply(&mut self, _: Work) -> Result<Product, Fault> {
        tokio::time::sleep(Duration::from_millis(3)).await;
        Ok(Product::bytes(&b"x"[..]))
    }
}

/// What one node did.
#[derive(Default)]
pub struct Ledger {
    started: Mutex<Vec<Target>>,
    pub outcomes: Mutex<HashMap<Outcome, usize>>,
    pub told: Mutex<Vec<String>>,
}

impl Observer for Ledger {
    fn on(&self, event: &Event<'_>) {
        match event {
            Event::Started { message, .. } => self.started.lock().expect("whole").push(message.target.clone()),
            Event::Handled { outcome, .. } => {
                *self.outcomes.lock().expect("whole").entry(*outcome).or_default() += 1;
            }
            Event::OtherSetup { job, text } => self.told.lock().expect("whole").push(format!("{job}: {text}")),
            _ => {}
        }
    }
}

impl Ledger {
    pub fn started(&self) -> Vec<Target> {
        self.started.lock().expect("whole").clone()
    }
}

pub fn name(job: &str) -> JobName {
    JobName::new(job).expect("a name")
}

pub fn store() -> StoreName {
    StoreName::new("d").expect("a name")
}

/// Two jobs, one after the other; the second writes below `folder`.
pub fn plan(folder: &str) -> Arc<NodePlan> {
    plan_in(folder, NameRules::default())
}

/// The same, in a store with names of its own.
fn plan_in(folder: &str, names: NameRules) -> Arc<NodePlan> {
    let form = EntityForm::default();
    let spec = |job: &str, key: &str, inputs| JobSpec {
        name: name(job),
        form: form.clone(),
        inputs,
        outputs: vec![OutputPlan {
            store: store(),
            key: Template::parse(key, &form).expect("a template").in_store(names),
        }],
        transform: Arc::new(|| Ok(Box::new(Quick) as Box<dyn Transform>)),
        workers: 2,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::default(),
        claim: true,
        settings: 0,
    };
    let from = Route::Job { job: JobIx(0), output: 0, entity: Mapping::Same };
    let input = InputPlan { name: "x".parse().expect("a name"), from };
    let (wav, mel) = ("wav/{id}.wav", format!("{folder}/{{id}}.npy"));
    Arc::new(NodePlan::new(vec![spec("wav", wav, Vec::new()), spec("mel", &mel, vec![input])]))
}

/// Objects and records.
type Held = (Arc<MemoryStorage>, Arc<MemoryStorage>);

/// A place with objects and records, as one process sees it.
#[derive(Clone)]
pub struct World {
    pub plan: Arc<NodePlan>,
    pub objects: Arc<MemoryStorage>,
    pub state: Arc<MemoryStorage>,
    pub setup: Arc<OwnSetup>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Differs {
    Nothing,
    Store,
    Template,
    /// The store does not tell case, as this process sees it: it writes other keys.
    Names,
    Recipe,
    State,
    /// The store held nothing when the node began.
    Empty,
}

impl World {
    pub fn new() -> Self {
        Self::with("mel", "v1", "here", "records", (Arc::default(), Arc::default()))
    }

    pub fn with(folder: &str, recipe: &str, place: &str, state: &str, held: Held) -> Self {
        Self::of(plan(folder), recipe, place, state, held)
    }

    pub fn of(plan: Arc<NodePlan>, recipe: &str, place: &str, state: &str, (objects, records): Held) -> Self {
        let identity = |place: &str| StoreIdentity {
            id: Some(place.into()),
            place: format!("/mnt/{place}"),
            is_empty: false,
            follows_links: None,
        };
        let recipe_of = |job: &JobName| if job.as_str() == "mel" { recipe.to_owned() } else { "same".to_owned() };
        let stores = BTreeMap::from([(store(), identity(place))]);
        let setup = Arc::new(Setup::new(&plan, recipe_of, stores, identity(state)).own());
        Self { plan, objects, state: records, setup }
    }

    /// One that differs from this one.
    pub fn other(&self, differs: Differs) -> Self {
        let here = (self.objects.clone(), self.state.clone());
        match differs {
            Differs::Nothing => Self::with("mel", "v1", "here", "records", here),
            Differs::Store => Self::with("mel", "v1", "there", "records", (Arc::default(), here.1)),
            Differs::Template => Self::with("mel2", "v1", "here", "records", here),
            Differs::Names => {
                let names = NameRules { tells_case: false, ..NameRules::default() };
                Self::of(plan_in("mel", names), "v1", "here", "records", here)
            }
            Differs::Recipe => Self::with("mel", "v2", "here", "records", here),
            Differs::State => Self::with("mel", "v1", "here", "others", (here.0, Arc::default())),
            Differs::Empty => {
                let mut world = Self::with("mel", "v1", "here", "records", (Arc::default(), here.1));
                let mut setup = self.setup.setup.clone();
                setup.stores.values_mut().for_each(|store| store.is_empty = true);
                world.setup = Arc::new(setup.own());
                world
            }
        }
    }

    pub async fn node(&self, broker: &InProcess, number: u64) -> (actix::Addr<Node>, Arc<Ledger>) {
        let ledger = Arc::new(Ledger::default());
        let state = StateStore::new(self.state.clone());
        state.keep_setup(&self.setup.setup).await.expect("kept");
        let node = Node::start(NodeSettings {
            state,
            observer: ledger.clone(),
            setup: Some(self.setup.clone()),
            name: number.to_string().into(),
            salt: number,
            ..support::node(
                &self.plan,
                broker.clone(),
                Stores::new([(store(), self.objects.clone() as Arc<dyn Storage>)]),
            )
        });
        (node, ledger)
    }

    pub async fn publish(&self, broker: &InProcess, entities: std::ops::Range<usize>) {
        StateStore::new(self.state.clone()).keep_setup(&self.setup.setup).await.expect("kept");
        let wave = Arc::new(Wave { id: 1, origins: vec![name("wav")], only: None });
        for n in entities {
            let target = Target { job: name("wav"), entity: EntityId::new(&format!("t-{n}")).expect("an id") };
            let message = EntityMessage::new(n as u64, RUN, target, self.plan.digest, Base::Down(wave.clone()));
            let message = EntityMessage { setup: self.setup.digest, ..message };
            let body = wire::encode(&message).expect("it fits");
            broker.publish(vec![Outgoing::now(name("wav"), body)]).await.expect("published");
        }
    }

    pub async fn outputs(&self, folder: &str) -> usize {
        let (mut count, prefix) = (0, format!("{folder}/"));
        let mut page = |page: &euterpe_actors::storage::Page| {
            count += page.iter().count();
            true
        };
        self.objects.list(&prefix, &mut page).await.expect("listed");
        count
    }
}
