//! Dead letters of which the keys tell nearly all: one for each run, target and stack, counted without being read.

mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use euterpe_actors::accounting::{Accountant, RunView};
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Force, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::NodePlan;
use euterpe_actors::state::{DeadLetter, GivenUp, LetterFilter, StateStore};
use euterpe_actors::storage::{Content, Object, Stamp, Storage, StorageError, Stored, Stores, memory::MemoryStorage};
use support::wrapped::{Change, Wrapped};

const RUN: RunId = RunId::new(5, 0);

fn target(entity: &str) -> Target {
    Target { job: JobName::new("mel").expect("a name"), entity: EntityId::new(entity).expect("an id") }
}

fn letter(entity: &str, reason: Reason, millis: u64) -> DeadLetter {
    of_run(RUN, entity, reason, millis)
}

fn of_run(run: RunId, entity: &str, reason: Reason, millis: u64) -> DeadLetter {
    let message = EntityMessage::new(1, run, target(entity), Default::default(), Base::Stop);
    let why = GivenUp { job: &target(entity).job, node: "n", millis, reason, text: "no".into() };
    DeadLetter::of_work(&message, why)
}

fn with_reason(reason: Reason) -> LetterFilter {
    LetterFilter { reason: Some(reason), ..LetterFilter::default() }
}

fn of_entity(entity: &str) -> LetterFilter {
    LetterFilter { job: Some(target(entity).job), entity: Some(entity.into()), ..LetterFilter::default() }
}

/// The reasons of all letters, by entity.
async fn reasons(state: &StateStore) -> Vec<(String, Reason)> {
    let letters = state.letters(&LetterFilter::default()).await.expect("read");
    letters.into_iter().map(|(_, letter)| (letter.entity, letter.reason)).collect()
}

async fn keys(storage: &Arc<MemoryStorage>) -> Vec<String> {
    StateStore::new(storage.clone()).keys("dead/").await.expect("listed")
}

/// A letter as a former version kept it.
async fn put_former(storage: &MemoryStorage, name: &str, letter: &DeadLetter) -> String {
    let key = format!("dead/{}/mel/{name}/0123456789abcdef.json", letter.owner());
    let text = serde_json::to_vec(letter).expect("JSON");
    storage.store(&key, Content::Bytes(Bytes::from(text)), None).await.expect("stored");
    key
}

#[tokio::test]
async fn what_fails_again_for_another_reason_has_one_letter_also_where_the_later_node_has_a_slow_clock() {
    let storage = Arc::new(MemoryStorage::default());
    let state = StateStore::new(storage.clone());
    for (reason, millis) in [(Reason::Failed, 100), (Reason::Timeout, 200), (Reason::Fatal, 50), (Reason::Fatal, 50)] {
        let key = state.keep_letter(&letter("t-1", reason, millis)).await.expect("kept");
        assert_eq!(keys(&storage).await, [key], "{reason} at {millis}");
        assert_eq!(reasons(&state).await, [("t-1".to_owned(), reason)]);
    }
    state.keep_letter(&of_run(RunId::new(6, 0), "t-1", Reason::Failed, 1)).await.expect("kept");
    assert_eq!(keys(&storage).await.len(), 2, "another run has a letter of its own");
    assert!(state.letter(&letter("t-1", Reason::Failed, 100).key()).await.expect("read").is_some(), "it was replaced");
}

/// A state in which another node keeps a letter at the worst moment.
#[derive(Debug)]
struct Met {
    within: Arc<MemoryStorage>,
    before_store: Mutex<Option<DeadLetter>>,
    before_open: Mutex<Option<DeadLetter>>,
}

impl Met {
    fn state(within: &Arc<MemoryStorage>, store: Option<DeadLetter>, open: Option<DeadLetter>) -> StateStore {
        let (before_store, before_open) = (Mutex::new(store), Mutex::new(open));
        StateStore::new(Arc::new(Wrapped(Met { within: within.clone(), before_store, before_open })))
    }

    async fn other(&self, of: &Mutex<Option<DeadLetter>>) -> Result<(), StorageError> {
        let other = of.lock().expect("whole").take();
        if let Some(other) = other {
            StateStore::new(self.within.clone()).keep_letter(&other).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Change for Met {
    fn within(&self) -> &dyn Storage {
        &*self.within
    }
    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        if path.starts_with("dead/") {
            self.other(&self.before_open).await?;
        }
        self.within.open(path).await
    }
    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        if path.starts_with("dead/") {
            self.other(&self.before_store).await?;
        }
        self.within.store(path, content, stamp).await
    }
}

#[tokio::test]
async fn two_nodes_that_give_up_at_once_leave_one_letter_in_every_count_and_none_after_its_removal() {
    for (mine, other) in [(100, 200), (200, 100), (100, 100)] {
        let storage = Arc::new(MemoryStorage::default());
        let state = Met::state(&storage, Some(letter("t-1", Reason::Timeout, other)), None);
        state.keep_letter(&letter("t-1", Reason::Failed, mine)).await.expect("kept");
        let newest = if mine > other { Reason::Failed } else { Reason::Timeout };
        assert_eq!(reasons(&state).await, [("t-1".to_owned(), newest)], "{mine} {other}");
        let found = state.find_letters(&LetterFilter::default()).await.expect("read");
        state.remove_letter(&found[0].key, &found[0].older).await.expect("removed");
        assert!(keys(&storage).await.is_empty(), "an older one came back");
    }
}

#[tokio::test]
async fn a_letter_that_is_replaced_while_it_is_read_is_not_missed() {
    let storage = Arc::new(MemoryStorage::default());
    let state = Met::state(&storage, None, Some(letter("t-1", Reason::Timeout, 2)));
    let key = StateStore::new(storage.clone()).keep_letter(&letter("t-1", Reason::Failed, 1)).await.expect("kept");
    assert_eq!(reasons(&state).await, [("t-1".to_owned(), Reason::Timeout)]);
    assert!(!state.has(&key).await.expect("looked") && state.still_has(&key).await.expect("looked"));
    let found = state.find_letters(&LetterFilter::default()).await.expect("read");
    state.remove_letter(&found[0].key, &found[0].older).await.expect("removed");
    assert!(!state.still_has(&key).await.expect("looked"));
}

#[tokio::test]
async fn letters_of_a_former_version_are_read_found_replaced_and_removed() {
    let storage = Arc::new(MemoryStorage::default());
    let state = StateStore::new(storage.clone());
    // The digest of the stack is the same, so both are one letter.
    let former = letter("t/1", Reason::Failed, 9);
    let digest = former.key().rsplit('~').nth(2).expect("a digest").to_owned();
    let key = format!("dead/{RUN}/mel/t%2F1/{digest}.json");
    let text = serde_json::to_vec(&former).expect("JSON");
    storage.store(&key, Content::Bytes(Bytes::from(text)), None).await.expect("stored");
    put_former(&storage, "t-2", &letter("t-2", Reason::Timeout, 3)).await;
    // In the order of their names in keys.
    let all = [("t/1".to_owned(), Reason::Failed), ("t-2".to_owned(), Reason::Timeout)];
    assert_eq!(reasons(&state).await, all);
    for (filter, found) in [(with_reason(Reason::Failed), "t/1"), (of_entity("t-2"), "t-2")] {
        assert_eq!(state.letters(&filter).await.expect("read")[0].1.entity, found);
        assert_eq!(state.list_letters(&filter).await.expect("listed").len(), 1);
    }
    assert_eq!(state.letter_keys_of(RUN, &target("t/1")).await.expect("listed"), [key.as_str()]);
    state.keep_letter(&letter("t/1", Reason::Fatal, 1)).await.expect("kept");
    assert_eq!(reasons(&state).await, [("t/1".to_owned(), Reason::Fatal), all[1].clone()]);
    for found in state.find_letters(&LetterFilter::default()).await.expect("read") {
        state.remove_letter(&found.key, &found.older).await.expect("removed");
    }
    assert!(keys(&storage).await.is_empty());
}

/// A state that counts what is read of its letters.
#[derive(Debug, Default)]
struct Counting {
    within: MemoryStorage,
    opened: AtomicUsize,
}

#[async_trait]
impl Change for Counting {
    fn within(&self) -> &dyn Storage {
        &self.within
    }
    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        if path.starts_with("dead/") {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
        self.within.open(path).await
    }
}

#[tokio::test]
async fn letters_are_counted_and_accounted_for_without_being_read_and_a_reason_reads_its_own_alone() {
    let storage = Arc::new(Wrapped(Counting::default()));
    let state = StateStore::new(storage.clone());
    for n in 0..700 {
        let reason = if n % 7 == 0 { Reason::Timeout } else { Reason::Failed };
        // Long ids too: what is known of them is a hash.
        let entity = if n % 2 == 0 { format!("t-{n}") } else { format!("{n}{}", "x".repeat(200)) };
        state.keep_letter(&letter(&entity, reason, n)).await.expect("kept");
    }
    let opened = || storage.opened.swap(0, Ordering::Relaxed);
    assert_eq!(opened(), 0, "a letter was read to be written");
    let list = state.list_letters(&LetterFilter::default()).await.expect("listed");
    assert_eq!(list.iter().filter(|one| one.reason() == Reason::Timeout).count(), 100);
    assert_eq!((list.len(), opened()), (700, 0));
    let view = RunView {
        plan: Arc::new(NodePlan::new(Vec::new())),
        stores: Stores::new([]),
        state: state.clone(),
        run: RUN,
        force: Force::None,
        known: None,
        dates: None,
        standard: euterpe_actors::standard::Standard::default(),
        refresh: false,
        now: 0,
    };
    Accountant::open(view).await.expect("listed");
    assert_eq!(opened(), 0, "the account of a run read its letters");
    assert_eq!(state.letters(&with_reason(Reason::Timeout)).await.expect("read").len(), 100);
    assert_eq!(opened(), 100);
    assert_eq!(state.letters(&of_entity("t-0")).await.expect("read").len(), 1);
    assert_eq!(opened(), 1);
}

#[tokio::test]
async fn the_letters_of_an_entity_are_found_among_very_many_whichever_run_had_them() {
    let storage = Arc::new(MemoryStorage::default());
    let state = StateStore::new(storage.clone());
    // A run that another program named: it has no manifest. And one of a former version.
    let foreign = RunId::new(77, 7);
    put_former(&storage, "t-1", &of_run(RunId::new(9, 9), "t-1", Reason::Failed, 1)).await;
    for n in 0..11_000 {
        state.keep_letter(&letter(&format!("u-{n}"), Reason::Failed, 1)).await.expect("kept");
    }
    state.keep_letter(&of_run(foreign, "t-1", Reason::Failed, 1)).await.expect("kept");
    for state in [state, StateStore::new(storage.clone())] {
        let runs: Vec<RunId> =
            state.letters(&of_entity("t-1")).await.expect("read").iter().filter_map(|(_, one)| one.run).collect();
        assert_eq!(runs, [RunId::new(9, 9), foreign]);
    }
}
