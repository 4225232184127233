//! Knows which outputs exist: remembered presence, shared look-ups, one holder for each entity.

mod cache;
mod in_flight;

use std::{collections::HashMap, sync::Arc};

use actix::prelude::*;
use tokio::sync::oneshot;

pub use cache::{Fingerprint, Presence};
pub use in_flight::{Busy, Hold, InFlight, Turn};

use crate::storage::{ObjectInfo, ObjectKey, StorageError, Stores};

/// What a look-up finds: nothing, or what the store knows about the object. Errors are shared between all who asked.
pub type Found = Result<Option<ObjectInfo>, Arc<StorageError>>;

/// Is there an object under this key, now? Answered by the store, never from memory.
///
/// Who asks while a look-up of the key is under way may share its answer only if it says "there". That look-up may
/// have read the store before an output was written about which the asker was just told: a shared "not there" would
/// lose its wake-up. So all who came meanwhile share the next look-up instead.
#[derive(Debug, Message)]
#[rtype(result = "Found")]
pub struct LookUp(pub ObjectKey);

/// One for each node.
pub struct Dedupe {
    stores: Stores,
    /// Who waits for a look-up of a key: those whom the one under way answers, and those who came later.
    asking: HashMap<ObjectKey, Line>,
}

#[derive(Default)]
struct Line {
    now: Vec<oneshot::Sender<Found>>,
    next: Vec<oneshot::Sender<Found>>,
}

impl Dedupe {
    /// Looks into these stores.
    pub fn new(stores: Stores) -> Self {
        Self { stores, asking: HashMap::new() }
    }

    fn look(&self, key: ObjectKey, ctx: &mut Context<Self>) {
        let store = self.stores.get(&key.store).clone();
        let path = key.path.clone();
        let looking = async move { store.look(&path).await };
        ctx.spawn(
            looking.into_actor(self).map(move |found, dedupe, ctx| dedupe.answer(key, found.map_err(Arc::new), ctx)),
        );
    }

    fn answer(&mut self, key: ObjectKey, found: Found, ctx: &mut Context<Self>) {
        let Some(mut line) = self.asking.remove(&key) else { return };
        let absent = matches!(found, Ok(None));
        for asker in line.now.drain(..) {
            tell(asker, found.clone());
        }
        if absent && !line.next.is_empty() {
            line.now = std::mem::take(&mut line.next);
            self.asking.insert(key.clone(), line);
            self.look(key, ctx);
        } else {
            line.next.into_iter().for_each(|asker| tell(asker, found.clone()));
        }
    }
}

fn tell(asker: oneshot::Sender<Found>, found: Found) {
    // An asker that is gone was drained or died; its message went back to the queue and will ask again.
    asker.send(found).unwrap_or_default();
}

impl Actor for Dedupe {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(256);
    }
}

impl Handler<LookUp> for Dedupe {
    type Result = ResponseFuture<Found>;

    fn handle(&mut self, LookUp(key): LookUp, ctx: &mut Self::Context) -> Self::Result {
        let (asker, answer) = oneshot::channel();
        match self.asking.get_mut(&key) {
            Some(line) => line.next.push(asker),
            None => {
                self.asking.insert(key.clone(), Line { now: vec![asker], next: Vec::new() });
                self.look(key.clone(), ctx);
            }
        }
        Box::pin(async move {
            answer.await.unwrap_or_else(|_| {
                let gone = "the look-up was dropped";
                let kind = crate::storage::StorageErrorKind::Unavailable;
                Err(Arc::new(StorageError::new(kind, "look up", &*key.path, gone)))
            })
        })
    }
}
