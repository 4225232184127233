//! Runs between which, and during which, sources and jobs change: when one ends and nothing changed since it began, everything
//! that it requires is what would be made today, and the next one finds nothing to do.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{
    current::Currency,
    faults::InjectedFault,
    final_state::FinalState,
    graph::{self, TargetIx},
    injection::{delete_something, replace_source},
    listing::Listing,
    requirements::required,
    scenario::{FUTURE, Scenario, Submission},
    schedule::Schedule,
    sim_storage::at_once,
    simulation::{Report, begin, in_paused_time, report},
    versions::Versions,
};
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::message::{Base, Force, Refresh, Wave};
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::StateStore;

/// Runs the simulation of a seed in which sources and jobs change; `verbose` prints everything that happens.
pub fn simulate_changes(seed: u64, verbose: bool) -> Report {
    in_paused_time(simulation(seed, verbose))
}

/// What a seed stands for where sources and jobs change.
fn draw(seed: u64) -> Scenario {
    let mut scenario = Scenario::draw(seed ^ 0xc4a6_0000_0000);
    scenario.is_changing = true;
    scenario.existing.retain(|old| old.stamped != Some(FUTURE));
    scenario.submissions.clear();
    scenario.faults.clear();
    scenario
}

async fn simulation(seed: u64, verbose: bool) -> Report {
    let scenario = draw(seed);
    let rng = &mut StdRng::seed_from_u64(seed ^ 0x0c4a_6e50);
    let versions = Versions {
        recipes: vec![0; scenario.sketch.jobs.len()],
        repeating: scenario.plan.job_indices().filter(|_| rng.random()).collect(),
        ..Versions::default()
    };
    let mut schedule = begin(seed, verbose, &scenario, versions);
    let mut violations = Vec::new();
    let lists = scenario.nodes == 1 && rng.random();
    for _ in 0..rng.random_range(1..=4) {
        let ended = Round { schedule: &mut schedule, rng, lists, violations: &mut violations }.run().await;
        violations.extend(ended.err());
        if !violations.is_empty() {
            break;
        }
    }
    violations.extend(schedule.world.state().log.violations.clone());
    report(seed, &schedule, violations)
}

/// Something changes, a run follows it, and another one finds nothing to do.
struct Round<'r, 's> {
    schedule: &'r mut Schedule<'s>,
    rng: &'r mut StdRng,
    /// Whether each run lists the stores before it begins.
    lists: bool,
    violations: &'r mut Vec<String>,
}

impl Round<'_, '_> {
    async fn run(mut self) -> Result<(), String> {
        self.change();
        let mut submission = self.draw_submission();
        if self.rng.random() {
            let faults = InjectedFault::AMID_CHANGES;
            let count = self.rng.random_range(1..8);
            self.schedule.faults = (0..count).filter_map(|_| faults.choose(self.rng).copied()).collect();
        }
        let replaced = self.replaced();
        let mut may_leave_some = !self.sees_all(&submission) && self.lacks_something();
        if !self.lists && self.rng.random_ratio(1, 3) {
            // Another run at the same time may make its inputs anew behind it.
            let other = self.draw_submission();
            let force = Force::Jobs(self.schedule.scenario.some_jobs(self.rng));
            let run = RunId::new(other.run.millis() + self.rng.random_range(0..2), self.rng.random());
            let after = Duration::from_millis(self.rng.random_range(0..30));
            self.schedule.submissions.push(Submission { run, force, after, ..other });
            may_leave_some = true;
        }
        self.submit(&submission).await?;
        // What changed meanwhile is for the next run; the one that makes nothing leaves nothing.
        let mut left = if self.replaced() != replaced || may_leave_some || self.was_done_twice() { 5 } else { 0 };
        while left > 0 {
            submission = Submission { force: Force::None, ..self.next(&submission) };
            left = if self.makes_of(&submission).await?.is_empty() { 0 } else { left - 1 };
            if left == 1 {
                self.violations.push(format!("{} and those before it make the same again and again", submission.run));
            }
        }
        let given_up = self.judge(&submission);
        submission = Submission { force: Force::None, ..self.next(&submission) };
        let made = self.makes_of(&submission).await?;
        self.judge(&submission);
        if !self.was_done_twice() {
            let again = made.difference(&given_up).map(graph::target_name);
            self.violations.extend(again.map(|target| format!("made again: {target}, and nothing had changed")));
        }
        Ok(())
    }

    /// Submits, and says what was made.
    async fn makes_of(&mut self, submission: &Submission) -> Result<BTreeSet<TargetIx>, String> {
        let executions = self.schedule.world.state().log.executions.len();
        self.submit(submission).await?;
        let state = self.schedule.world.state();
        let made = state.log.executions[executions..].iter().filter(|execution| execution.succeeded);
        Ok(made.map(|execution| (execution.job, execution.entity.clone())).collect())
    }

    /// Whether a run comes to everything that it requires after whatever that is made from. Else an output that was lost may be
    /// made again, with other bytes, for one of those that are made from it when another one was looked at already.
    fn sees_all(&self, submission: &Submission) -> bool {
        let plan = &self.schedule.scenario.plan;
        let required = required(plan, submission);
        let is_below = |(job, entity): &TargetIx| {
            let parents = graph::parents(plan, *job, entity);
            parents.into_iter().all(|parent| parent.1 == *entity && required.contains(&parent))
        };
        submission.base != Base::Stop && required.iter().all(is_below)
    }

    /// Whether one work was done twice of the same inputs, after a node was taken for dead: each made its output, and what was
    /// made of the first one may stand beside the second.
    fn was_done_twice(&self) -> bool {
        let state = self.schedule.world.state();
        let mut made = state.log.executions.iter().filter(|execution| execution.succeeded);
        let mut works = BTreeSet::new();
        made.any(|work| !works.insert((work.run, work.job, &work.entity, &work.inputs)))
    }

    /// Whether any output is missing.
    fn lacks_something(&mut self) -> bool {
        let Schedule { world, scenario, .. } = &*self.schedule;
        let final_state = FinalState::read(world, scenario, self.violations);
        scenario.targets().any(|(job, entity)| !final_state.outputs.contains_key(&(job, entity.clone())))
    }

    fn replaced(&self) -> u64 {
        self.schedule.world.state().versions.replaced
    }

    async fn submit(&mut self, submission: &Submission) -> Result<(), String> {
        let mut submission = submission.clone();
        if self.lists {
            self.list_for(&mut submission);
        }
        self.schedule.submissions.push(submission);
        self.schedule.run_to_quiet().await
    }

    /// Lists the stores for a run, as one without a server does, and leaves out of it what is finished by that.
    fn list_for(&mut self, submission: &mut Submission) {
        let (world, plan) = (self.schedule.world.clone(), &self.schedule.scenario.plan);
        let stores = [graph::SOURCES, graph::OUTPUTS].map(|name| &*world.objects[&graph::store(name)]);
        let listing = Listing::of(stores, plan, submission.run, submission.refresh.as_ref().unwrap_or(&Refresh::NEVER));
        world.state().listing = Some(listing.clone());
        self.schedule.cluster.begin_as_listed(&world);
        if submission.force != Force::None {
            return;
        }
        let required = required(plan, submission);
        let is_finished = |entity: &EntityId| {
            let jobs = required.iter().filter(|(_, other)| other == entity).map(|(job, _)| *job);
            listing.is_finished(plan, &jobs.collect::<Vec<_>>(), entity)
        };
        submission.targets.retain(|(_, entity)| !is_finished(entity));
    }

    /// Changes some of what a run makes its outputs from.
    fn change(&mut self) {
        let (world, scenario) = (self.schedule.world.clone(), self.schedule.scenario);
        for track in scenario.tracks.iter().filter(|track| !scenario.sourceless.contains(*track)) {
            if self.rng.random_ratio(1, 4) {
                replace_source(&world, track);
            }
        }
        for _ in 0..self.rng.random_range(0..4) {
            delete_something(&world, scenario);
        }
        let changed: Vec<JobIx> = scenario.plan.job_indices().filter(|_| self.rng.random_ratio(1, 6)).collect();
        if !changed.is_empty() {
            changed.iter().for_each(|job| world.state().versions.recipes[job.0] += 1);
            self.schedule.cluster.deploy(&world);
        }
    }

    fn draw_submission(&mut self) -> Submission {
        let scenario = self.schedule.scenario;
        let mut submission = scenario.draw_submission(self.rng, self.schedule.submitted.len() as u64);
        if self.rng.random_ratio(3, 4) {
            submission.force = Force::None;
        }
        let recipes = match self.rng.random_range(0..3) {
            0 => Force::None,
            1 => Force::All,
            _ => Force::Jobs(scenario.some_jobs(self.rng)),
        };
        submission.refresh = Some(Refresh { inputs: true, recipes, exact: self.rng.random_ratio(1, 8) });
        self.as_of_now(submission)
    }

    /// The same for a later run.
    fn next(&mut self, before: &Submission) -> Submission {
        let run = RunId::new(2_000 + self.schedule.submitted.len() as u64, self.rng.random());
        let base = match &before.base {
            Base::Stop => Base::Stop,
            Base::Down(wave) => Base::Down(Arc::new(Wave { id: self.rng.random(), ..Wave::clone(wave) })),
        };
        self.as_of_now(Submission { run, base, ..before.clone() })
    }

    /// The same, published now by whoever means by its words what the jobs are today.
    fn as_of_now(&self, submission: Submission) -> Submission {
        let Schedule { world, scenario, .. } = &*self.schedule;
        let setup = graph::setup(&scenario.plan, &world.state().versions.named_recipes());
        let state = StateStore::new(world.objects[&graph::store(graph::STATE)].clone());
        at_once(state.keep_setup(&setup)).expect("a store in memory stores");
        Submission { setup: setup.digest(), ping: false, after: Duration::ZERO, ..submission }
    }

    /// Whether everything that a run requires is accounted for, and is what would be made today. Returns what it gave up.
    fn judge(&mut self, submission: &Submission) -> BTreeSet<TargetIx> {
        let Schedule { world, scenario, .. } = &*self.schedule;
        let final_state = FinalState::read(world, scenario, self.violations);
        let state = world.state();
        let currency = Currency { state: &final_state, log: &state.log, versions: &state.versions, submission };
        let targets: Vec<TargetIx> = scenario.targets().map(|(job, entity)| (job, entity.clone())).collect();
        let given_up: BTreeSet<TargetIx> =
            targets.iter().filter(|target| currency.is_given_up(target)).cloned().collect();
        for target in required(&scenario.plan, submission).difference(&given_up) {
            let name = graph::target_name(target);
            if !final_state.outputs.contains_key(target) {
                self.violations.push(format!("open for {}: {name}", submission.run));
            }
            if let Some(text) = currency.fault(target) {
                self.violations.push(format!("out of date after {}: {name}: {text}", submission.run));
            }
        }
        self.violations.extend(targets.iter().filter_map(|target| final_state.wrong(&state.log, target)));
        self.violations.extend(targets.iter().filter_map(|target| currency.untrue_stamp(target)));
        given_up
    }
}
