//! Logs what is done in a simulation: each start of a transform and what it read, and the targets that wait for an answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use super::incarnation::Incarnation;
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{EntityMessage, Frame, Kind, Target};
use euterpe_actors::outcome::Outcome;
use euterpe_actors::plan::JobIx;
use euterpe_actors::wire;

/// One start of a transform.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) job: JobIx,
    pub(super) entity: EntityId,
    /// The run that its worker reported; none for outputs that were there before.
    pub(super) run: Option<RunId>,
    /// The step at which it began; 0 for outputs that were there before.
    pub(super) step: u64,
    /// What it read, in the order of the job's inputs; none for outputs that were there before.
    pub(super) inputs: Option<Vec<String>>,
    /// The number of the recipe that its node had.
    pub(super) recipe: u32,
    /// Whether it made its output.
    pub(super) succeeded: bool,
}

/// All that is noted while a simulation runs.
#[derive(Default)]
pub(super) struct ExecutionLog {
    pub(super) executions: Vec<Execution>,
    /// Messages published by nodes without delay.
    pub(super) passed: u64,
    /// Transforms that ran twice at once on one node for the same entity.
    pub(super) doubled: u64,
    /// Failed tries so far of each planted fault.
    pub(super) failures: BTreeMap<(JobIx, EntityId), u32>,
    /// Violations that are seen while they happen.
    pub(super) violations: Vec<String>,
    /// The targets that wait, by continuation, and whether each was woken or told of a failure.
    waits: BTreeMap<u128, (Target, bool)>,
    /// The run under which each incarnation last started a target.
    starting: BTreeMap<(usize, u32, Target), RunId>,
    at_work: BTreeMap<(usize, u32, Target), u32>,
    /// Waits that outlasted their answer. With faults they may.
    pub(super) late: Vec<String>,
    /// When each target was answered in a run: it came to an end on some node.
    answers: BTreeMap<(RunId, Target), Vec<Instant>>,
    /// How many cores a node has for the jobs that share them, and which these are.
    shared: Option<(usize, BTreeSet<JobName>)>,
    /// Claims under which no work began yet, by incarnation.
    idle_claims: BTreeSet<(usize, u32, Target)>,
    /// Claims that were taken where no core was free. For a target that has ended already none is needed.
    pub(super) coreless: Vec<String>,
}

/// How much longer than the answer a wait may take: two seconds for the look, and what calls take in a simulation.
const SOON: Duration = Duration::from_secs(2 + 3);

impl ExecutionLog {
    /// A log of nodes that share so many cores among these jobs, if they do.
    pub(super) fn of(shared: Option<(usize, BTreeSet<JobName>)>) -> Self {
        Self { shared, ..Self::default() }
    }

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

    /// The targets that asked for inputs and were never answered under that continuation.
    pub(super) fn unanswered(&self) -> impl Iterator<Item = &Target> {
        self.waits.values().filter(|(_, answered)| !answered).map(|(target, _)| target)
    }

    /// Takes note that a target came to an end, if this outcome is one.
    pub(super) fn answered(&mut self, message: &EntityMessage, outcome: Outcome) {
        use Outcome::{Dead, Done, Exists, Skipped, UpstreamFailed};
        if matches!(outcome, Done | Exists | Skipped | UpstreamFailed | Dead) {
            self.answers.entry((message.run, message.target.clone())).or_default().push(Instant::now());
        }
    }

    /// Takes note that a message waited for an answer until now.
    pub(super) fn awaited(&mut self, incarnation: &Incarnation, message: &EntityMessage, took: Duration) {
        let now = Instant::now();
        let answers = self.answers.get(&(message.run, message.target.clone())).into_iter().flatten();
        let first = answers.copied().find(|answer| *answer >= now - took);
        if let Some(late) = first.map(|answer| now - answer).filter(|late| *late > SOON) {
            self.late.push(format!("{incarnation}: a wait for {} outlasted the answer by {late:?}", message.target));
        }
    }

    /// Takes note of a claim. Each is for a work that begins: there are no more than cores.
    pub(super) fn claimed(&mut self, incarnation: &Incarnation, target: Target) {
        let Some((cores, jobs)) = &self.shared else { return };
        if !jobs.contains(&target.job) {
            return;
        }
        let (node, number) = (incarnation.node, incarnation.number);
        let of_it = |key: &(usize, u32, Target)| (key.0, key.1) == (node, number);
        let idle = self.idle_claims.iter().filter(|key| of_it(key)).count() + 1;
        let works = self.at_work.iter().filter(|(key, here)| **here > 0 && of_it(key));
        let busy = works.filter(|(key, _)| jobs.contains(&key.2.job)).count();
        if idle + busy > *cores {
            self.coreless.push(format!("{incarnation} claimed {target} without a core for it"));
        }
        self.idle_claims.insert((node, number, target));
    }

    /// Takes note that a claim is released.
    pub(super) fn released(&mut self, incarnation: &Incarnation, target: &Target) {
        self.idle_claims.remove(&(incarnation.node, incarnation.number, target.clone()));
    }

    /// Takes note that a worker starts a try.
    pub(super) fn started(&mut self, incarnation: &Incarnation, run: RunId, target: Target) {
        self.starting.insert((incarnation.node, incarnation.number, target), run);
    }

    /// Takes note that a transform begins, and names the execution.
    pub(super) fn enters(
        &mut self,
        incarnation: &Incarnation,
        job: JobIx,
        target: &Target,
        (step, recipe): (u64, u32),
        inputs: Vec<String>,
    ) -> usize {
        let key = (incarnation.node, incarnation.number, target.clone());
        let run = self.starting.get(&key).copied();
        if run.is_none() {
            self.violations.push(format!("{target} was worked on without a word that it starts"));
        }
        if incarnation.is_draining() {
            self.violations.push(format!("{incarnation} began to work on {target} after it was told to end"));
        }
        self.idle_claims.remove(&key);
        let here = self.at_work.entry(key).or_default();
        *here += 1;
        self.doubled += u64::from(*here > 1);
        let entity = target.entity.clone();
        self.executions.push(Execution { job, entity, run, step, inputs: Some(inputs), recipe, succeeded: false });
        self.executions.len() - 1
    }

    /// Takes note that a transform ended, for whatever reason.
    pub(super) fn leaves(&mut self, incarnation: &Incarnation, target: &Target) {
        if let Some(here) = self.at_work.get_mut(&(incarnation.node, incarnation.number, target.clone())) {
            *here -= 1;
        }
    }

    /// The first execution that did the same as this one: it names what comes of a job that always makes the same.
    pub(super) fn first_alike(&self, number: usize) -> usize {
        let one = &self.executions[number];
        let is_alike = |other: &Execution| {
            (other.job, other.recipe) == (one.job, one.recipe)
                && (&other.entity, &other.inputs) == (&one.entity, &one.inputs)
        };
        self.executions.iter().position(is_alike).unwrap_or(number)
    }

    /// The execution that a content names.
    pub(super) fn execution_of(&self, content: &str) -> Option<&Execution> {
        self.executions.get(content.strip_prefix('x')?.parse::<usize>().ok()?)
    }

    /// Which executions made an output anew because what it was made from had been made anew by another run, or for the same
    /// reason. One that is repeated because its run made an input only after it had begun is none.
    fn refreshing(&self) -> Vec<bool> {
        let mut refreshing = vec![false; self.executions.len()];
        let mut last: BTreeMap<(JobIx, &EntityId), usize> = BTreeMap::new();
        for (number, execution) in self.executions.iter().enumerate().filter(|(_, execution)| execution.succeeded) {
            let Some(before) = last.insert((execution.job, &execution.entity), number) else { continue };
            let before = &self.executions[before];
            let (Some(then), Some(now)) = (&before.inputs, &execution.inputs) else { continue };
            let changed = then.iter().zip(now).filter(|(then, now)| then != now);
            refreshing[number] = changed.into_iter().any(|(_, now)| {
                let maker = now.strip_prefix('x').and_then(|number| number.parse::<usize>().ok());
                maker.is_some_and(|maker| self.executions[maker].run != before.run || refreshing[maker])
            });
        }
        refreshing
    }

    /// How often each target's transform made its output, by run, without those times when it was out of date.
    pub(super) fn successes(&self) -> BTreeMap<(JobIx, &EntityId), BTreeMap<RunId, u32>> {
        let mut all: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        let executions = self.executions.iter().zip(self.refreshing());
        for (execution, _) in executions.filter(|(execution, refreshes)| execution.succeeded && !refreshes) {
            if let Some(run) = execution.run {
                *all.entry((execution.job, &execution.entity)).or_default().entry(run).or_default() += 1;
            }
        }
        all
    }
}

/// A key for one wait: the target that waits, the run, and what follows when it is done.
fn continuation(message: &EntityMessage, waiter: &Target, below: &[Frame]) -> u128 {
    let mut bare = EntityMessage::new(0, message.run, waiter.clone(), message.graph, message.base.clone());
    bare.frames = below.to_vec();
    xxhash_rust::xxh3::xxh3_128(&wire::encode(&bare).expect("smaller than the message that was read"))
}
