//! A source that is replaced between runs, or while it is read: what a node makes of it, and the wrong variants that do not see
//! it.

use std::collections::HashMap;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use bytes::Bytes;
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::Unobserved;
use euterpe_actors::ids::{EntityId, JobName, RunId, StoreName};
use euterpe_actors::memory::Presence;
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::mutants::{Mutant, with};
use euterpe_actors::node::Node;
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::pool::Drain;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::memory::MemoryStorage;
use euterpe_actors::storage::{Content, Storage, Stores};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, TransformFactory, Work, inline};
use euterpe_actors::wire;
use futures::FutureExt;

/// What comes of two jobs in a row, `a` of a source and `b` of that.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// How often each was done.
    done: [usize; 2],
    /// What `b` made in the end.
    made: String,
}

fn store() -> StoreName {
    StoreName::new("s").expect("a name")
}

fn put(storage: &MemoryStorage, path: &str, text: &str) {
    let content = Content::Bytes(Bytes::from(text.to_owned()));
    storage.store(path, content, None).now_or_never().expect("at once").expect("stored");
}

/// Runs twice. The source is replaced by this text before the second run; while `a` first reads it, this path gets this text.
fn run(between: Option<&'static str>, while_read: Option<(&'static str, &'static str)>) -> End {
    actix::System::new().block_on(async move {
        tokio::time::pause();
        let storage = Arc::new(MemoryStorage::default());
        put(&storage, "src/t.txt", "old");
        let done = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let transform = |at: usize| -> TransformFactory {
            let (done, storage) = (done[at].clone(), storage.clone());
            inline(move |work: Work| {
                let bytes = work.inputs[0].object.content.read().expect("read");
                if done.fetch_add(1, Ordering::Relaxed) == 0
                    && let (0, Some((path, text))) = (at, while_read)
                {
                    put(&storage, path, text);
                }
                let note = work.inputs.get(1).map(|note| note.object.content.read().expect("read"));
                Ok(Product::bytes([bytes, note.unwrap_or_default()].concat()))
            })
        };
        let form = EntityForm::default();
        let template = |text: &str| Template::parse_source(text, &form).expect("a template");
        let source =
            |key: &str, optional| Route::Source { store: store(), key: template(key), exts: [].into(), optional };
        let sources = vec![source("src/{id}.txt", false), source("notes/{id}.txt", true)];
        let parent = Route::Job { job: JobIx(0), output: 0, entity: Mapping::Same };
        let spec = |at: usize, from: Vec<Route>| JobSpec {
            name: ["a", "b"][at].parse().expect("a name"),
            form: form.clone(),
            inputs: (0..)
                .zip(from)
                .map(|(number, from)| InputPlan { name: format!("i{number}").parse().expect("a name"), from })
                .collect(),
            outputs: vec![OutputPlan { store: store(), key: template(["a/{id}.txt", "b/{id}.txt"][at]) }],
            transform: transform(at),
            workers: 1,
            timeout: Duration::from_secs(60),
            retry: RetryPolicy::default(),
            claim: false,
            settings: 0,
        };
        let plan = Arc::new(NodePlan::new(vec![spec(0, sources), spec(1, vec![parent])]));
        let name = |job: &str| JobName::new(job).expect("a name");
        for number in 1..=2 {
            let broker = InProcess::new([name("a"), name("b")]);
            let node = Node::start(NodeSettings {
                plan: plan.clone(),
                stores: Stores::new([(store(), storage.clone() as Arc<dyn Storage>)]),
                state: StateStore::new(Arc::new(MemoryStorage::default())),
                broker: Arc::new(broker.clone()),
                claims: None,
                observer: Arc::new(Unobserved),
                presence: Arc::new(Presence::up_to(100)),
                setup: None,
                name: "test".into(),
                salt: number,
                scratch: std::env::temp_dir(),
                slots: HashMap::new(),
                served: None,
                isolate: false,
                clock: || 0,
                traces: None,
                recipes: Arc::default(),
                dates: None,
            });
            let wave = Arc::new(Wave { id: number, origins: vec![name("a")], only: None });
            let target = Target { job: name("a"), entity: EntityId::new("t").expect("an id") };
            let message = EntityMessage::new(number, RunId::new(number, 0), target, plan.digest, Base::Down(wave));
            let body = wire::encode(&message).expect("it fits");
            broker.publish(vec![Outgoing::now(name("a"), body)]).await.expect("published");
            broker.settled_to(0).await;
            node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
            broker.close();
            if let (1, Some(text)) = (number, between) {
                put(&storage, "src/t.txt", text);
            }
        }
        let made = storage.open("b/t.txt").await.expect("made").content.read().expect("read");
        let made = String::from_utf8_lossy(&made).into_owned();
        End { done: done.map(|done| done.load(Ordering::Relaxed)), made }
    })
}

#[test]
fn what_was_made_from_a_replaced_source_is_made_anew_by_the_next_run_and_ends_where_the_same_comes_of_it() {
    let end = |done, made: &str| End { done, made: made.into() };
    assert_eq!(run(None, None), end([1, 1], "old"));
    assert_eq!(run(Some("new"), None), end([2, 2], "new"));
    assert_eq!(run(Some("old"), None), end([2, 1], "old"), "the same bytes again");
    with(Some(Mutant::TrustTheOutput), || assert_eq!(run(Some("new"), None), end([1, 1], "old")));
}

#[test]
fn what_was_made_while_a_source_was_replaced_is_thrown_away() {
    let end = |done, made: &str| End { done, made: made.into() };
    assert_eq!(run(None, Some(("src/t.txt", "new"))), end([2, 1], "new"));
    assert_eq!(run(None, Some(("notes/t.txt", " noted"))), end([2, 1], "old noted"), "an optional one comes");
    // The next run sees it, for the stamp tells what was opened; until then it passes for made from what is there.
    with(Some(Mutant::TrustTheSource), || {
        assert_eq!(run(None, Some(("src/t.txt", "new"))), end([2, 2], "new"));
    });
}
