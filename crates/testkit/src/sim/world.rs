//! The world of a simulated cluster: calls under way, queues, stores and the one source of chance.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rand::{SeedableRng, rngs::StdRng};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use super::{
    execution_log::ExecutionLog,
    faults::ArmedFaults,
    incarnation::Incarnation,
    queues::Queues,
    state::{Call, CallEnd, Port, State},
    trace::Trace,
    versions::Versions,
};
use euterpe_actors::claims::{TTL, memory::LeaseTable};
use euterpe_actors::ids::StoreName;
use euterpe_actors::storage::memory::MemoryStorage;

/// The world, shared by the ports of all nodes and the schedule.
pub(super) struct World {
    state: Mutex<State>,
    /// Tickets that were settled since the last step: settling never waits and may happen while the state is locked.
    pub(super) settled: Mutex<Vec<(u64, bool)>>,
    /// Woken when there is something to schedule.
    pub(super) changed: Notify,
    /// What lies in the stores: the effects of calls that ended.
    pub(super) objects: BTreeMap<StoreName, Arc<MemoryStorage>>,
}

impl World {
    /// An empty world.
    pub(super) fn new(seed: u64, verbose: bool, stores: &[&str], log: ExecutionLog) -> Arc<Self> {
        let first = MemoryStorage::default();
        let store = |name: &&str| {
            let name = StoreName::new(name).expect("a plain name");
            (name, Arc::new(first.of_the_same_time()))
        };
        Arc::new(Self {
            state: Mutex::new(State {
                rng: StdRng::seed_from_u64(seed),
                step: 0,
                trace: Trace::new(verbose),
                calls: Vec::new(),
                queues: Queues::default(),
                armed: ArmedFaults::default(),
                claims: LeaseTable::new(TTL),
                log,
                versions: Versions::default(),
                listing: None,
            }),
            settled: Mutex::default(),
            changed: Notify::new(),
            objects: stores.iter().map(store).collect(),
        })
    }

    /// The state. The guard must not be held over an await.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a port: ends when and as the schedule says, and never for a incarnation that is over.
    pub(super) async fn call<T, E>(&self, incarnation: &Incarnation, port: Port, name: String, effect: E) -> T
    where
        T: Send + 'static,
        E: FnOnce(&mut State, CallEnd) -> T + Send + 'static,
    {
        if incarnation.is_over() {
            return pending().await;
        }
        let (reply, answer) = oneshot::channel();
        let finish = Box::new(move |state: &mut State, end| {
            let result = effect(state, end);
            if end != CallEnd::CutShort {
                reply.send(result).ok(); // a caller that gave up hears nothing
            }
        });
        {
            let mut state = self.state();
            let due = Instant::now() + state.stall(port);
            state.calls.push(Call { incarnation: incarnation.clone(), port, name, due, finish });
        }
        self.changed.notify_one();
        match answer.await {
            Ok(result) if !incarnation.is_over() => result,
            _ => pending().await,
        }
    }
}
