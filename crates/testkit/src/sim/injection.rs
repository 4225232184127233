//! Lets faults happen: to a node, to a store or the broker for a while, or to an output.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use rand::{Rng, seq::IndexedRandom};

use super::{
    cluster::Cluster, faults::InjectedFault, graph, incarnation::Incarnation, scenario::Scenario, sim_storage::at_once,
    world::World,
};
use euterpe_actors::ids::EntityId;
use euterpe_actors::storage::{Content, Storage};

/// Lets a fault happen. Returns whether it deleted an output.
pub(super) fn inject(fault: InjectedFault, world: &Arc<World>, cluster: &mut Cluster, scenario: &Scenario) -> bool {
    match fault {
        InjectedFault::Crash => {
            if let Some(node) = some_node(cluster, world) {
                world.state().crash(&node);
                cluster.crashed(&node, world);
            }
        }
        InjectedFault::Drain => {
            if let Some(node) = some_node(cluster, world) {
                let grace = *[0, 2, 60].choose(&mut world.state().rng).expect("not empty");
                cluster.drain(&node, Duration::from_secs(grace), world);
            }
        }
        InjectedFault::Zombie => {
            if let Some(node) = some_node(cluster, world) {
                world.state().queues.take_back(&node);
            }
        }
        InjectedFault::Deletion => return delete_something(world, scenario),
        InjectedFault::Replacement => {
            let there = scenario.tracks.iter().filter(|track| !scenario.sourceless.contains(*track));
            let tracks: Vec<&EntityId> = there.collect();
            let chosen = tracks.choose(&mut world.state().rng).copied();
            chosen.into_iter().for_each(|track| replace_source(world, track));
        }
        lasting => arm(lasting, world),
    }
    false
}

/// Arms a fault that strikes the next deliveries, publishes or calls.
fn arm(fault: InjectedFault, world: &World) {
    let state = &mut *world.state();
    let count = state.rng.random_range(1..=3);
    match fault {
        InjectedFault::Duplicates => state.armed.duplicates += count,
        InjectedFault::LostConfirm => state.armed.lost_confirms += 1,
        InjectedFault::RefusedPublish => state.armed.refused_publishes += 1,
        InjectedFault::Refusal => state.armed.refusals += count,
        InjectedFault::LostAnswer => state.armed.lost_answers += 1,
        InjectedFault::Stalls => state.armed.stalls += count,
        _ => {
            let stores = [graph::SOURCES, graph::OUTPUTS, graph::STATE];
            let store = graph::store(stores.choose(&mut state.rng).expect("not empty"));
            let span = Duration::from_millis(state.rng.random_range(10..30_000));
            state.armed.take_out(store, span);
        }
    }
}

fn some_node(cluster: &Cluster, world: &World) -> Option<Incarnation> {
    cluster.incarnations().choose(&mut world.state().rng).cloned()
}

/// Puts another file in the place of a track's source.
pub(super) fn replace_source(world: &World, track: &EntityId) {
    let text = {
        let state = &mut *world.state();
        let text = state.versions.replace(track);
        state.trace.note(format_args!("{} now {text}", state.step));
        text
    };
    let sources = &world.objects[&graph::store(graph::SOURCES)];
    let content = Content::Bytes(Bytes::from(text));
    at_once(sources.store(&graph::source_path(track), content, None)).expect("a store in memory stores");
}

/// Deletes all outputs of one target that has any. Returns whether there was one.
pub(super) fn delete_something(world: &World, scenario: &Scenario) -> bool {
    let store = &world.objects[&graph::store(graph::OUTPUTS)];
    let mut there = Vec::new();
    for (job, entity) in scenario.targets() {
        let keys = graph::output_paths(&scenario.plan, job, entity);
        if at_once(store.look(&keys[0])).is_ok_and(|found| found.is_some()) {
            there.push(keys);
        }
    }
    let Some(keys) = there.choose(&mut world.state().rng) else { return false };
    for key in keys {
        at_once(store.remove(key)).expect("a store in memory removes");
    }
    true
}
