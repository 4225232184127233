//! Random graphs of two to eight jobs: diamonds, several inputs, pairs of entities, sources, second outputs.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

use euterpe_actors::ids::{EntityId, InputName, JobName, StoreName};
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::setup::{Setup, StoreIdentity};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::TransformFactory;
use euterpe_actors::turns::Turns;

/// The store that sources lie in.
pub(super) const SOURCES: &str = "music";
/// The store that outputs lie in.
pub(super) const OUTPUTS: &str = "derived";
/// The state store.
pub(super) const STATE: &str = "state";

/// A graph as the seed drew it.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    pub(super) jobs: Vec<SketchJob>,
    /// How many workers of a node may work at once, over the jobs of an even place; all of them where none is said.
    cores: Option<usize>,
}

/// One job of it.
#[derive(Clone, Debug)]
pub(super) struct SketchJob {
    /// Whether its entities are pairs.
    pub(super) pair: bool,
    pub(super) inputs: Vec<SketchInput>,
    pub(super) outputs: usize,
    pub(super) workers: usize,
    pub(super) retries: u32,
}

/// One input of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SketchInput {
    Source,
    /// The same entity of an earlier job, and which of its outputs.
    Same(usize, usize),
    /// The first or second part of the pair, of an earlier job.
    Part(usize, bool),
}

impl Sketch {
    /// Draws a graph.
    pub(super) fn draw(rng: &mut StdRng) -> Self {
        let count = rng.random_range(2..=8);
        let pairs_from = if rng.random_ratio(1, 3) { rng.random_range(1..count) } else { count };
        let mut jobs: Vec<SketchJob> = Vec::new();
        for at in 0..count {
            let pair = at >= pairs_from && (at == pairs_from || rng.random_ratio(2, 3));
            let inputs = draw_inputs(rng, &jobs, pair);
            let outputs = if rng.random_ratio(1, 5) { 2 } else { 1 };
            jobs.push(SketchJob {
                pair,
                inputs,
                outputs,
                workers: rng.random_range(1..=3),
                retries: rng.random_range(1..=3),
            });
        }
        Self { jobs, cores: rng.random_ratio(1, 2).then(|| rng.random_range(1..=3)) }
    }

    /// The turns of one node: some jobs take turns at few cores, others work whenever they are free.
    pub(super) fn slots(&self) -> HashMap<JobName, Turns> {
        self.cores.map_or_else(HashMap::new, |cores| Turns::share(cores, self.sharing()))
    }

    /// How many cores the jobs of a node share, if they do.
    pub(super) fn cores(&self) -> Option<usize> {
        self.cores
    }

    /// The jobs that share cores where any do.
    pub(super) fn sharing(&self) -> impl Iterator<Item = JobName> {
        (0..self.jobs.len()).step_by(2).map(name)
    }

    /// The plan of this graph, each job's transform made by `transform`.
    pub(super) fn plan(&self, transform: impl Fn(JobIx) -> TransformFactory) -> NodePlan {
        let specs = self.jobs.iter().enumerate().map(|(at, job)| {
            let form = if job.pair { EntityForm::parse("{a},{b}").expect("a form") } else { EntityForm::default() };
            let inputs = job.inputs.iter().enumerate().map(|(n, input)| self.input(n, *input, &form)).collect();
            let outputs = (0..job.outputs)
                .map(|n| OutputPlan {
                    store: store(OUTPUTS),
                    key: Template::parse(&format!("j{at}-{n}/{{id}}.bin"), &form).expect("a template"),
                })
                .collect();
            JobSpec {
                name: name(at),
                form,
                inputs,
                outputs,
                transform: transform(JobIx(at)),
                workers: job.workers,
                timeout: Duration::from_secs(120),
                retry: RetryPolicy { retries: job.retries, backoff: Duration::from_secs(1) },
                claim: true,
                settings: 1,
            }
        });
        NodePlan::new(specs.collect())
    }

    fn input(&self, number: usize, input: SketchInput, form: &EntityForm) -> InputPlan {
        let from = match input {
            SketchInput::Source => Route::Source {
                store: store(SOURCES),
                key: Template::parse_source("in/{id}.raw", form).expect("a template"),
                exts: Arc::from(Vec::new()),
                optional: false,
            },
            SketchInput::Same(job, output) => Route::Job { job: JobIx(job), output, entity: Mapping::Same },
            SketchInput::Part(job, second) => {
                let part = if second { "{b}" } else { "{a}" };
                let map = Template::parse(part, form).expect("a mapping");
                Route::Job { job: JobIx(job), output: 0, entity: Mapping::To(map) }
            }
        };
        InputPlan { name: InputName::new(&format!("i{number}")).expect("a plain name"), from }
    }
}

fn draw_inputs(rng: &mut StdRng, jobs: &[SketchJob], pair: bool) -> Vec<SketchInput> {
    let alike: Vec<usize> = (0..jobs.len()).filter(|at| jobs[*at].pair == pair).collect();
    let singles: Vec<usize> = (0..jobs.len()).filter(|at| !jobs[*at].pair).collect();
    let mut inputs = Vec::new();
    if pair && (alike.is_empty() || rng.random_ratio(1, 3)) {
        // A mix: both parts of the pair, of one job or of two.
        let first = *singles.choose(rng).expect("pairs come after single entities");
        let second = if rng.random() { first } else { *singles.choose(rng).expect("as above") };
        inputs.extend([SketchInput::Part(first, false), SketchInput::Part(second, true)]);
    }
    let wanted = if alike.is_empty() { 0 } else { *[0, 1, 1, 2, 2, 3].choose(rng).expect("not empty") };
    for _ in 0..wanted {
        // Late parents more often than early ones, so that graphs are deep and diamonds are common.
        let late = rng.random_range(0..alike.len()).max(rng.random_range(0..alike.len()));
        let input = SketchInput::Same(alike[late], rng.random_range(0..jobs[alike[late]].outputs));
        let known = |i: &SketchInput| matches!(i, SketchInput::Same(at, _) if *at == alike[late]);
        if !inputs.iter().any(known) {
            inputs.push(input);
        }
    }
    if !pair && (inputs.is_empty() && rng.random_ratio(4, 5) || rng.random_ratio(1, 6)) {
        inputs.push(SketchInput::Source);
    }
    inputs
}

/// The name of the job at a place.
pub(super) fn name(at: usize) -> JobName {
    JobName::new(&format!("j{at}")).expect("a plain name")
}

/// A store's name.
pub(super) fn store(text: &str) -> StoreName {
    StoreName::new(text).expect("a plain name")
}

/// What a node or a publisher means by its words, whose jobs have these recipes.
pub(super) fn setup(plan: &NodePlan, recipes: &BTreeMap<JobName, String>) -> Setup {
    let place = |name: &str| StoreIdentity {
        id: Some(name.to_owned()),
        place: name.to_owned(),
        is_empty: false,
        follows_links: None,
    };
    let stores = [SOURCES, OUTPUTS].map(|name| (store(name), place(name)));
    Setup::new(plan, |job| recipes.get(job).cloned().unwrap_or_default(), stores.into(), place(STATE))
}

/// Where the source of a track lies.
pub(super) fn source_path(track: &EntityId) -> String {
    format!("in/{track}.raw")
}

/// A target: a job and an entity of it.
pub(super) type TargetIx = (JobIx, EntityId);

/// A target, for people.
pub(super) fn target_name((job, entity): &TargetIx) -> String {
    format!("{}({entity})", name(job.0))
}

/// The paths of a target's outputs, the primary first.
pub(super) fn output_paths(plan: &NodePlan, job: JobIx, entity: &EntityId) -> Vec<String> {
    let plan = plan.job(job);
    let parts = plan.form.split(entity).expect("asked only for entities of the job's form");
    plan.outputs.iter().map(|output| output.key.output_key(&parts)).collect()
}

/// The inputs of a target that are outputs of other jobs.
pub(super) fn parents(plan: &NodePlan, job: JobIx, entity: &EntityId) -> Vec<(JobIx, EntityId)> {
    let plan_of = plan.job(job);
    let parts = plan_of.form.split(entity).expect("asked only for entities of the job's form");
    plan_of
        .inputs
        .iter()
        .filter_map(|input| match &input.from {
            Route::Source { .. } => None,
            Route::Job { job, entity: Mapping::Same, .. } => Some((*job, entity.clone())),
            Route::Job { job, entity: Mapping::To(map), .. } => Some((*job, map.entity(&parts).expect("an id"))),
        })
        .collect()
}

/// Whether a target reads a source itself.
pub(super) fn reads_source(plan: &NodePlan, job: JobIx) -> bool {
    plan.job(job).inputs.iter().any(|input| matches!(input.from, Route::Source { .. }))
}
