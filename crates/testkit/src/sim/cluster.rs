//! The nodes of a simulation: production actors over ports that belong to one life of a node.

use std::{path::PathBuf, sync::Arc, time::Duration};

use actix::Addr;
use rand::Rng;
use tokio::{sync::oneshot, time::Instant};

use super::{
    broker::SimBroker,
    claims::SimClaims,
    graph,
    life::Life,
    scenario::Scenario,
    stores::SimStorage,
    work,
    world::{Port, World},
};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::dedupe::Presence;
use euterpe_actors::events::{Event, Observer};
use euterpe_actors::message::Target;
use euterpe_actors::node::Node;
use euterpe_actors::plan::JobIx;
use euterpe_actors::pool::Drain;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Storage, Stores};

/// What the clocks of nodes say, in milliseconds: an hour apart, for no decision may rest on them.
const CLOCKS: [fn() -> u64; 3] = [|| 36_000_000, || 32_400_000, || 39_600_000];

/// The nodes that live, and those that will again.
pub(super) struct Cluster {
    start: Box<dyn Fn(usize, u32) -> (Life, Addr<Node>)>,
    alive: Vec<(Life, Addr<Node>)>,
    restarts: Vec<(Instant, usize, u32)>,
    /// Told to end, and who says that they did.
    draining: Vec<(Life, oneshot::Receiver<()>)>,
}

impl Cluster {
    /// A cluster of the scenario's nodes, all started.
    pub(super) fn start(world: &Arc<World>, scenario: &Scenario) -> Self {
        let (world, sketch, plants) = (world.clone(), scenario.sketch.clone(), scenario.plants.clone());
        let claims = scenario.claims;
        let start = Box::new(move |node, number| {
            let life = Life::new(node, number);
            let mut settings = settings(&world, &life, |job| work::factory(&world, &life, &plants, job), &sketch);
            if claims {
                settings.claims = Some(Arc::new(SimClaims { world: world.clone(), life: life.clone() }));
            }
            (life, Node::start(settings))
        });
        let alive = (0..scenario.nodes).map(|node| start(node, 0)).collect();
        Self { start, alive, restarts: Vec::new(), draining: Vec::new() }
    }

    /// The lives that are not over.
    pub(super) fn lives(&self) -> Vec<Life> {
        self.alive.iter().map(|(life, _)| life.clone()).collect()
    }

    /// Takes note of a crash, and decides when the node starts again, if it does.
    pub(super) fn crashed(&mut self, life: &Life, world: &World) {
        self.alive.retain(|(other, _)| other != life);
        let rng = &mut world.state().rng;
        let others = !self.alive.is_empty() || !self.restarts.is_empty() || !self.draining.is_empty();
        if !others || rng.random_ratio(3, 4) {
            let wait = Duration::from_millis(rng.random_range(0..5_000));
            self.restarts.push((Instant::now() + wait, life.node, life.number + 1));
        }
    }

    /// Tells a node to end within `grace`.
    pub(super) fn drain(&mut self, life: &Life, grace: Duration, world: &Arc<World>) {
        let Some(at) = self.alive.iter().position(|(other, _)| other == life) else { return };
        let (life, node) = self.alive.swap_remove(at);
        let (ended, end) = oneshot::channel();
        let world = world.clone();
        actix::spawn(async move {
            match node.send(Drain { grace }).await {
                Ok(()) => ended.send(()).unwrap_or_default(),
                Err(error) => world.state().ledger.violations.push(format!("a node did not drain: {error}")),
            }
            world.stirred.notify_one();
        });
        self.draining.push((life, end));
    }

    /// The processes of nodes that drained exit; nothing may be in their hands but acks on their way.
    pub(super) fn end_what_drained(&mut self, world: &World) {
        let ended: Vec<_> = self.draining.extract_if(.., |(_, end)| end.try_recv().is_ok()).collect();
        for (life, _) in ended {
            {
                let state = &mut *world.state();
                let held = state.queues.held.values().filter(|held| held.life == life).count();
                let acks = state.calls.iter().filter(|call| call.life == life && call.port == Port::Settle).count();
                if held > acks {
                    state.ledger.violations.push(format!("{life} drained with {} messages in hand", held - acks));
                }
                state.crash(&life);
            }
            self.crashed(&life, world);
        }
    }

    /// Whether no node is on its way to its end or to a new start.
    pub(super) fn is_at_rest(&self) -> bool {
        self.draining.is_empty() && self.restarts.is_empty()
    }

    /// Starts what is to start by now.
    pub(super) fn restart_what_is_due(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self.restarts.extract_if(.., |(at, ..)| *at <= now).collect();
        self.alive.extend(due.into_iter().map(|(_, node, number)| (self.start)(node, number)));
    }

    /// When the next node starts again.
    pub(super) fn next_restart(&self) -> Option<Instant> {
        self.restarts.iter().map(|(at, ..)| *at).min()
    }
}

fn settings(
    world: &Arc<World>,
    life: &Life,
    transform: impl Fn(JobIx) -> euterpe_actors::transform::TransformFactory,
    sketch: &graph::Sketch,
) -> NodeSettings {
    let store =
        |name: &str| -> Arc<dyn Storage> { Arc::new(SimStorage::new(world.clone(), life.clone(), graph::store(name))) };
    let plan = Arc::new(sketch.plan(transform));
    let jobs = plan.jobs.iter().map(|job| job.name.clone()).collect();
    NodeSettings {
        plan,
        stores: Stores::new([graph::SOURCES, graph::OUTPUTS].map(|name| (graph::store(name), store(name)))),
        state: StateStore::new(store(graph::STATE)),
        broker: Arc::new(SimBroker { world: world.clone(), life: life.clone(), jobs }),
        claims: None,
        observer: Arc::new(Watcher { world: world.clone(), life: life.clone() }),
        presence: Arc::new(Presence::up_to(10_000)),
        name: life.to_string().into(),
        salt: (life.node as u64) << 32 | u64::from(life.number),
        scratch: PathBuf::from("/nonexistent"), // no transform of a simulation asks for a folder
        slots: sketch.turns(),
        served: None,
        isolate: false,
        clock: CLOCKS[life.node % CLOCKS.len()],
    }
}

/// Writes down what a node says.
struct Watcher {
    world: Arc<World>,
    life: Life,
}

impl Observer for Watcher {
    fn on(&self, event: &Event<'_>) {
        if self.life.is_over() {
            return;
        }
        let state = &mut *self.world.state();
        match event {
            Event::Started { job, entity, message } => {
                let target = Target { job: (*job).clone(), entity: (*entity).clone() };
                state.ledger.started(&self.life, message.run, target);
            }
            Event::Handled { message: Some(message), outcome, why, .. } => {
                let (step, target) = (state.step, &message.target);
                state.trace.note(format_args!("{step} {} {target} of {}: {outcome} {why:?}", self.life, message.run));
            }
            Event::Handled { job, message: None, outcome, .. } => {
                state.ledger.violations.push(format!("{job} could not read a message: {outcome}"));
            }
            Event::WorkerLost { job, slot, .. } => {
                state.ledger.violations.push(format!("worker {slot} of {job} on {} ended", self.life));
            }
            Event::WorkerFailed { job, text } => {
                state.ledger.violations.push(format!("a worker of {job} on {} did not start: {text}", self.life));
            }
            Event::Published { .. } | Event::Stalled { .. } | Event::Recovered { .. } | Event::Unconfirmed { .. } => {}
        }
    }
}
