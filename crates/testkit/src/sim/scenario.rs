//! What a seed stands for: a graph, entities, outputs that were there before, submissions and faults.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{
    faults::InjectedFault,
    graph::{self, Sketch},
    sim_transform::{PlantedFault, PlantedFaults},
};
use euterpe_actors::accounting::resume_messages;
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Force, Refresh, SetupDigest, Target, Wave};
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::state::{Manifest, Selection};
use euterpe_actors::transform::inline;

/// The run that made the outputs that were there before.
pub(super) const BEFORE: RunId = RunId::new(1_000, 0);
/// A run of the future, as it stands on outputs that were made where the clock was ahead.
pub(super) const FUTURE: RunId = RunId::new(90_000_000_000_000, 0);

/// All that the seed decides before the simulation starts.
pub(super) struct Scenario {
    pub(super) sketch: Sketch,
    /// The plan, to reason about; its transforms never run.
    pub(super) plan: Arc<NodePlan>,
    pub(super) tracks: Vec<EntityId>,
    pub(super) pairs: Vec<EntityId>,
    pub(super) nodes: usize,
    /// Whether the nodes claim targets.
    pub(super) claims: bool,
    pub(super) planted_faults: Arc<PlantedFaults>,
    /// Tracks whose source is not there.
    pub(super) sourceless: BTreeSet<EntityId>,
    pub(super) existing: Vec<Existing>,
    pub(super) submissions: Vec<Submission>,
    pub(super) faults: Vec<InjectedFault>,
    /// Whether sources and jobs change.
    pub(super) is_changing: bool,
}

/// An output that was there before.
pub(super) struct Existing {
    pub(super) job: JobIx,
    pub(super) entity: EntityId,
    /// With the stamp of an earlier run or of one of the future, or a foreign object without one.
    pub(super) stamped: Option<RunId>,
}

/// One submission: as much as one `run`, `publish` or `runs resume` sends.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) run: RunId,
    pub(super) base: Base,
    pub(super) targets: Vec<(JobIx, EntityId)>,
    pub(super) force: Force,
    pub(super) ping: bool,
    /// What it makes anew although it is there; none for what the graph says.
    pub(super) refresh: Option<Refresh>,
    /// What its publisher means by its words, where that is told.
    pub(super) setup: SetupDigest,
    pub(super) resumed: bool,
    /// How long after the start.
    pub(super) after: Duration,
}

impl Submission {
    /// The manifest that a run of it would have.
    fn manifest(&self, plan: &NodePlan) -> Manifest {
        let (bottom_up, only, wave) = match &self.base {
            Base::Stop => (true, None, 0),
            Base::Down(wave) => (false, wave.only.clone(), wave.id),
        };
        let selection = Selection {
            job: None,
            bottom_up,
            only,
            force: self.force.clone(),
            ping: self.ping,
            refresh: self.refresh.clone(),
        };
        let (graph, resolved) = ("drawn".to_owned(), serde_json::Value::Null);
        Manifest {
            run: self.run,
            graph,
            file: None,
            digest: plan.digest,
            selection,
            wave,
            resolved,
            given: Default::default(),
        }
    }
}

impl Scenario {
    /// Draws the scenario of a seed.
    pub(super) fn draw(seed: u64) -> Self {
        let rng = &mut StdRng::seed_from_u64(seed ^ 0x5eed_0f5c_e4a1_0001);
        let sketch = Sketch::draw(rng);
        let plan = Arc::new(sketch.plan(|_| inline(|_| unreachable!("a plan to reason about"))));
        let most = (24 / sketch.jobs.len()).clamp(1, 4);
        let tracks: Vec<EntityId> = (0..rng.random_range(1..=most)).map(|n| id(&format!("t{n}"))).collect();
        let pairs = (0..rng.random_range(1..=most)).map(|_| pair(rng, &tracks)).collect::<BTreeSet<_>>();
        let calm = rng.random_ratio(1, 4);
        let nodes = rng.random_range(1..=3);
        let mut scenario = Self {
            sketch,
            plan,
            tracks,
            pairs: pairs.into_iter().collect(),
            nodes,
            // Without them two nodes may do the same work with no fault at all; one node needs none.
            claims: if calm && nodes > 1 { true } else { rng.random_ratio(2, 3) },
            planted_faults: Arc::default(),
            sourceless: BTreeSet::new(),
            existing: Vec::new(),
            submissions: Vec::new(),
            faults: Vec::new(),
            is_changing: false,
        };
        if rng.random_ratio(2, 5) {
            scenario.existing = scenario.draw_existing(rng);
        }
        if !calm {
            scenario.plant(rng);
            let kinds: Vec<InjectedFault> = InjectedFault::ALL.into_iter().filter(|_| rng.random_ratio(2, 3)).collect();
            let kinds = if kinds.is_empty() { vec![InjectedFault::Crash] } else { kinds };
            scenario.faults = (0..rng.random_range(10..=20)).filter_map(|_| kinds.choose(rng).copied()).collect();
        }
        let count = if calm && rng.random() { 1 } else { rng.random_range(1..=4) };
        for number in 0..count {
            let submission = scenario.draw_submission(rng, number);
            scenario.submissions.push(submission);
        }
        if calm && nodes > 1 && rng.random_ratio(1, 3) {
            scenario.plant_endings(rng);
        }
        scenario
    }

    /// Whether nothing goes wrong in it.
    pub(super) fn is_calm(&self) -> bool {
        self.faults.is_empty()
    }

    /// The entities that a job may be asked for.
    pub(super) fn entities_of(&self, job: JobIx) -> &[EntityId] {
        if self.sketch.jobs[job.0].pair { &self.pairs } else { &self.tracks }
    }

    /// Every target that there is.
    pub(super) fn targets(&self) -> impl Iterator<Item = (JobIx, &EntityId)> {
        self.plan.job_indices().flat_map(|job| self.entities_of(job).iter().map(move |entity| (job, entity)))
    }

    fn draw_existing(&self, rng: &mut StdRng) -> Vec<Existing> {
        let chosen = self.targets().filter(|_| rng.random_ratio(1, 3)).map(|(job, e)| (job, e.clone()));
        let chosen: Vec<_> = chosen.collect();
        let stamps = [Some(BEFORE), Some(BEFORE), Some(BEFORE), Some(FUTURE), None];
        let mut stamped = || *stamps.choose(rng).expect("not empty");
        chosen.into_iter().map(|(job, entity)| Existing { job, entity, stamped: stamped() }).collect()
    }

    fn plant(&mut self, rng: &mut StdRng) {
        let mut planted_faults = PlantedFaults::new();
        for (job, entity) in self.targets() {
            if !rng.random_ratio(1, 8) {
                continue;
            }
            let times = rng.random_range(1..=self.sketch.jobs[job.0].retries);
            let planted = match rng.random_range(0..10) {
                0..3 => PlantedFault::Fails(times),
                3 => PlantedFault::Panics(times),
                4 => PlantedFault::Hangs(1),
                5 => PlantedFault::AlwaysFails,
                6 => PlantedFault::Fatal,
                7 => PlantedFault::BadInput,
                _ => PlantedFault::Skips,
            };
            planted_faults.insert((job, entity.clone()), planted);
        }
        self.planted_faults = Arc::new(planted_faults);
        self.sourceless = self.tracks.iter().filter(|_| rng.random_ratio(1, 10)).cloned().collect();
    }

    /// Plants what is no fault of nodes, stores or broker: sources that are not there, works that fail for good or decline.
    fn plant_endings(&mut self, rng: &mut StdRng) {
        let endings = [PlantedFault::Fatal, PlantedFault::BadInput, PlantedFault::Skips];
        let targets = self.targets().filter(|_| rng.random_ratio(1, 8)).map(|(job, e)| (job, e.clone()));
        let targets: Vec<_> = targets.collect();
        let planted = targets.into_iter().map(|target| (target, *endings.choose(rng).expect("not empty")));
        self.planted_faults = Arc::new(planted.collect());
        self.sourceless = self.tracks.iter().filter(|_| rng.random_ratio(1, 4)).cloned().collect();
    }

    /// The first messages of a submission; those that resume a run are the production's own.
    pub(super) fn messages(&self, submission: &Submission, rng: &mut StdRng) -> Vec<EntityMessage> {
        let target = |(job, entity): &(JobIx, EntityId)| Target { job: graph::name(job.0), entity: entity.clone() };
        if submission.resumed {
            let open: Vec<Target> = submission.targets.iter().map(target).collect();
            return resume_messages(&self.plan, &submission.manifest(&self.plan), &open, rng.random(), || rng.random());
        }
        let first = |target_ix: &(JobIx, EntityId)| {
            let mut message = EntityMessage::new(
                rng.random(),
                submission.run,
                target(target_ix),
                self.plan.digest,
                submission.base.clone(),
            );
            message.force = submission.force.clone();
            message.ping = submission.ping;
            message.refresh = submission.refresh.clone();
            message.setup = submission.setup;
            message
        };
        submission.targets.iter().map(first).collect()
    }

    /// Draws one thing to ask for.
    pub(super) fn draw_submission(&self, rng: &mut StdRng, number: u64) -> Submission {
        let some_job = JobIx(rng.random_range(0..self.sketch.jobs.len()));
        let mut entities: Vec<EntityId> =
            self.entities_of(some_job).iter().filter(|_| rng.random_ratio(3, 4)).cloned().collect();
        if entities.is_empty() {
            entities.push(self.entities_of(some_job)[0].clone());
        }
        let bottom_up = rng.random_ratio(1, 3);
        let origins = if bottom_up || rng.random() { vec![some_job] } else { self.plan.origins_of(&entities[0]) };
        let base = if bottom_up {
            Base::Stop
        } else {
            let only = rng.random_ratio(1, 4).then(|| self.some_jobs(rng));
            let origins = origins.iter().map(|at| graph::name(at.0)).collect();
            Base::Down(Arc::new(Wave { id: rng.random(), origins, only }))
        };
        let force = match rng.random_range(0..10) {
            0..6 => Force::None,
            6 => Force::All,
            7 => Force::Jobs(self.some_jobs(rng)),
            _ => Force::Jobs(match &base {
                Base::Stop => vec![graph::name(some_job.0)],
                Base::Down(wave) => self.plan.reach(wave).iter().map(|at| graph::name(at.0)).collect(),
            }),
        };
        let ping = !bottom_up && rng.random_ratio(1, 12);
        Submission {
            run: RunId::new(2_000 + number, rng.random()),
            base,
            targets: origins.iter().flat_map(|job| entities.iter().map(|e| (*job, e.clone()))).collect(),
            force: if ping { Force::None } else { force },
            ping,
            refresh: None,
            setup: SetupDigest::NONE,
            resumed: false,
            after: Duration::from_millis(if number == 0 { 0 } else { rng.random_range(0..400) }),
        }
    }

    /// Some of the jobs.
    pub(super) fn some_jobs(&self, rng: &mut StdRng) -> Vec<JobName> {
        (0..self.sketch.jobs.len()).filter(|_| rng.random()).map(graph::name).collect()
    }
}

fn id(text: &str) -> EntityId {
    EntityId::new(text).expect("a good id")
}

fn pair(rng: &mut StdRng, tracks: &[EntityId]) -> EntityId {
    let part = |rng: &mut StdRng| tracks.choose(rng).expect("there is a track").clone();
    id(&format!("{},{}", part(rng), part(rng)))
}
