//! The nodes of a simulation: production actors over ports that belong to one incarnation of a node.

use std::{path::PathBuf, sync::Arc, time::Duration};

use actix::Addr;
use rand::Rng;
use tokio::{sync::oneshot, time::Instant};

use super::{
    graph, incarnation::Incarnation, scenario::Scenario, sim_broker::SimBroker, sim_claims::SimClaims,
    sim_storage::SimStorage, sim_transform, state::Port, world::World,
};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Event, Observer};
use euterpe_actors::memory::Presence;
use euterpe_actors::message::Target;
use euterpe_actors::node::Node;
use euterpe_actors::plan::JobIx;
use euterpe_actors::pool::Drain;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Storage, Stores};

/// The clocks of the nodes, in milliseconds: an hour apart, because no decision may compare them.
const CLOCKS: [fn() -> u64; 3] = [|| 36_000_000, || 32_400_000, || 39_600_000];

/// The nodes that live, and those that will again.
pub(super) struct Cluster {
    start: Box<dyn Fn(usize, u32) -> (Incarnation, Addr<Node>)>,
    alive: Vec<(Incarnation, Addr<Node>)>,
    restarts: Vec<(Instant, usize, u32)>,
    /// Told to end, each with the signal that it did.
    draining: Vec<(Incarnation, oneshot::Receiver<()>)>,
    /// Those of a former setup, each with the moment at which it ends.
    former: Vec<(Instant, Incarnation)>,
}

impl Cluster {
    /// A cluster of the scenario's nodes, all started.
    pub(super) fn start(world: &Arc<World>, scenario: &Scenario) -> Self {
        let (world, sketch, planted_faults) = (world.clone(), scenario.sketch.clone(), scenario.planted_faults.clone());
        let claims = scenario.claims;
        let start = Box::new(move |node, number| {
            let incarnation = Incarnation::new(node, number);
            let mut settings = settings(
                &world,
                &incarnation,
                |job| sim_transform::factory(&world, &incarnation, &planted_faults, job),
                &sketch,
            );
            if claims {
                settings.claims = Some(Arc::new(SimClaims { world: world.clone(), incarnation: incarnation.clone() }));
            }
            (incarnation, Node::start(settings))
        });
        let alive = (0..scenario.nodes).map(|node| start(node, 0)).collect();
        Self { start, alive, restarts: Vec::new(), draining: Vec::new(), former: Vec::new() }
    }

    /// The incarnations that are not over.
    pub(super) fn incarnations(&self) -> Vec<Incarnation> {
        self.alive.iter().map(|(incarnation, _)| incarnation.clone()).collect()
    }

    /// Takes note of a crash, and decides when the node starts again, if it does.
    pub(super) fn crashed(&mut self, incarnation: &Incarnation, world: &World) {
        self.alive.retain(|(other, _)| other != incarnation);
        let rng = &mut world.state().rng;
        let others = !self.alive.is_empty() || !self.restarts.is_empty() || !self.draining.is_empty();
        if !others || rng.random_ratio(3, 4) {
            let wait = Duration::from_millis(rng.random_range(0..5_000));
            self.restarts.push((Instant::now() + wait, incarnation.node, incarnation.number + 1));
        }
    }

    /// Starts all nodes anew, with the jobs of today: some now, some later.
    pub(super) fn deploy(&mut self, world: &World) {
        let soon = |world: &World| Instant::now() + Duration::from_millis(world.state().rng.random_range(0..3_000));
        for incarnation in self.incarnations() {
            let end = if world.state().rng.random_ratio(1, 3) { soon(world) } else { Instant::now() };
            self.former.push((end, incarnation));
        }
        self.end_former(world);
    }

    /// Starts the only node anew, with what was listed for the run that begins.
    pub(super) fn begin_as_listed(&mut self, world: &World) {
        self.former.extend(self.incarnations().into_iter().map(|incarnation| (Instant::now(), incarnation)));
        self.end_former(world);
        self.restart_what_is_due();
    }

    /// Ends the nodes of a former setup that are due, and starts them anew.
    pub(super) fn end_former(&mut self, world: &World) {
        let now = Instant::now();
        for (_, incarnation) in self.former.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>() {
            // One that crashed meanwhile has been started anew with the new setup, if at all.
            if self.alive.iter().any(|(other, _)| *other == incarnation) {
                world.state().crash(&incarnation);
                self.alive.retain(|(other, _)| *other != incarnation);
                self.restarts.push((now, incarnation.node, incarnation.number + 1));
            }
        }
    }

    /// Tells a node to end within `grace`.
    pub(super) fn drain(&mut self, incarnation: &Incarnation, grace: Duration, world: &Arc<World>) {
        let Some(at) = self.alive.iter().position(|(other, _)| other == incarnation) else { return };
        let (incarnation, node) = self.alive.swap_remove(at);
        incarnation.drain();
        let (ended, end) = oneshot::channel();
        let world = world.clone();
        actix::spawn(async move {
            match node.send(Drain { grace }).await {
                Ok(()) => ended.send(()).unwrap_or_default(),
                Err(error) => world.state().log.violations.push(format!("a node did not drain: {error}")),
            }
            world.changed.notify_one();
        });
        self.draining.push((incarnation, end));
    }

    /// Ends the processes of nodes that are drained. They may have nothing in hand but messages whose acks are on the way.
    pub(super) fn end_what_drained(&mut self, world: &World) {
        let ended: Vec<_> = self.draining.extract_if(.., |(_, end)| end.try_recv().is_ok()).collect();
        for (incarnation, _) in ended {
            {
                let state = &mut *world.state();
                let held = state.queues.unsettled.values().filter(|held| held.incarnation == incarnation).count();
                let acks = state
                    .calls
                    .iter()
                    .filter(|call| call.incarnation == incarnation && call.port == Port::Settle)
                    .count();
                if held > acks {
                    state.log.violations.push(format!("{incarnation} drained with {} messages in hand", held - acks));
                }
                state.crash(&incarnation);
            }
            self.crashed(&incarnation, world);
        }
    }

    /// Whether no node is on its way to its end or to a new start.
    pub(super) fn is_at_rest(&self) -> bool {
        self.draining.is_empty() && self.restarts.is_empty() && self.former.is_empty()
    }

    /// Starts what is to start by now.
    pub(super) fn restart_what_is_due(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self.restarts.extract_if(.., |(at, ..)| *at <= now).collect();
        self.alive.extend(due.into_iter().map(|(_, node, number)| (self.start)(node, number)));
    }

    /// When the next node ends or starts again.
    pub(super) fn next_restart(&self) -> Option<Instant> {
        self.restarts.iter().map(|(at, ..)| *at).chain(self.former.iter().map(|(at, _)| *at)).min()
    }
}

fn settings(
    world: &Arc<World>,
    incarnation: &Incarnation,
    transform: impl Fn(JobIx) -> euterpe_actors::transform::TransformFactory,
    sketch: &graph::Sketch,
) -> NodeSettings {
    let store = |name: &str| -> Arc<dyn Storage> {
        Arc::new(SimStorage::new(world.clone(), incarnation.clone(), graph::store(name)))
    };
    let recipes = world.state().versions.named_recipes();
    let plan = Arc::new(sketch.plan(transform).with_recipes(recipes.values().cloned().collect()));
    let setup = (!recipes.is_empty()).then(|| Arc::new(graph::setup(&plan, &recipes).own()));
    let listing = world.state().listing.take();
    let jobs = plan.jobs.iter().map(|job| job.name.clone()).collect();
    NodeSettings {
        plan,
        stores: Stores::new([graph::SOURCES, graph::OUTPUTS].map(|name| (graph::store(name), store(name)))),
        state: StateStore::new(store(graph::STATE)),
        broker: Arc::new(SimBroker { world: world.clone(), incarnation: incarnation.clone(), jobs }),
        claims: None,
        observer: Arc::new(SimObserver { world: world.clone(), incarnation: incarnation.clone() }),
        presence: listing.as_ref().map_or_else(|| Arc::new(Presence::up_to(10_000)), |listed| listed.presence.clone()),
        setup,
        name: incarnation.to_string().into(),
        salt: (incarnation.node as u64) << 32 | u64::from(incarnation.number),
        scratch: PathBuf::from("/nonexistent"), // no transform of a simulation asks for a folder
        slots: sketch.slots(),
        served: None,
        isolate: false,
        clock: CLOCKS[incarnation.node % CLOCKS.len()],
        traces: None,
        recipes: Arc::new(recipes),
        dates: listing.map(|listed| listed.dates),
    }
}

/// Writes what a node reports to the log and the trace.
struct SimObserver {
    world: Arc<World>,
    incarnation: Incarnation,
}

impl Observer for SimObserver {
    fn on(&self, event: &Event<'_>) {
        if self.incarnation.is_over() {
            return;
        }
        let state = &mut *self.world.state();
        match event {
            Event::Started { job, entity, message } => {
                let target = Target { job: (*job).clone(), entity: (*entity).clone() };
                state.log.started(&self.incarnation, message.run, target);
            }
            Event::Handled { message: Some(message), outcome, why, .. } => {
                state.log.answered(message, *outcome);
                let (step, target) = (state.step, &message.target);
                state
                    .trace
                    .note(format_args!("{step} {} {target} of {}: {outcome} {why:?}", self.incarnation, message.run));
            }
            // It is left to nodes that mean the same by it.
            Event::Handled { message: None, .. } if state.versions.are_many() => {}
            Event::Handled { job, message: None, outcome, .. } => {
                state.log.violations.push(format!("{job} could not read a message: {outcome}"));
            }
            Event::Awaited { message, took, .. } => {
                state.log.awaited(&self.incarnation, message, *took);
            }
            Event::WorkerLost { job, slot, .. } => {
                state.log.violations.push(format!("worker {slot} of {job} on {} ended", self.incarnation));
            }
            Event::WorkerFailed { job, text } => {
                state.log.violations.push(format!("a worker of {job} on {} did not start: {text}", self.incarnation));
            }
            Event::OtherSetup { job, text } => {
                if !state.versions.are_many() {
                    let text = format!("all nodes mean the same, yet {job} on {}: {text}", self.incarnation);
                    state.log.violations.push(text);
                }
            }
            Event::Published { .. }
            | Event::Abandoned { .. }
            | Event::Worked { .. }
            | Event::LeftToOthers { .. }
            | Event::ClaimLost { .. }
            | Event::Stalled { .. }
            | Event::Recovered { .. }
            | Event::PoolPaused { .. }
            | Event::PoolResumed { .. }
            | Event::Traced { .. }
            | Event::Unconfirmed { .. } => {}
        }
    }
}
