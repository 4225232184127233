//! The one place where a simulation moves: whenever everything else waits, one thing happens, chosen by the seed.

use std::{sync::Arc, sync::PoisonError, time::Duration};

use rand::{Rng, seq::IndexedRandom};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    broker::SimTicket,
    cluster::Cluster,
    faults::{Fault, take},
    graph,
    life::Life,
    scenario::{Ask, Scenario},
    world::{Call, Fate, Port, State, World},
};
use euterpe_actors::broker::Outgoing;
use euterpe_actors::ids::JobName;
use euterpe_actors::storage::Storage;
use euterpe_actors::wire;

/// Steps after which a simulation that goes on is called endless.
const MOST_STEPS: u64 = 60_000;
/// Simulated time without any step after which it is called stuck. Longer than anybody's memory of a request.
const LONGEST_STILLNESS: Duration = Duration::from_secs(3 * 3600);

/// A simulation under way.
pub(super) struct Schedule<'s> {
    pub(super) world: Arc<World>,
    pub(super) scenario: &'s Scenario,
    pub(super) cluster: Cluster,
    /// Still to be asked, the next one last.
    pub(super) asks: Vec<Ask>,
    /// Asked, with the step at which it was.
    pub(super) asked: Vec<(u64, Ask)>,
    /// Still to go wrong, the next one last.
    pub(super) faults: Vec<Fault>,
    /// Faults that went wrong.
    pub(super) fired: u64,
    /// Whether somebody deleted an output.
    pub(super) deleted: bool,
    pub(super) start: Instant,
}

enum Next {
    Call(usize),
    Deliver(JobName),
}

impl Schedule<'_> {
    /// Goes on until nothing waits, is put off or is in hand, and nothing is left to be asked or to go wrong.
    ///
    /// # Errors
    /// Where it does not come to rest.
    pub(super) async fn run_to_quiet(&mut self) -> Result<(), String> {
        let mut last_moved = Instant::now();
        loop {
            // Under paused time a sleep ends only when everything else waits for something.
            sleep(Duration::from_millis(1)).await;
            self.settle_what_was_spent();
            self.ask_what_is_due();
            self.cluster.end_what_drained(&self.world);
            self.cluster.restart_what_is_due();
            let next = {
                let mut state = self.world.state();
                let now = Instant::now();
                state.queues.ripen(now);
                choose(&mut state, now)
            };
            match next {
                Some(next) => {
                    last_moved = Instant::now();
                    self.step(next);
                    let steps = self.world.state().step;
                    if steps > MOST_STEPS {
                        return Err(format!("no rest after {steps} steps: {}", self.in_the_way()));
                    }
                }
                None if self.is_quiet() => {
                    if self.asks.is_empty() && self.faults.is_empty() {
                        return Ok(());
                    }
                    self.ask_for_more();
                }
                None if last_moved.elapsed() > LONGEST_STILLNESS => {
                    return Err(format!("stuck: {}", self.in_the_way()));
                }
                None => self.wait_for_something().await,
            }
        }
    }

    fn step(&mut self, next: Next) {
        let faulty = {
            let mut state = self.world.state();
            state.step += 1;
            !self.faults.is_empty() && state.rng.random_ratio(1, 5)
        };
        if faulty {
            // What was chosen may be void afterwards: the next round chooses anew.
            return self.go_wrong();
        }
        let state = &mut *self.world.state();
        match next {
            Next::Call(at) => {
                let fate = match state.calls[at].port {
                    Port::Storage if take(&mut state.knobs.refusals) => Fate::Refused,
                    Port::Storage if take(&mut state.knobs.lost_answers) => Fate::Unheard,
                    Port::Publish if take(&mut state.knobs.lost_confirms) => Fate::Unheard,
                    Port::Publish if take(&mut state.knobs.refused_publishes) => Fate::Refused,
                    _ => Fate::Works,
                };
                state.finish(at, fate);
            }
            Next::Deliver(job) => {
                let world = Arc::downgrade(&self.world);
                state.deliver(&job, |number| Box::new(SimTicket { world, number }));
            }
        }
    }

    /// Acks take a while now and then; what is given back is there at once.
    fn settle_what_was_spent(&mut self) {
        let mut spent = std::mem::take(&mut *self.world.spent.lock().unwrap_or_else(PoisonError::into_inner));
        spent.sort_unstable(); // the workers of a node that drains are woken in an order that no seed decides
        let state = &mut *self.world.state();
        for (ticket, acked) in spent {
            let Some(held) = state.queues.held.get(&ticket) else { continue };
            if !acked {
                state.queues.give_back(ticket);
            } else if state.rng.random_ratio(3, 4) {
                state.queues.held.remove(&ticket);
            } else {
                let (life, name) = (held.life.clone(), format!("ack {}", held.message.number));
                let finish = Box::new(move |state: &mut State, _| drop(state.queues.held.remove(&ticket)));
                state.calls.push(Call { life, port: Port::Settle, name, due: Instant::now(), finish });
            }
        }
    }

    fn ask_what_is_due(&mut self) {
        while let Some(at) = self.asks.iter().position(|ask| self.start + ask.after <= Instant::now()) {
            let ask = self.asks.swap_remove(at);
            self.publish(ask);
        }
    }

    /// Publishes the first messages of something that somebody asks for.
    fn publish(&mut self, ask: Ask) {
        let state = &mut *self.world.state();
        state.trace.note(format_args!("{} ask {ask:?}", state.step));
        for message in self.scenario.messages(&ask, &mut state.rng) {
            let body = wire::encode(&message).expect("a first message is small");
            state.enqueue(Outgoing::now(message.target.job, body));
            state.ledger.passed -= 1; // first messages are not passed on by anybody
        }
        self.asked.push((state.step, ask));
    }

    /// All is quiet, and something is still to go wrong: somebody asks for one thing more.
    fn ask_for_more(&mut self) {
        if self.asks.is_empty() {
            let number = self.asked.len() as u64;
            let mut ask = self.scenario.draw_ask(&mut self.world.state().rng, number);
            ask.ping = false;
            ask.force = euterpe_actors::message::Force::All;
            self.asks.push(ask);
        }
        for ask in &mut self.asks {
            ask.after = Duration::ZERO;
        }
    }

    fn is_quiet(&self) -> bool {
        let state = self.world.state();
        state.calls.is_empty() && state.queues.are_empty() && self.cluster.is_at_rest()
    }

    /// Waits until there is something to choose from, or for the next moment at which something is due.
    async fn wait_for_something(&self) {
        let next = {
            let state = self.world.state();
            let calls = state.calls.iter().map(|call| call.due);
            let delayed = state.queues.delayed.iter().map(|(due, _, _)| *due);
            let asks = self.asks.iter().map(|ask| self.start + ask.after);
            calls.chain(delayed).chain(asks).chain(self.cluster.next_restart()).min()
        };
        let until = next.unwrap_or_else(|| Instant::now() + LONGEST_STILLNESS + Duration::from_secs(1));
        tokio::select! {
            biased;
            () = self.world.stirred.notified() => {}
            () = sleep_until(until) => {}
        }
    }

    fn in_the_way(&self) -> String {
        let state = self.world.state();
        let held = state.queues.held.values().map(|held| match wire::decode(&held.message.body) {
            Ok(message) => format!(
                "{} has {} of {} with frames {:?}",
                held.life,
                message.target,
                message.run,
                message.frames.iter().map(|frame| frame.to.to_string()).collect::<Vec<_>>()
            ),
            Err(error) => error.to_string(),
        });
        let held: Vec<String> = held.take(8).collect();
        format!("{} calls, {} put off, in hand: {}", state.calls.len(), state.queues.delayed.len(), held.join("; "))
    }

    fn go_wrong(&mut self) {
        let Some(fault) = self.faults.pop() else { return };
        self.fired += 1;
        let step = self.world.state().step;
        self.world.state().trace.note(format_args!("{step} fault {fault:?}"));
        match fault {
            Fault::Crash => {
                if let Some(life) = self.some_life() {
                    self.world.state().crash(&life);
                    self.cluster.crashed(&life, &self.world);
                }
            }
            Fault::Drain => {
                if let Some(life) = self.some_life() {
                    let grace = *[0, 2, 60].choose(&mut self.world.state().rng).expect("not empty");
                    self.cluster.drain(&life, Duration::from_secs(grace), &self.world);
                }
            }
            Fault::Zombie => {
                if let Some(life) = self.some_life() {
                    self.world.state().queues.take_back(&life);
                }
            }
            Fault::Deletion => self.delete_something(),
            lasting => {
                let state = &mut *self.world.state();
                let count = state.rng.random_range(1..=3);
                match lasting {
                    Fault::Duplicates => state.knobs.duplicates += count,
                    Fault::LostConfirm => state.knobs.lost_confirms += 1,
                    Fault::RefusedPublish => state.knobs.refused_publishes += 1,
                    Fault::Refusal => state.knobs.refusals += count,
                    Fault::LostAnswer => state.knobs.lost_answers += 1,
                    Fault::Stalls => state.knobs.stalls += count,
                    _ => {
                        let stores = [graph::SOURCES, graph::OUTPUTS, graph::STATE];
                        let store = graph::store(stores.choose(&mut state.rng).expect("not empty"));
                        let span = Duration::from_millis(state.rng.random_range(10..30_000));
                        state.knobs.take_out(store, span);
                    }
                }
            }
        }
    }

    fn some_life(&self) -> Option<Life> {
        let lives = self.cluster.lives();
        lives.choose(&mut self.world.state().rng).cloned()
    }

    /// Deletes all outputs of one target that has any.
    fn delete_something(&mut self) {
        let store = &self.world.objects[&graph::store(graph::OUTPUTS)];
        let mut there = Vec::new();
        for (job, entity) in self.scenario.targets() {
            let keys = super::accounting::output_paths(&self.scenario.plan, job, entity);
            if super::stores::at_once(store.look(&keys[0])).is_ok_and(|found| found.is_some()) {
                there.push(keys);
            }
        }
        let Some(keys) = there.choose(&mut self.world.state().rng) else { return };
        self.deleted = true;
        for key in keys {
            super::stores::at_once(store.remove(key)).expect("a store in memory removes");
        }
    }
}

/// One thing that can happen now, chosen by the seed.
fn choose(state: &mut State, now: Instant) -> Option<Next> {
    let calls: Vec<usize> = (0..state.calls.len()).filter(|at| state.calls[*at].due <= now).collect();
    let deliverable = state.queues.deliverable();
    let count = calls.len() + deliverable.len();
    if count == 0 {
        return None;
    }
    let at = state.rng.random_range(0..count);
    Some(match calls.get(at) {
        Some(call) => Next::Call(*call),
        None => Next::Deliver(deliverable[at - calls.len()].clone()),
    })
}

impl State {
    /// Ends a life: each of its calls takes effect, in part, or not at all, and what it had in hand goes back.
    pub(super) fn crash(&mut self, life: &Life) {
        life.end();
        let mut at = 0;
        while at < self.calls.len() {
            if self.calls[at].life != *life {
                at += 1;
            } else if self.rng.random() {
                self.finish(at, Fate::Cut);
            } else {
                drop(self.calls.swap_remove(at));
            }
        }
        self.queues.consumers.retain(|consumer| consumer.life != *life);
        self.queues.take_back(life);
    }
}
