//! The transforms of a simulation. Each output names the execution that made it; some transforms fail as planted.

use std::{collections::BTreeMap, future::pending, panic::resume_unwind, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    graph,
    incarnation::Incarnation,
    state::{CallEnd, Port, State},
    world::World,
};
use euterpe_actors::ids::EntityId;
use euterpe_actors::message::Target;
use euterpe_actors::outcome::Fault;
use euterpe_actors::plan::JobIx;
use euterpe_actors::storage::Content;
use euterpe_actors::transform::{Product, Transform, TransformFactory, Work};

/// How the transform of one target misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlantedFault {
    /// Fails this many times, then works.
    Fails(u32),
    /// Panics this many times, then works.
    Panics(u32),
    /// Hangs until its deadline this many times, then works.
    Hangs(u32),
    /// Fails each time.
    AlwaysFails,
    /// Fails for good.
    Fatal,
    /// Says that its input is bad.
    BadInput,
    /// Declines.
    Skips,
}

impl PlantedFault {
    /// Whether the target ends without an output.
    pub(super) fn is_final(self) -> bool {
        matches!(self, PlantedFault::AlwaysFails | PlantedFault::Fatal | PlantedFault::BadInput | PlantedFault::Skips)
    }
}

/// The planted faults of a simulation.
pub(super) type PlantedFaults = BTreeMap<(JobIx, EntityId), PlantedFault>;

/// Builds the transforms of one incarnation of a node.
pub(super) fn factory(
    world: &Arc<World>,
    incarnation: &Incarnation,
    planted_faults: &Arc<PlantedFaults>,
    job: JobIx,
) -> TransformFactory {
    let (world, incarnation, planted_faults) = (world.clone(), incarnation.clone(), planted_faults.clone());
    let recipe = world.state().versions.recipe(job); // a node does what it was started with
    Arc::new(move || {
        let (world, incarnation, planted_faults) = (world.clone(), incarnation.clone(), planted_faults.clone());
        Ok(Box::new(SimTransform { world, incarnation, planted_faults, job, recipe }))
    })
}

struct SimTransform {
    world: Arc<World>,
    incarnation: Incarnation,
    planted_faults: Arc<PlantedFaults>,
    job: JobIx,
    recipe: u32,
}

/// A transform at work, from its start to whatever ends it.
struct AtWork<'w> {
    world: &'w World,
    incarnation: &'w Incarnation,
    target: Target,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.world.state().log.leaves(self.incarnation, &self.target);
    }
}

enum TryEnd {
    Works,
    Fault(Fault),
    Panic,
    Hang,
}

impl SimTransform {
    /// What is planted for this try.
    fn try_end(&self, entity: &EntityId) -> TryEnd {
        let key = (self.job, entity.clone());
        let Some(planted) = self.planted_faults.get(&key).copied() else { return TryEnd::Works };
        let mut state = self.world.state();
        let failures = state.log.failures.entry(key).or_default();
        let (times, try_end) = match planted {
            PlantedFault::Fails(times) => (times, TryEnd::Fault(Fault::failed("planted"))),
            PlantedFault::Panics(times) => (times, TryEnd::Panic),
            PlantedFault::Hangs(times) => (times, TryEnd::Hang),
            PlantedFault::AlwaysFails => (u32::MAX, TryEnd::Fault(Fault::failed("planted, always"))),
            PlantedFault::Fatal => (u32::MAX, TryEnd::Fault(Fault::fatal("planted, for good"))),
            PlantedFault::BadInput => (u32::MAX, TryEnd::Fault(Fault::bad_input("planted, bad input"))),
            PlantedFault::Skips => (u32::MAX, TryEnd::Fault(Fault::skip("planted, declined"))),
        };
        if *failures >= times {
            return TryEnd::Works;
        }
        *failures += 1;
        try_end
    }
}

#[async_trait(?Send)]
impl Transform for SimTransform {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        if self.incarnation.is_over() {
            return pending().await;
        }
        let target = Target { job: graph::name(self.job.0), entity: work.entity.clone() };
        let mut inputs = Vec::with_capacity(work.inputs.len());
        for input in &work.inputs {
            let bytes = input.object.content.read().map_err(|error| Fault::failed(error.to_string()))?;
            inputs.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        let execution = {
            let mut state = self.world.state();
            let step = state.step;
            state.log.enters(&self.incarnation, self.job, &target, (step, self.recipe), inputs)
        };
        let at_work = AtWork { world: &self.world, incarnation: &self.incarnation, target };
        let try_end = self.try_end(&work.entity);
        if matches!(try_end, TryEnd::Hang) {
            return pending().await; // until the deadline drops it
        }
        let name = at_work.target.to_string();
        let works = matches!(try_end, TryEnd::Works);
        let finish =
            move |state: &mut State, end| state.log.executions[execution].succeeded = works && end == CallEnd::Succeeds;
        self.world.call(&self.incarnation, Port::Transform, name, finish).await;
        match try_end {
            TryEnd::Works => {
                let maker = {
                    let state = self.world.state();
                    let repeats = state.versions.repeating.contains(&self.job);
                    if repeats { state.log.first_alike(execution) } else { execution }
                };
                let content = Content::Bytes(Bytes::from(format!("x{maker}")));
                Ok(Product(vec![content; work.suffixes.len()]))
            }
            TryEnd::Fault(fault) => Err(fault),
            // Not `panic!`: ten thousand planted panics need no ten thousand reports.
            TryEnd::Panic => resume_unwind(Box::new("planted panic")),
            TryEnd::Hang => pending().await,
        }
    }
}
