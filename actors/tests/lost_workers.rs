//! A worker that panics while it has a try in hand: the try is told to be over, and another worker brings the message to its
//! end.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Event, Observer};
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target};
use euterpe_actors::node::Node;
use euterpe_actors::plan::NodePlan;
use euterpe_actors::pool::Drain;
use euterpe_actors::storage::memory::MemoryStorage;
use euterpe_actors::storage::{Content, Stamp, Storage, StorageError, Stored, Stores};
use euterpe_actors::transform::{Product, inline};
use euterpe_actors::wire;
use support::wrapped::{Change, Wrapped};

/// A store whose first write panics.
#[derive(Debug, Default)]
struct Panicking {
    within: MemoryStorage,
    panicked: AtomicBool,
}

#[async_trait]
impl Change for Panicking {
    fn within(&self) -> &dyn Storage {
        &self.within
    }
    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        assert!(self.panicked.swap(true, Ordering::Relaxed), "a fault of the program");
        self.within.store(path, content, stamp).await
    }
}

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn on(&self, event: &Event<'_>) {
        let told = match event {
            Event::Started { job, entity, message } => format!("started {job}({entity}) {}", message.id),
            Event::Abandoned { job, entity, message } => format!("abandoned {job}({entity}) {message}"),
            Event::Handled { outcome, .. } => format!("{outcome}"),
            Event::WorkerLost { .. } => "lost".into(),
            _ => return,
        };
        self.0.lock().expect("whole").push(told);
    }
}

#[test]
fn the_try_of_a_worker_that_panics_is_told_to_be_over_before_the_message_is_taken_up_again() {
    let seen = Arc::new(Seen::default());
    let watching = seen.clone();
    actix::System::new().block_on(async move {
        tokio::time::pause();
        let job = JobName::new("mel").expect("a name");
        let transform = inline(|_| Ok(Product::bytes(&b"mel"[..])));
        let plan = Arc::new(NodePlan::new(vec![support::job("mel", &[], transform)]));
        let broker = InProcess::new([job.clone()]);
        let store = Arc::new(Wrapped(Panicking::default()));
        let stores = Stores::new([(support::store(), store as Arc<dyn Storage>)]);
        let settings = support::node(&plan, broker.clone(), stores);
        let node = Node::start(NodeSettings { observer: watching, ..settings });
        let target = Target { job: job.clone(), entity: EntityId::new("t-1").expect("an id") };
        let message = EntityMessage::new(5, RunId::new(1, 0), target, plan.digest, Base::Stop);
        let body = wire::encode(&message).expect("it fits");
        broker.publish(vec![Outgoing::now(job, body)]).await.expect("published");
        broker.settled_to(0).await;
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
    });
    let mut told = seen.0.lock().expect("whole").clone();
    let lost = told.iter().position(|told| told == "lost").expect("its pool was told");
    told.remove(lost);
    assert_eq!(told, ["started mel(t-1) 5", "abandoned mel(t-1) 5", "started mel(t-1) 5", "done"]);
}
