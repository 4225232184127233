//! Looks up objects in the stores: workers that ask for one key at the same time share one call (single flight).

use std::{collections::HashMap, sync::Arc};

use actix::prelude::*;
use tokio::sync::oneshot;

use crate::actors_thread::on_actors_thread;
use crate::storage::{ObjectInfo, ObjectKey, StorageError, Stores};

/// What a look-up finds: nothing, or what the store knows about the object. Workers that share a look-up share its error.
pub type LookUpResult = Result<Option<ObjectInfo>, Arc<StorageError>>;

/// Is there an object under this key, now? Answered by the store, never from memory.
///
/// A worker that asks while a look-up of the key is under way may share its answer only if it says "there". That look-up
/// may have read the store before an output was written, and the worker may be handling the wake-up that told of this
/// output: a shared "not there" would lose the wake-up. So all that ask meanwhile share the next look-up instead.
#[derive(Debug, Message)]
#[rtype(result = "LookUpResult")]
pub struct LookUp(pub ObjectKey);

/// One for each node.
pub struct Dedupe {
    stores: Stores,
    /// The look-ups under way.
    flights: HashMap<ObjectKey, SingleFlight>,
}

/// The askers of one key.
#[derive(Default)]
struct SingleFlight {
    /// Answered by the look-up under way.
    now: Vec<oneshot::Sender<LookUpResult>>,
    /// They asked later: answered by the look-up under way if it says "there", else by the next.
    next: Vec<oneshot::Sender<LookUpResult>>,
}

impl Dedupe {
    pub fn new(stores: Stores) -> Self {
        Self { stores, flights: HashMap::new() }
    }

    fn look(&self, key: ObjectKey, ctx: &mut Context<Self>) {
        let (stores, wanted) = (self.stores.clone(), key.clone());
        let looking = on_actors_thread(async move { stores.look(&wanted).await });
        ctx.spawn(
            looking.into_actor(self).map(move |found, dedupe, ctx| dedupe.answer(key, found.map_err(Arc::new), ctx)),
        );
    }

    fn answer(&mut self, key: ObjectKey, found: LookUpResult, ctx: &mut Context<Self>) {
        let Some(mut flight) = self.flights.remove(&key) else { return };
        let absent = matches!(found, Ok(None));
        for asker in flight.now.drain(..) {
            tell(asker, found.clone());
        }
        if absent && !flight.next.is_empty() {
            flight.now = std::mem::take(&mut flight.next);
            self.flights.insert(key.clone(), flight);
            self.look(key, ctx);
        } else {
            flight.next.into_iter().for_each(|asker| tell(asker, found.clone()));
        }
    }
}

fn tell(asker: oneshot::Sender<LookUpResult>, found: LookUpResult) {
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
    type Result = ResponseFuture<LookUpResult>;

    fn handle(&mut self, LookUp(key): LookUp, ctx: &mut Self::Context) -> Self::Result {
        let (asker, answer) = oneshot::channel();
        match self.flights.get_mut(&key) {
            Some(flight) => flight.next.push(asker),
            None => {
                self.flights.insert(key.clone(), SingleFlight { now: vec![asker], next: Vec::new() });
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
