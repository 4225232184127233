//! Nodes and jobs in memory, of which each test changes what it is about.

#![allow(dead_code)] // each of the test programs uses a part

pub mod wrapped;

use std::{collections::HashMap, sync::Arc, time::Duration};

use euterpe_actors::broker::Broker;
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::Unobserved;
use euterpe_actors::ids::StoreName;
use euterpe_actors::memory::Presence;
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Stores, memory::MemoryStorage};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::TransformFactory;

/// A node of its own over `broker`, with its records in memory and its clock at 0. Nobody watches it.
pub fn node(plan: &Arc<NodePlan>, broker: impl Broker + 'static, stores: Stores) -> NodeSettings {
    NodeSettings {
        plan: plan.clone(),
        stores,
        state: StateStore::new(Arc::new(MemoryStorage::default())),
        broker: Arc::new(broker),
        claims: None,
        observer: Arc::new(Unobserved),
        presence: Arc::new(Presence::up_to(1 << 20)),
        setup: None,
        name: "test".into(),
        salt: 7,
        scratch: std::env::temp_dir(),
        slots: HashMap::new(),
        served: None,
        isolate: false,
        clock: || 0,
        traces: None,
        recipes: Arc::default(),
        dates: None,
    }
}

/// The store of the jobs.
pub fn store() -> StoreName {
    StoreName::new("m").expect("a name")
}

/// A job with these parents, all of the same entity, whose output is `NAME/{id}.bin`: four workers, claims, ten minutes.
pub fn job(name: &str, parents: &[usize], transform: TransformFactory) -> JobSpec {
    let form = EntityForm::default();
    let input = |parent: &usize| InputPlan {
        name: format!("i{parent}").parse().expect("a name"),
        from: Route::Job { job: JobIx(*parent), output: 0, entity: Mapping::Same },
    };
    let key = Template::parse(&format!("{name}/{{id}}.bin"), &form).expect("a template");
    JobSpec {
        name: name.parse().expect("a name"),
        form,
        inputs: parents.iter().map(input).collect(),
        outputs: vec![OutputPlan { store: store(), key }],
        transform,
        workers: 4,
        timeout: Duration::from_secs(600),
        retry: RetryPolicy::default(),
        claim: true,
        settings: 0,
    }
}
