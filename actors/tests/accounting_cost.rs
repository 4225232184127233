//! What an account costs over a store that answers late: its looks are made at once, within a bound.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::accounting::{Accountant, RunView, TargetStatus};
use euterpe_actors::ids::{EntityId, JobName, RunId, StoreName};
use euterpe_actors::message::{Base, EntityMessage, Force, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{JobSpec, NodePlan, OutputPlan};
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::standard::Standard;
use euterpe_actors::state::{DeadLetter, GivenUp, Selection, StateStore};
use euterpe_actors::storage::{
    Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, Stored, Stores, memory::MemoryStorage,
};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, inline};

/// A store that takes 30 ms for each answer.
#[derive(Debug, Default)]
struct Late {
    store: MemoryStorage,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Late {
    async fn wait(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(30)).await;
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Storage for Late {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.wait().await;
        self.store.look(path).await
    }
    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        self.wait().await;
        self.store.open(path).await
    }
    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        self.store.store(path, content, stamp).await
    }
    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.store.remove(path).await
    }
    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        self.wait().await;
        self.store.list(prefix, page).await
    }
    fn place(&self) -> String {
        "late".into()
    }
}

#[tokio::test(start_paused = true)]
async fn the_account_of_300_dead_at_30_ms_an_answer_takes_less_than_10_s_and_asks_within_a_bound() {
    let (late, run) = (Arc::new(Late::default()), RunId::new(1, 0));
    let (store, form) = (StoreName::new("m").expect("a name"), EntityForm::default());
    let job = JobName::new("a").expect("a name");
    let spec = JobSpec {
        name: job.clone(),
        form: form.clone(),
        inputs: Vec::new(),
        outputs: vec![OutputPlan { store: store.clone(), key: Template::parse("a/{id}", &form).expect("a template") }],
        transform: inline(|_| Ok(Product::bytes(&b"x"[..]))),
        workers: 1,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::default(),
        claim: false,
        settings: 0,
    };
    let state = StateStore::new(late.clone());
    let entities: Vec<EntityId> = (0..300).map(|n| EntityId::new(&format!("t-{n}")).expect("an id")).collect();
    for entity in &entities {
        let target = Target { job: job.clone(), entity: entity.clone() };
        let message = EntityMessage::new(1, run, target, Default::default(), Base::Stop);
        let why = GivenUp { job: &job, node: "n", millis: 1, reason: Reason::Failed, text: "no".into() };
        state.keep_letter(&DeadLetter::of_work(&message, why)).await.expect("kept");
    }
    let view = RunView {
        plan: Arc::new(NodePlan::new(vec![spec])),
        stores: Stores::new([(store, late.clone() as Arc<dyn Storage>)]),
        state,
        run,
        force: Force::None,
        known: None,
        dates: None,
        standard: Standard::default(),
        refresh: false,
        now: 0,
    };
    let began = tokio::time::Instant::now();
    let accountant = Accountant::open(view).await.expect("read");
    let standings = accountant.entities(&Selection::default(), &entities).await.expect("looked at");
    assert!(standings.len() == 300 && standings.iter().all(|of| matches!(of[0].1, TargetStatus::Dead(..))));
    assert!(began.elapsed() <= Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(late.most.load(Ordering::Relaxed) <= 32, "too many at once");
}
