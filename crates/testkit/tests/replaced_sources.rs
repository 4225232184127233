//! A source that is replaced between runs, or while it is read: what a node makes of it, and the wrong variants that do not see
//! it.

#[path = "../../../actors/tests/support/mod.rs"]
mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::mutants::{Mutant, with};
use euterpe_actors::node::Node;
use euterpe_actors::plan::{InputPlan, JobSpec, NodePlan, OutputPlan, Route};
use euterpe_actors::pool::Drain;
use euterpe_actors::storage::memory::MemoryStorage;
use euterpe_actors::storage::{Content, ObjectInfo, Storage, StorageError, StorageErrorKind, Stores};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, TransformFactory, Work, inline};
use euterpe_actors::wire;
use futures::FutureExt;
use support::wrapped::{Change, Wrapped};
use tokio::time::Instant;

/// What comes of two jobs in a row, `a` of a source and `b` of that.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// How often each was done.
    done: [usize; 2],
    /// What `b` made in the end.
    made: String,
}

/// A store that cannot be looked into until a moment.
#[derive(Debug, Default)]
struct Shaky {
    within: MemoryStorage,
    until: Mutex<Option<Instant>>,
}

#[async_trait]
impl Change for Shaky {
    fn within(&self) -> &dyn Storage {
        &self.within
    }
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        if self.until.lock().expect("whole").is_some_and(|until| Instant::now() < until) {
            return Err(StorageError::new(StorageErrorKind::Unavailable, "look for", path, "no answer"));
        }
        self.within.look(path).await
    }
}

/// What happens while `a` first reads its source.
#[derive(Clone, Copy)]
enum Meanwhile {
    /// This path gets this text.
    Put(&'static str, &'static str),
    /// The store gets into trouble for 130 seconds.
    Trouble,
}

fn put(storage: &MemoryStorage, path: &str, text: &str) {
    let content = Content::Bytes(Bytes::from(text.to_owned()));
    storage.store(path, content, None).now_or_never().expect("at once").expect("stored");
}

/// Runs twice. The source is replaced by this text before the second run.
fn run(between: Option<&'static str>, while_read: Option<Meanwhile>) -> End {
    actix::System::new().block_on(async move {
        tokio::time::pause();
        let storage = Arc::new(Wrapped(Shaky::default()));
        put(&storage.within, "src/t.txt", "old");
        let done = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let transform = |at: usize| -> TransformFactory {
            let (done, storage) = (done[at].clone(), storage.clone());
            inline(move |work: Work| {
                let bytes = work.inputs[0].object.content.read().expect("read");
                let first = done.fetch_add(1, Ordering::Relaxed) == 0 && at == 0;
                match while_read.filter(|_| first) {
                    Some(Meanwhile::Put(path, text)) => put(&storage.within, path, text),
                    Some(Meanwhile::Trouble) => {
                        *storage.until.lock().expect("whole") = Some(Instant::now() + Duration::from_secs(130));
                    }
                    None => {}
                }
                let note = work.inputs.get(1).map(|note| note.object.content.read().expect("read"));
                Ok(Product::bytes([bytes, note.unwrap_or_default()].concat()))
            })
        };
        let form = EntityForm::default();
        let template = |text: &str| Template::parse_source(text, &form).expect("a template");
        let source = |number: usize, key: &str, optional| InputPlan {
            name: format!("i{number}").parse().expect("a name"),
            from: Route::Source { store: support::store(), key: template(key), exts: [].into(), optional },
        };
        let spec = |job: &str, parents: &[usize], at: usize| JobSpec {
            outputs: vec![OutputPlan { store: support::store(), key: template(&format!("{job}/{{id}}.txt")) }],
            workers: 1,
            claim: false,
            ..support::job(job, parents, transform(at))
        };
        let sources = vec![source(0, "src/{id}.txt", false), source(1, "notes/{id}.txt", true)];
        let plan = Arc::new(NodePlan::new(vec![JobSpec { inputs: sources, ..spec("a", &[], 0) }, spec("b", &[0], 1)]));
        let name = |job: &str| JobName::new(job).expect("a name");
        for number in 1..=2 {
            let broker = InProcess::new([name("a"), name("b")]);
            let stores = Stores::new([(support::store(), storage.clone() as Arc<dyn Storage>)]);
            let node = Node::start(NodeSettings { salt: number, ..support::node(&plan, broker.clone(), stores) });
            let wave = Arc::new(Wave { id: number, origins: vec![name("a")], only: None });
            let target = Target { job: name("a"), entity: EntityId::new("t").expect("an id") };
            let message = EntityMessage::new(number, RunId::new(number, 0), target, plan.digest, Base::Down(wave));
            let body = wire::encode(&message).expect("it fits");
            broker.publish(vec![Outgoing::now(name("a"), body)]).await.expect("published");
            broker.settled_to(0).await;
            node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
            broker.close();
            if let (1, Some(text)) = (number, between) {
                put(&storage.within, "src/t.txt", text);
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
    assert_eq!(run(None, Some(Meanwhile::Put("src/t.txt", "new"))), end([2, 1], "new"));
    assert_eq!(
        run(None, Some(Meanwhile::Put("notes/t.txt", " noted"))),
        end([2, 1], "old noted"),
        "an optional one comes"
    );
    // The next run sees it, for the stamp tells what was opened; until then it passes for made from what is there.
    with(Some(Mutant::TrustTheSource), || {
        assert_eq!(run(None, Some(Meanwhile::Put("src/t.txt", "new"))), end([2, 2], "new"));
    });
}

#[test]
fn what_was_made_is_kept_in_hand_while_nobody_can_tell_whether_its_source_changed() {
    assert_eq!(run(None, Some(Meanwhile::Trouble)), End { done: [1, 1], made: "old".into() });
}
