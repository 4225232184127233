//! Puts in place the sources and outputs that were there before a simulation starts.

use std::sync::Arc;

use bytes::Bytes;

use super::{execution_log::Execution, graph, scenario::Scenario, sim_storage::at_once, world::World};
use euterpe_actors::storage::{Content, Stamp, Storage};

/// Puts in place what was there before.
pub(super) fn put_existing_outputs(world: &Arc<World>, scenario: &Scenario) {
    let (sources, derived) =
        (&world.objects[&graph::store(graph::SOURCES)], &world.objects[&graph::store(graph::OUTPUTS)]);
    let put = |store: &euterpe_actors::storage::memory::MemoryStorage, path: &str, text: String, stamp| {
        let content = Content::Bytes(Bytes::from(text));
        at_once(store.store(path, content, stamp)).expect("a store in memory stores");
    };
    for track in scenario.tracks.iter().filter(|track| !scenario.sourceless.contains(*track)) {
        put(sources, &graph::source_path(track), format!("source {track}"), None);
    }
    for old in &scenario.existing {
        let plan = scenario.plan.job(old.job);
        let family = plan.ancestors.iter().map(|at| graph::name(at.0)).chain([plan.name.clone()]);
        let stamp = old.stamped.map(|run| {
            let runs = Arc::new(family.map(|name| (name, run)).collect());
            Stamp { job: plan.name.clone(), runs, entity: None, hash: String::new(), making: None }
        });
        let executions = &mut world.state().log.executions;
        let text = if old.stamped.is_some() { format!("x{}", executions.len()) } else { "foreign".to_owned() };
        if old.stamped.is_some() {
            let (job, entity) = (old.job, old.entity.clone());
            executions.push(Execution { job, entity, run: None, step: 0, inputs: None, recipe: 0, succeeded: true });
        }
        for path in graph::output_paths(&scenario.plan, old.job, &old.entity) {
            put(derived, &path, text.clone(), stamp.clone());
        }
    }
}
