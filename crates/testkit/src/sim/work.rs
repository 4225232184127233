//! The transforms of a simulation: what they make tells what they were made from, and some fail as planted.

use std::{collections::BTreeMap, future::pending, panic::resume_unwind, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    graph,
    life::Life,
    world::{Fate, Port, State, World},
};
use euterpe_actors::ids::EntityId;
use euterpe_actors::message::Target;
use euterpe_actors::outcome::Fault;
use euterpe_actors::plan::JobIx;
use euterpe_actors::storage::Content;
use euterpe_actors::transform::{Product, Transform, TransformFactory, Work};

/// How the transform of one target misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
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

impl Planted {
    /// Whether the target ends without an output.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Planted::AlwaysFails | Planted::Fatal | Planted::BadInput | Planted::Skips)
    }
}

/// The planted faults of a simulation.
pub(super) type Plants = BTreeMap<(JobIx, EntityId), Planted>;

/// Builds the transforms of one life of a node.
pub(super) fn factory(world: &Arc<World>, life: &Life, plants: &Arc<Plants>, job: JobIx) -> TransformFactory {
    let (world, life, plants) = (world.clone(), life.clone(), plants.clone());
    Arc::new(move || {
        let (world, life, plants) = (world.clone(), life.clone(), plants.clone());
        Ok(Box::new(SimTransform { world, life, plants, job }))
    })
}

struct SimTransform {
    world: Arc<World>,
    life: Life,
    plants: Arc<Plants>,
    job: JobIx,
}

/// A transform at work, from its start to whatever ends it.
struct AtWork<'w> {
    world: &'w World,
    life: &'w Life,
    target: Target,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.world.state().ledger.leaves(self.life, &self.target);
    }
}

enum Ending {
    Works,
    Fault(Fault),
    Panic,
    Hang,
}

impl SimTransform {
    /// What is planted for this try.
    fn ending(&self, entity: &EntityId) -> Ending {
        let place = (self.job, entity.clone());
        let Some(planted) = self.plants.get(&place).copied() else { return Ending::Works };
        let mut state = self.world.state();
        let failures = state.ledger.failures.entry(place).or_default();
        let (times, ending) = match planted {
            Planted::Fails(times) => (times, Ending::Fault(Fault::failed("planted"))),
            Planted::Panics(times) => (times, Ending::Panic),
            Planted::Hangs(times) => (times, Ending::Hang),
            Planted::AlwaysFails => (u32::MAX, Ending::Fault(Fault::failed("planted, always"))),
            Planted::Fatal => (u32::MAX, Ending::Fault(Fault::fatal("planted, for good"))),
            Planted::BadInput => (u32::MAX, Ending::Fault(Fault::bad_input("planted, bad input"))),
            Planted::Skips => (u32::MAX, Ending::Fault(Fault::skip("planted, declined"))),
        };
        if *failures >= times {
            return Ending::Works;
        }
        *failures += 1;
        ending
    }
}

#[async_trait(?Send)]
impl Transform for SimTransform {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        if self.life.is_over() {
            return pending().await;
        }
        let target = Target { job: graph::name(self.job.0), entity: work.entity.clone() };
        let mut inputs = Vec::with_capacity(work.inputs.len());
        for input in &work.inputs {
            let bytes = input.object.content.read().map_err(|error| Fault::failed(error.to_string()))?;
            inputs.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        let exec = {
            let mut state = self.world.state();
            let step = state.step;
            state.ledger.enters(&self.life, self.job, &target, step, inputs)
        };
        let at_work = AtWork { world: &self.world, life: &self.life, target };
        let ending = self.ending(&work.entity);
        if matches!(ending, Ending::Hang) {
            return pending().await; // until the deadline drops it
        }
        let name = at_work.target.to_string();
        let works = matches!(ending, Ending::Works);
        let finish = move |state: &mut State, fate| state.ledger.execs[exec].succeeded = works && fate == Fate::Works;
        self.world.call(&self.life, Port::Transform, name, finish).await;
        match ending {
            Ending::Works => {
                let content = Content::Bytes(Bytes::from(format!("x{exec}")));
                Ok(Product(vec![content; work.suffixes.len()]))
            }
            Ending::Fault(fault) => Err(fault),
            // Not `panic!`: ten thousand planted panics need no ten thousand reports.
            Ending::Panic => resume_unwind(Box::new("planted panic")),
            Ending::Hang => pending().await,
        }
    }
}
