//! The one place where a simulation moves: whenever everything else waits, one thing happens, chosen by the seed.

use std::{sync::Arc, sync::PoisonError, time::Duration};

use rand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    cluster::Cluster,
    faults::{InjectedFault, take},
    injection::inject,
    scenario::{Scenario, Submission},
    sim_broker::SimTicket,
    state::{Call, CallEnd, Port, State},
    world::World,
};
use euterpe_actors::broker::Outgoing;
use euterpe_actors::ids::JobName;
use euterpe_actors::wire;

/// Steps after which a simulation that goes on is called endless.
const MOST_STEPS: u64 = 60_000;
/// Simulated time without any step after which a simulation is called stuck. Longer than any node remembers a request.
const LONGEST_STILLNESS: Duration = Duration::from_secs(3 * 3600);

/// A simulation under way.
pub(super) struct Schedule<'s> {
    pub(super) world: Arc<World>,
    pub(super) scenario: &'s Scenario,
    pub(super) cluster: Cluster,
    /// Still to be submitted, the next one last.
    pub(super) submissions: Vec<Submission>,
    /// Submitted, with the step at which each was.
    pub(super) submitted: Vec<(u64, Submission)>,
    /// Still to go wrong, the next one last.
    pub(super) faults: Vec<InjectedFault>,
    /// Faults that went wrong.
    pub(super) injected: u64,
    /// Whether somebody deleted an output.
    pub(super) deleted: bool,
    pub(super) start: Instant,
}

enum Next {
    Call(usize),
    Deliver(JobName),
}

impl Schedule<'_> {
    /// Goes on until nothing waits, is put off or is in hand, and nothing is left to be submitted or to go wrong.
    ///
    /// # Errors
    /// Where it does not come to rest.
    pub(super) async fn run_to_quiet(&mut self) -> Result<(), String> {
        let mut last_moved = Instant::now();
        loop {
            // Under paused time a sleep ends only when everything else waits for something.
            sleep(Duration::from_millis(1)).await;
            self.apply_settlements();
            self.submit_what_is_due();
            self.cluster.end_what_drained(&self.world);
            self.cluster.end_former(&self.world);
            self.cluster.restart_what_is_due();
            let next = {
                let mut state = self.world.state();
                let now = Instant::now();
                state.queues.release_due(now);
                choose(&mut state, now)
            };
            match next {
                Some(next) => {
                    last_moved = Instant::now();
                    self.step(next);
                    let steps = self.world.state().step;
                    if steps > MOST_STEPS {
                        return Err(format!("no rest after {steps} steps: {}", self.what_is_open()));
                    }
                }
                None if self.is_quiet() => {
                    if self.scenario.is_changing {
                        self.faults.clear(); // nothing is left for them to strike
                    }
                    if self.submissions.is_empty() && self.faults.is_empty() {
                        return Ok(());
                    }
                    self.submit_more();
                }
                None if last_moved.elapsed() > LONGEST_STILLNESS => {
                    return Err(format!("stuck: {}", self.what_is_open()));
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
            return self.inject_next();
        }
        let state = &mut *self.world.state();
        match next {
            Next::Call(at) => {
                let end = match state.calls[at].port {
                    Port::Storage if take(&mut state.armed.refusals) => CallEnd::Refused,
                    Port::Storage if take(&mut state.armed.lost_answers) => CallEnd::AnswerLost,
                    Port::Publish if take(&mut state.armed.lost_confirms) => CallEnd::AnswerLost,
                    Port::Publish if take(&mut state.armed.refused_publishes) => CallEnd::Refused,
                    _ => CallEnd::Succeeds,
                };
                state.finish(at, end);
            }
            Next::Deliver(job) => {
                let world = Arc::downgrade(&self.world);
                state.deliver(&job, |number| Box::new(SimTicket { world, number }));
            }
        }
    }

    /// Lets the next fault happen.
    fn inject_next(&mut self) {
        let Some(fault) = self.faults.pop() else { return };
        self.injected += 1;
        let step = self.world.state().step;
        self.world.state().trace.note(format_args!("{step} fault {fault:?}"));
        self.deleted |= inject(fault, &self.world, &mut self.cluster, self.scenario);
    }

    /// Applies what nodes settled since the last step. Some acks take a while; what is given back is there at once.
    fn apply_settlements(&mut self) {
        let mut settled = std::mem::take(&mut *self.world.settled.lock().unwrap_or_else(PoisonError::into_inner));
        settled.sort_unstable(); // the workers of a node that drains are woken in an order that no seed decides
        let state = &mut *self.world.state();
        for (ticket, acked) in settled {
            let Some(held) = state.queues.unsettled.get(&ticket) else { continue };
            if !acked {
                state.queues.give_back(ticket);
            } else if state.rng.random_ratio(3, 4) {
                state.queues.unsettled.remove(&ticket);
            } else {
                let (incarnation, name) = (held.incarnation.clone(), format!("ack {}", held.message.number));
                let finish = Box::new(move |state: &mut State, _| drop(state.queues.unsettled.remove(&ticket)));
                state.calls.push(Call { incarnation, port: Port::Settle, name, due: Instant::now(), finish });
            }
        }
    }

    fn submit_what_is_due(&mut self) {
        while let Some(at) =
            self.submissions.iter().position(|submission| self.start + submission.after <= Instant::now())
        {
            let submission = self.submissions.swap_remove(at);
            self.publish(submission);
        }
    }

    /// Publishes the first messages of a submission.
    fn publish(&mut self, submission: Submission) {
        let state = &mut *self.world.state();
        state.trace.note(format_args!("{} submit {submission:?}", state.step));
        for message in self.scenario.messages(&submission, &mut state.rng) {
            let body = wire::encode(&message).expect("a first message is small");
            state.enqueue(Outgoing::now(message.target.job, body));
            state.log.passed -= 1; // first messages are not passed on by anybody
        }
        self.submitted.push((state.step, submission));
    }

    /// All is quiet and faults are left: submits one thing more.
    fn submit_more(&mut self) {
        if self.submissions.is_empty() {
            let number = self.submitted.len() as u64;
            let mut submission = self.scenario.draw_submission(&mut self.world.state().rng, number);
            submission.ping = false;
            submission.force = euterpe_actors::message::Force::All;
            self.submissions.push(submission);
        }
        for submission in &mut self.submissions {
            submission.after = Duration::ZERO;
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
            let submissions = self.submissions.iter().map(|submission| self.start + submission.after);
            calls.chain(delayed).chain(submissions).chain(self.cluster.next_restart()).min()
        };
        let until = next.unwrap_or_else(|| Instant::now() + LONGEST_STILLNESS + Duration::from_secs(1));
        tokio::select! {
            biased;
            () = self.world.changed.notified() => {}
            () = sleep_until(until) => {}
        }
    }

    fn what_is_open(&self) -> String {
        let state = self.world.state();
        let held = state.queues.unsettled.values().map(|held| match wire::decode(&held.message.body) {
            Ok(message) => format!(
                "{} has {} of {} with frames {:?}",
                held.incarnation,
                message.target,
                message.run,
                message.frames.iter().map(|frame| frame.to.to_string()).collect::<Vec<_>>()
            ),
            Err(error) => error.to_string(),
        });
        let held: Vec<String> = held.take(8).collect();
        format!("{} calls, {} put off, in hand: {}", state.calls.len(), state.queues.delayed.len(), held.join("; "))
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
