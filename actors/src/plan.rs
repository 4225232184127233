//! The plan of a node: the graph with every reference resolved, valid by type.
//!
//! Assembly makes it from the graph file; nothing below it can meet a job, an input or a variable that does not exist.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use crate::ids::{EntityId, InputName, JobName, StoreName};
use crate::message::{GraphDigest, Wave};
use crate::refresh::Refresh;
use crate::retry::RetryPolicy;
use crate::storage::ObjectKey;
use crate::template::{EntityForm, Parts, Template};
use crate::transform::TransformFactory;

/// A job's index in [`NodePlan::jobs`]. Parents stand before their children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobIx(pub usize);

/// The whole graph as one node runs it.
#[derive(Clone, Debug)]
pub struct NodePlan {
    /// The jobs, parents before children.
    pub jobs: Vec<Arc<JobPlan>>,
    /// Digest of jobs, edges, entity forms and output templates.
    pub digest: GraphDigest,
    by_name: BTreeMap<JobName, JobIx>,
    refresh: Refresh,
    recipes: Vec<String>,
}

/// One job, ready to run.
pub struct JobPlan {
    /// Its name and the name of its queue.
    pub name: JobName,
    /// How its entity ids are put together.
    pub form: EntityForm,
    /// Its inputs in the order of the graph file.
    pub inputs: Vec<InputPlan>,
    /// Its outputs, the primary first.
    pub outputs: Vec<OutputPlan>,
    /// The suffixes of the outputs.
    pub suffixes: Arc<[String]>,
    /// Jobs that get the same entity when this one is done.
    pub children: Vec<JobIx>,
    /// Every strict ancestor, over all edges.
    pub ancestors: Vec<JobIx>,
    /// Builds the transform of one worker.
    pub transform: TransformFactory,
    /// Workers on this node.
    pub workers: usize,
    /// How long one try may take.
    pub timeout: Duration,
    /// How often to try again and how long to wait in between.
    pub retry: RetryPolicy,
    /// Whether a node claims a target before it works on it.
    pub claim: bool,
    /// Digest of what the transform does: its name, options and version. A skip holds as long as this is unchanged.
    pub settings: u64,
}

/// One input of a job.
#[derive(Clone, Debug)]
pub struct InputPlan {
    /// The job's name for it.
    pub name: InputName,
    /// Where it comes from.
    pub from: Route,
}

/// Where an input comes from.
#[derive(Clone, Debug)]
pub enum Route {
    /// Outside the graph: an object that must be there.
    Source {
        /// The store it lies in.
        store: StoreName,
        /// Its key.
        key: Template,
        /// The extensions that `{ext}` may stand for, lower case, without the dot.
        exts: Arc<[String]>,
        /// Whether the work goes on without it where it is not there.
        optional: bool,
    },
    /// An output of another job.
    Job {
        /// The parent.
        job: JobIx,
        /// Index of one of the parent's outputs.
        output: usize,
        /// The parent's entity.
        entity: Mapping,
    },
}

/// Which entity of the parent an input is.
#[derive(Clone, Debug)]
pub enum Mapping {
    /// The same entity: an identity edge, which waves follow.
    Same,
    /// Another entity. Followed bottom-up only, because a child entity cannot be guessed from a part of it.
    To(Template),
}

/// One output of a job.
#[derive(Clone, Debug)]
pub struct OutputPlan {
    /// The store it lies in.
    pub store: StoreName,
    /// Its key.
    pub key: Template,
}

impl OutputPlan {
    /// The key of an entity's output.
    pub fn key_of(&self, parts: &Parts<'_>) -> ObjectKey {
        ObjectKey::of_output(self.store.clone(), self.key.output_key(parts), parts.id(), self.key.former_keys(parts))
    }
}

impl fmt::Debug for JobPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobPlan")
            .field("name", &self.name)
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .field("children", &self.children)
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

/// A job as assembly describes it, from which [`NodePlan::new`] makes a [`JobPlan`]. The fields mean the same there.
#[allow(missing_docs)]
pub struct JobSpec {
    pub name: JobName,
    pub form: EntityForm,
    /// A [`Route::Job`] must name an earlier job.
    pub inputs: Vec<InputPlan>,
    /// At least one, the primary first.
    pub outputs: Vec<OutputPlan>,
    pub transform: TransformFactory,
    pub workers: usize,
    pub timeout: Duration,
    pub retry: RetryPolicy,
    pub claim: bool,
    pub settings: u64,
}

impl NodePlan {
    /// A plan of jobs in topological order, parents first.
    ///
    /// # Panics
    /// If a job names a parent that does not stand before it, or has no output: the graph file's checks refuse both.
    pub fn new(specs: Vec<JobSpec>) -> Self {
        let digest = digest(&specs);
        let mut by_name = BTreeMap::new();
        let mut children: Vec<Vec<JobIx>> = vec![Vec::new(); specs.len()];
        let mut ancestors: Vec<Vec<JobIx>> = Vec::with_capacity(specs.len());
        for (at, spec) in specs.iter().enumerate() {
            assert!(!spec.outputs.is_empty(), "job `{}` has no output", spec.name);
            by_name.insert(spec.name.clone(), JobIx(at));
            let mut above: Vec<JobIx> = Vec::new();
            for input in &spec.inputs {
                if let Route::Job { job, entity, .. } = &input.from {
                    assert!(job.0 < at, "job `{}` stands before one of its parents", spec.name);
                    above.push(*job);
                    above.extend_from_slice(&ancestors[job.0]);
                    if matches!(entity, Mapping::Same) && !children[job.0].contains(&JobIx(at)) {
                        children[job.0].push(JobIx(at));
                    }
                }
            }
            above.sort_unstable();
            above.dedup();
            ancestors.push(above);
        }
        let jobs = specs.into_iter().zip(children).zip(ancestors);
        let jobs = jobs
            .map(|((spec, children), ancestors)| {
                Arc::new(JobPlan {
                    suffixes: spec.outputs.iter().map(|o| o.key.suffix().to_owned()).collect(),
                    name: spec.name,
                    form: spec.form,
                    inputs: spec.inputs,
                    outputs: spec.outputs,
                    children,
                    ancestors,
                    transform: spec.transform,
                    workers: spec.workers,
                    timeout: spec.timeout,
                    retry: spec.retry,
                    claim: spec.claim,
                    settings: spec.settings,
                })
            })
            .collect();
        Self { jobs, digest, by_name, refresh: Refresh::default(), recipes: Vec::new() }
    }

    /// The same with the recipe of each job, by its index: a digest of what it does, code and all.
    #[must_use]
    pub fn with_recipes(self, recipes: Vec<String>) -> Self {
        Self { recipes, ..self }
    }

    /// The recipe of a job, where it is known.
    pub fn recipe(&self, at: JobIx) -> Option<&str> {
        self.recipes.get(at.0).map(String::as_str)
    }

    /// The same with what is made anew where nobody says otherwise.
    #[must_use]
    pub fn with_refresh(self, refresh: Refresh) -> Self {
        Self { refresh, ..self }
    }

    /// What is made anew although it is there, where nobody says otherwise.
    pub fn refresh(&self) -> &Refresh {
        &self.refresh
    }

    /// The job at an index.
    pub fn job(&self, at: JobIx) -> &Arc<JobPlan> {
        &self.jobs[at.0]
    }

    /// A digest of one job's entity form, inputs and outputs, and of how the keys of outputs are written: a node that wrote
    /// others would not find what this one makes. A run outlives that, so it is no part of the [graph's](Self::digest).
    pub(crate) fn shape(&self, at: JobIx) -> u64 {
        let (mut text, job) = (String::new(), self.job(at));
        describe(&mut text, &job.name, &job.form, (&job.inputs, &job.outputs), |at| &self.job(at).name);
        let parents = job.inputs.iter().filter_map(|input| match &input.from {
            Route::Job { job, output, .. } => Some(&self.job(*job).outputs[*output]),
            Route::Source { .. } => None,
        });
        for output in job.outputs.iter().chain(parents) {
            text += output.key.spelling();
        }
        xxhash_rust::xxh3::xxh3_64(text.as_bytes())
    }

    /// The index of a job by its name.
    pub fn find(&self, name: &str) -> Option<JobIx> {
        self.by_name.get(name).copied()
    }

    /// The indices of all jobs, parents first.
    pub fn job_indices(&self) -> impl DoubleEndedIterator<Item = JobIx> + use<> {
        (0..self.jobs.len()).map(JobIx)
    }

    /// Whether a job has a parent over an identity edge.
    pub fn has_same_parent(&self, at: JobIx) -> bool {
        let job = self.job(at);
        job.inputs.iter().any(|i| matches!(i.from, Route::Job { entity: Mapping::Same, .. }))
    }

    /// The jobs that a wave reaches: its origins, and from them over identity edges inside `only`. Parents first.
    pub fn reach(&self, wave: &Wave) -> Vec<JobIx> {
        let mut in_reach = vec![false; self.jobs.len()];
        for origin in &wave.origins {
            if let Some(at) = self.find(origin.as_str()) {
                in_reach[at.0] = true;
            }
        }
        for at in self.job_indices() {
            if in_reach[at.0] {
                for child in &self.job(at).children {
                    let name = &self.job(*child).name;
                    if wave.only.as_ref().is_none_or(|only| only.contains(name)) {
                        in_reach[child.0] = true;
                    }
                }
            }
        }
        self.job_indices().filter(|at| in_reach[at.0]).collect()
    }

    /// The jobs to which an id goes when none is named: those without a parent over an identity edge whose form
    /// fits the id most specifically. The id goes to all jobs of that form. If several forms fit equally, jobs of all of
    /// them are returned, and the caller has to ask which are meant.
    pub fn origins_of(&self, entity: &EntityId) -> Vec<JobIx> {
        let fits: Vec<JobIx> = self
            .job_indices()
            .filter(|at| !self.has_same_parent(*at) && self.job(*at).form.split(entity).is_some())
            .collect();
        let best = fits.iter().map(|at| self.job(*at).form.specificity()).max();
        fits.into_iter().filter(|at| Some(self.job(*at).form.specificity()) == best).collect()
    }
}

/// A digest of what decides the meaning of messages: jobs, edges, entity forms and output templates.
fn digest(specs: &[JobSpec]) -> GraphDigest {
    let mut text = String::new();
    for spec in specs {
        describe(&mut text, &spec.name, &spec.form, (&spec.inputs, &spec.outputs), |at| &specs[at.0].name);
    }
    GraphDigest(xxhash_rust::xxh3::xxh3_64(text.as_bytes()))
}

/// Writes down what a job's name means: its ids, inputs and outputs.
fn describe<'a>(
    text: &mut String,
    name: &JobName,
    form: &EntityForm,
    (inputs, outputs): (&[InputPlan], &[OutputPlan]),
    name_of: impl Fn(JobIx) -> &'a JobName,
) {
    let mut put = |line: fmt::Arguments<'_>| fmt::Write::write_fmt(text, line).expect("writing to a string");
    put(format_args!("job {name} {form}\n"));
    for input in inputs {
        match &input.from {
            Route::Source { store, key, optional, .. } => {
                let optional = if *optional { " optional" } else { "" };
                put(format_args!("  {} < {store}:{key}{optional}\n", input.name));
            }
            Route::Job { job, output, entity } => {
                put(format_args!("  {} < {}.{output}", input.name, name_of(*job)));
                match entity {
                    Mapping::Same => put(format_args!("\n")),
                    Mapping::To(map) => put(format_args!(" {map}\n")),
                }
            }
        }
    }
    for output in outputs {
        put(format_args!("  > {}:{}\n", output.store, output.key));
    }
}
