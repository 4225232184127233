//! The world of a simulated cluster: calls under way, queues, stores and the one source of chance.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use super::{faults::Knobs, ledger::Ledger, life::Life, queues::Queues, trace::Trace};
use euterpe_actors::claims::{TTL, memory::Table};
use euterpe_actors::ids::StoreName;
use euterpe_actors::storage::memory::MemoryStorage;

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It takes effect, and the caller hears so.
    Works,
    /// It takes no effect, and the caller hears of trouble.
    Refused,
    /// It takes effect, and the caller hears of trouble.
    Unheard,
    /// The caller died in the middle: some of it takes effect, nobody hears.
    Cut,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    /// A store.
    Storage,
    /// The broker, to publish.
    Publish,
    /// The broker, to settle.
    Settle,
    /// A transform at work.
    Transform,
}

/// What a call does to the world when it ends, and the answer to its caller.
pub(super) type Effect = Box<dyn FnOnce(&mut State, Fate) + Send>;

/// A call that was made and did not end yet.
pub(super) struct Call {
    pub(super) life: Life,
    pub(super) port: Port,
    pub(super) name: String,
    /// Not before this moment.
    pub(super) due: Instant,
    pub(super) finish: Effect,
}

/// Everything that the schedule decides about.
pub(super) struct State {
    pub(super) rng: StdRng,
    pub(super) step: u64,
    pub(super) trace: Trace,
    pub(super) calls: Vec<Call>,
    pub(super) queues: Queues,
    pub(super) knobs: Knobs,
    /// Which life works on what, as far as nodes claim.
    pub(super) claims: Table,
    pub(super) ledger: Ledger,
}

/// The world, shared by the ports of all nodes and the schedule.
pub(super) struct World {
    state: Mutex<State>,
    /// Tickets that were spent since the last step: settling never waits and may happen while the state is locked.
    pub(super) spent: Mutex<Vec<(u64, bool)>>,
    /// Something is there to be scheduled.
    pub(super) stirred: Notify,
    /// What lies in the stores: the effects of calls that ended.
    pub(super) objects: BTreeMap<StoreName, Arc<MemoryStorage>>,
}

impl World {
    /// An empty world.
    pub(super) fn new(seed: u64, aloud: bool, stores: &[&str], ledger: Ledger) -> Arc<Self> {
        let store = |name: &&str| (StoreName::new(name).expect("a plain name"), Arc::default());
        Arc::new(Self {
            state: Mutex::new(State {
                rng: StdRng::seed_from_u64(seed),
                step: 0,
                trace: Trace::new(aloud),
                calls: Vec::new(),
                queues: Queues::default(),
                knobs: Knobs::default(),
                claims: Table::new(TTL),
                ledger,
            }),
            spent: Mutex::default(),
            stirred: Notify::new(),
            objects: stores.iter().map(store).collect(),
        })
    }

    /// The state, for as long as nobody awaits.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a port: ends when and as the schedule says, and never for a life that is over.
    pub(super) async fn call<T, E>(&self, life: &Life, port: Port, name: String, effect: E) -> T
    where
        T: Send + 'static,
        E: FnOnce(&mut State, Fate) -> T + Send + 'static,
    {
        if life.is_over() {
            return pending().await;
        }
        let (reply, answer) = oneshot::channel();
        let finish = Box::new(move |state: &mut State, fate| {
            let result = effect(state, fate);
            if fate != Fate::Cut {
                reply.send(result).ok(); // a caller that gave up hears nothing
            }
        });
        {
            let mut state = self.state();
            let due = Instant::now() + state.hold_up(port);
            state.calls.push(Call { life: life.clone(), port, name, due, finish });
        }
        self.stirred.notify_one();
        match answer.await {
            Ok(result) if !life.is_over() => result,
            _ => pending().await,
        }
    }
}

impl State {
    /// How long a call takes at least.
    fn hold_up(&mut self, port: Port) -> Duration {
        if self.knobs.stalls > 0 && port != Port::Settle && self.rng.random_ratio(1, 8) {
            self.knobs.stalls -= 1;
            return Duration::from_millis(self.rng.random_range(20..40_000));
        }
        Duration::ZERO
    }

    /// Ends the call at `at` in `calls`.
    pub(super) fn finish(&mut self, at: usize, fate: Fate) {
        let call = self.calls.swap_remove(at);
        let Call { life, port, name, finish, .. } = call;
        self.trace.note(format_args!("{} {life} {port:?} {name} {fate:?}", self.step));
        finish(self, fate);
    }
}
