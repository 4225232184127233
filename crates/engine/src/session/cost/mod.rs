//! What a run would cost: times of works as finished runs measured them, sizes as they lie in the stores, requests and
//! messages by the number of works.

mod requests;

use std::collections::BTreeMap;

use euterpe_actors::edges::{SourceOf, find_source, parent_of};
use euterpe_actors::ids::{EntityId, JobName, RunId, StoreName};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::plan::{JobIx, NodePlan, Route};
use euterpe_actors::state::Selection;
use euterpe_actors::storage::{ObjectKey, StorageError, StorageErrorKind};
use euterpe_actors::wire;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Session;
use super::forecast::Forecast;
use super::sample::{Sample, Samples};
use crate::clock::now;
use crate::run::ids::Ids;
pub use requests::Requests;

/// How many finished runs are asked for times, the newest first.
const RUNS: usize = 50;
/// How many objects are looked at at once: each look may take a bucket's time.
const AT_ONCE: usize = 16;
/// A mean, and of how many it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Of so many.
    pub of: u64,
}

/// What the works of one job would cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobCost {
    /// How many works there are.
    pub works: u64,
    /// How long one takes, in seconds, failed tries among them; none where no finished run tells.
    pub seconds: Option<Mean>,
    /// How many bytes one reads; none where something that it reads is nowhere there yet.
    pub reads: Option<f64>,
    /// How many bytes one writes, all outputs together; none where none is there.
    pub writes: Option<f64>,
}

/// What a run would cost.
#[derive(Clone, Debug, Default)]
pub struct Cost {
    /// The jobs, in the order of the plan.
    pub jobs: Vec<JobCost>,
    /// How many finished runs told how long works take.
    pub runs: usize,
    /// The requests to each store that is a bucket.
    pub requests: BTreeMap<StoreName, Requests>,
    /// How many messages nodes would be sent, where the run goes over a broker.
    pub messages: u64,
    /// Their bytes, all together, without what the broker adds to each.
    pub message_bytes: u64,
    /// The bytes of the ids that the run records, before they are compressed.
    pub id_bytes: u64,
}

impl Cost {
    /// The seconds of all works of which they are known, one after the other.
    pub fn seconds(&self) -> f64 {
        let seconds = self.jobs.iter().filter_map(|job| Some(job.seconds?.value * job.works as f64));
        seconds.fold(0.0, |sum, seconds| sum + seconds)
    }

    /// The bytes that are read, and those that are written, as far as they are known.
    pub fn bytes(&self) -> (f64, f64) {
        let sum = |of: fn(&JobCost) -> Option<f64>| -> f64 {
            let bytes = self.jobs.iter().filter_map(|job| Some(of(job)? * job.works as f64));
            bytes.fold(0.0, |sum, bytes| sum + bytes)
        };
        (sum(|job| job.reads), sum(|job| job.writes))
    }

    /// The requests to all stores.
    pub fn all_requests(&self) -> Requests {
        self.requests.values().fold(Requests::default(), |all, one| all.and(one))
    }

    /// The jobs of which something is not known.
    pub fn unknown(&self) -> impl Iterator<Item = JobIx> + use<'_> {
        let is_unknown =
            |job: &JobCost| job.works > 0 && (job.seconds.is_none() || job.reads.is_none() || job.writes.is_none());
        self.jobs.iter().enumerate().filter(move |(_, job)| is_unknown(job)).map(|(at, _)| JobIx(at))
    }
}

impl Session {
    /// Foretells what a run would do, as [`Session::plan`] does, and what that would cost.
    ///
    /// # Errors
    /// As [`Session::plan`].
    pub async fn plan_with_cost(
        &self,
        selection: Selection,
        ids: Ids,
        limit: Option<u64>,
    ) -> anyhow::Result<(Forecast, Cost)> {
        let mut samples: Vec<Samples> = self.workspace.nodes.jobs.iter().map(|_| Samples::default()).collect();
        let forecast = self.forecast(selection, ids, limit, Some(&mut samples)).await?;
        let cost = self.cost(&forecast, &samples).await?;
        Ok((forecast, cost))
    }

    async fn cost(&self, forecast: &Forecast, samples: &[Samples]) -> anyhow::Result<Cost> {
        let nodes = &self.workspace.nodes;
        let mut cost = Cost { jobs: vec![JobCost::default(); nodes.jobs.len()], ..Cost::default() };
        self.add_times(&mut cost).await?;
        let mut outputs: Vec<Vec<Option<f64>>> = Vec::with_capacity(nodes.jobs.len());
        for at in nodes.job_indices() {
            let Samples { made, all } = &samples[at.0];
            outputs.push(self.output_sizes(at, made, all).await?);
        }
        for at in nodes.job_indices() {
            let row = &forecast.jobs[at.0];
            let reads = self.input_size(at, &samples[at.0].all, &outputs).await?;
            let job = &mut cost.jobs[at.0];
            (job.works, job.reads) = (row.make + row.on_request, reads);
            job.writes = outputs[at.0].iter().copied().sum();
        }
        cost.requests = self.requests(forecast, &cost.jobs);
        let reached = |at: JobIx| forecast.jobs[at.0] != Default::default();
        let hops = |at: JobIx| {
            let parents = nodes.job_indices().filter(|from| reached(*from) && nodes.job(*from).children.contains(&at));
            (parents.count() as u64).max(1)
        };
        let hops: u64 = nodes.job_indices().filter(|at| reached(*at)).map(hops).sum();
        let works: u64 = cost.jobs.iter().map(|job| job.works).sum();
        cost.messages = if works > 0 { forecast.unfinished * hops } else { 0 };
        let entity = samples.iter().flat_map(|of| of.all.entities()).next();
        cost.message_bytes =
            cost.messages * entity.map_or(0, |entity| message_bytes(&forecast.selection, nodes, entity));
        cost.id_bytes = forecast.id_bytes + forecast.entities;
        Ok(cost)
    }

    /// How long works took in finished runs.
    async fn add_times(&self, cost: &mut Cost) -> anyhow::Result<()> {
        let state = &self.workspace.state;
        let newest: Vec<_> = state.runs().await?.into_iter().rev().take(RUNS).collect();
        let mut ends = stream::iter(newest.into_iter().map(|run| state.run_end(run))).buffered(AT_ONCE);
        let mut sums = vec![(0_u64, 0_u64); cost.jobs.len()];
        while let Some(end) = ends.try_next().await? {
            let Some(end) = end else { continue };
            cost.runs += 1;
            for (name, counts) in &end.jobs {
                if let Some(at) = self.workspace.nodes.find(name.as_str()) {
                    sums[at.0].0 += counts.millis;
                    sums[at.0].1 += counts.done;
                }
            }
        }
        for (job, (millis, of)) in cost.jobs.iter_mut().zip(sums) {
            job.seconds = (of > 0).then(|| Mean { value: millis as f64 / 1000.0 / of as f64, of });
        }
        Ok(())
    }

    /// The mean size of each output of a job, over those that are there: of entities that it has, else of any.
    async fn output_sizes(&self, at: JobIx, made: &Sample, all: &Sample) -> anyhow::Result<Vec<Option<f64>>> {
        let job = self.workspace.nodes.job(at);
        let mut means = Vec::with_capacity(job.outputs.len());
        for output in &job.outputs {
            let key = |entity: &EntityId| Some(output.key_of(&job.form.split(entity)?));
            means.push(match self.size_of(made.entities().filter_map(key)).await? {
                None => self.size_of(all.entities().filter_map(key)).await?,
                known => known,
            });
        }
        Ok(means)
    }

    /// The mean size of those objects that are there.
    async fn size_of(&self, keys: impl Iterator<Item = ObjectKey>) -> anyhow::Result<Option<f64>> {
        let looks = keys.map(|key| async move { self.workspace.stores.look(&key).await }).collect::<Vec<_>>();
        mean(stream::iter(looks).buffered(AT_ONCE).map_ok(|found| Some(found?.size))).await
    }

    /// The mean size of all inputs of a job together.
    async fn input_size(&self, at: JobIx, all: &Sample, outputs: &[Vec<Option<f64>>]) -> anyhow::Result<Option<f64>> {
        let (job, mut sum) = (self.workspace.nodes.job(at), Some(0.0));
        for input in &job.inputs {
            let size = match &input.from {
                Route::Job { job: parent, output, .. } => match outputs[parent.0][*output] {
                    // No entity of the parent is asked for: those are looked at that these need.
                    None => {
                        let key = |entity: &EntityId| {
                            let parts = job.form.split(entity)?;
                            Some(parent_of(&self.workspace.nodes, input, entity, &parts)?.ok()?.key)
                        };
                        self.size_of(all.entities().filter_map(key)).await?
                    }
                    known => known,
                },
                Route::Source { store, key, exts, optional } => {
                    let looks = all.entities().map(|entity| {
                        let source =
                            SourceOf { entity, form: &job.form, store, template: key, exts, optional: *optional };
                        self.source_size(source)
                    });
                    let looks = stream::iter(looks).buffered(AT_ONCE);
                    // What an entity lacks and may lack costs nothing.
                    mean(looks.map_ok(|size| size.or(optional.then_some(0)))).await?
                }
            };
            sum = sum.zip(size).map(|(sum, size)| sum + size);
        }
        Ok(sum)
    }

    async fn source_size(&self, source: SourceOf<'_>) -> Result<Option<u64>, StorageError> {
        let (stores, state) = (&self.workspace.stores, &self.workspace.state);
        let Ok(key) = find_source(stores, state, source).await? else { return Ok(None) };
        Ok(stores.look(&key).await?.map(|found| found.size))
    }
}

/// What the message of an entity takes, in bytes, as it is sent to the first job.
fn message_bytes(selection: &Selection, nodes: &NodePlan, entity: &EntityId) -> u64 {
    let origins: Vec<JobName> = nodes.origins_of(entity).into_iter().map(|at| nodes.job(at).name.clone()).collect();
    let Some(job) = origins.first().cloned() else { return 0 };
    let target = Target { job, entity: entity.clone() };
    let wave = Wave { id: u64::MAX, origins, only: selection.only.clone() };
    let message = EntityMessage {
        refresh: selection.refresh.clone(),
        force: selection.force.clone(),
        ..EntityMessage::new(u64::MAX, RunId::new(now(), u32::MAX), target, nodes.digest, Base::Down(wave.into()))
    };
    wire::encode(&message).map_or(0, |body| body.len() as u64)
}

/// The mean of the sizes that could be told; none where none could. What may not be looked at tells none.
async fn mean(sizes: impl futures::Stream<Item = Result<Option<u64>, StorageError>>) -> anyhow::Result<Option<f64>> {
    let (mut sum, mut of) = (0.0, 0_u64);
    let mut sizes = std::pin::pin!(sizes);
    while let Some(size) = sizes.next().await {
        match size {
            Ok(Some(size)) => (sum, of) = (sum + size as f64, of + 1),
            Ok(None) => {}
            Err(error) if matches!(error.kind, StorageErrorKind::BadKey | StorageErrorKind::Denied) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((of > 0).then(|| sum / of as f64))
}
