//! What was done in a simulation: each start of a transform and what it read, and who waits for an answer.

use std::collections::BTreeMap;

use super::life::Life;
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::message::{EntityMessage, Frame, Kind, Target};
use euterpe_actors::plan::JobIx;
use euterpe_actors::wire;

/// One start of a transform.
#[derive(Debug)]
pub(super) struct Exec {
    pub(super) job: JobIx,
    pub(super) entity: EntityId,
    /// Under which run, by the word of the worker; none for what was there before the simulation.
    pub(super) run: Option<RunId>,
    /// When it began; 0 for what was there before.
    pub(super) step: u64,
    /// What it read, in the order of the job's inputs; none for what was there before.
    pub(super) inputs: Option<Vec<String>>,
    /// Whether it made its output.
    pub(super) succeeded: bool,
}

/// All that is noted while a simulation runs.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) execs: Vec<Exec>,
    /// Messages published by nodes without delay.
    pub(super) passed: u64,
    /// Transforms that ran twice at once on one node for the same entity.
    pub(super) doubled: u64,
    /// Failed tries so far of each planted fault.
    pub(super) failures: BTreeMap<(JobIx, EntityId), u32>,
    /// What can be said to be wrong while it happens.
    pub(super) violations: Vec<String>,
    /// Who was written into a stack, by what follows for him, and whether he was woken or told of a failure.
    waits: BTreeMap<u128, (Target, bool)>,
    /// The run under which each life last started a target.
    starting: BTreeMap<(usize, u32, Target), RunId>,
    at_work: BTreeMap<(usize, u32, Target), u32>,
}

impl Ledger {
    /// Takes note of a message that went into a queue.
    pub(super) fn published(&mut self, message: &EntityMessage, delayed: bool) {
        // A wake-up may be handed over; its waiter was written into the request that caused it.
        if let Some((top, below)) = message.frames.split_last()
            && !message.is_wake_up()
        {
            self.waits.entry(continuation(message, &top.to, below)).or_insert_with(|| (top.to.clone(), false));
        }
        if !delayed {
            self.passed += 1;
            if message.is_wake_up() || matches!(message.kind, Kind::Failed(_)) {
                let answered = (message.target.clone(), true);
                self.waits.insert(continuation(message, &message.target, &message.frames), answered);
            }
        }
    }

    /// Who asked for inputs and was never answered under that continuation.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &Target> {
        self.waits.values().filter(|(_, answered)| !answered).map(|(target, _)| target)
    }

    /// Takes note that a worker starts a try.
    pub(super) fn started(&mut self, life: &Life, run: RunId, target: Target) {
        self.starting.insert((life.node, life.number, target), run);
    }

    /// Takes note that a transform begins, and names the execution.
    pub(super) fn enters(&mut self, life: &Life, job: JobIx, target: &Target, step: u64, inputs: Vec<String>) -> usize {
        let place = (life.node, life.number, target.clone());
        let run = self.starting.get(&place).copied();
        if run.is_none() {
            self.violations.push(format!("{target} was worked on without a word that it starts"));
        }
        let here = self.at_work.entry(place).or_default();
        *here += 1;
        self.doubled += u64::from(*here > 1);
        let entity = target.entity.clone();
        self.execs.push(Exec { job, entity, run, step, inputs: Some(inputs), succeeded: false });
        self.execs.len() - 1
    }

    /// Takes note that it ended there, however it did.
    pub(super) fn leaves(&mut self, life: &Life, target: &Target) {
        if let Some(here) = self.at_work.get_mut(&(life.node, life.number, target.clone())) {
            *here -= 1;
        }
    }

    /// The execution that a content names.
    pub(super) fn exec_of(&self, content: &str) -> Option<&Exec> {
        self.execs.get(content.strip_prefix('x')?.parse::<usize>().ok()?)
    }

    /// How often each target's transform made its output, by run.
    pub(super) fn successes(&self) -> BTreeMap<(JobIx, &EntityId), BTreeMap<RunId, u32>> {
        let mut all: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for exec in self.execs.iter().filter(|exec| exec.succeeded) {
            if let Some(run) = exec.run {
                *all.entry((exec.job, &exec.entity)).or_default().entry(run).or_default() += 1;
            }
        }
        all
    }
}

/// What follows for somebody who waits, to tell it from what follows for him in other runs and stacks.
fn continuation(message: &EntityMessage, waiter: &Target, below: &[Frame]) -> u128 {
    let mut bare = EntityMessage::new(0, message.run, waiter.clone(), message.graph, message.base.clone());
    bare.frames = below.to_vec();
    xxhash_rust::xxh3::xxh3_128(&wire::encode(&bare).expect("smaller than the message that was read"))
}
