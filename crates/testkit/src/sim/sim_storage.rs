//! Stores as a simulated node sees them: each call takes effect when the schedule ends it.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures::FutureExt;

use super::{
    incarnation::Incarnation,
    state::{CallEnd, Port, State},
    world::World,
};
use euterpe_actors::ids::StoreName;
use euterpe_actors::storage::{
    Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, StorageErrorKind, Stored, memory::MemoryStorage,
};

/// One store, seen from one incarnation of a node.
pub(super) struct SimStorage {
    world: Arc<World>,
    incarnation: Incarnation,
    name: StoreName,
}

impl SimStorage {
    pub(super) fn new(world: Arc<World>, incarnation: Incarnation, name: StoreName) -> Self {
        Self { world, incarnation, name }
    }

    async fn call<T, E>(&self, action: &'static str, path: &str, effect: E) -> Result<T, StorageError>
    where
        T: Send + 'static,
        E: FnOnce(&MemoryStorage, &str) -> Result<T, StorageError> + Send + 'static,
    {
        let (world, store, owned) = (self.world.clone(), self.name.clone(), path.to_owned());
        let name = format!("{action} {store}:{path}");
        self.world
            .call(&self.incarnation, Port::Storage, name, move |state: &mut State, end| {
                let trouble =
                    |text| Err(StorageError::new(StorageErrorKind::Unavailable, action, owned.as_str(), text));
                let out = state.armed.is_out(&store);
                if end == CallEnd::Refused || (out && end != CallEnd::CutShort) {
                    return trouble("503 slow down");
                }
                let result = effect(&world.objects[&store], &owned);
                if end == CallEnd::AnswerLost { trouble("connection reset") } else { result }
            })
            .await
    }
}

/// The result of a call on a store in memory, which never waits.
pub(super) fn at_once<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("a store in memory answers at once")
}

#[async_trait]
impl Storage for SimStorage {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.call("look", path, |store, path| at_once(store.look(path))).await
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        self.call("open", path, |store, path| at_once(store.open(path))).await
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        self.call("store", path, |store, path| at_once(store.store(path, content, stamp))).await
    }

    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.call("remove", path, |store, path| at_once(store.remove(path))).await
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        let pages = self
            .call("list", prefix, |store, prefix| {
                let mut pages: Vec<Page> = Vec::new();
                at_once(store.list(prefix, &mut |page| {
                    pages.push(page.clone());
                    true
                }))?;
                Ok(pages)
            })
            .await?;
        for listed in &pages {
            if !page(listed) {
                break;
            }
        }
        Ok(())
    }

    fn place(&self) -> String {
        format!("simulated:{}", self.name)
    }
}

impl fmt::Debug for SimStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimStorage({} of {})", self.name, self.incarnation)
    }
}
