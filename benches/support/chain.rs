//! A graph of jobs in a row, each made of the one before it, for benches of the flow.

use std::{path::PathBuf, sync::Arc, time::Duration};

use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Observer, Unobserved};
use euterpe_actors::ids::{EntityId, JobName, RunId, StoreName};
use euterpe_actors::memory::Presence;
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::node::Node;
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::pool::Drain;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Stores, memory::MemoryStorage};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::TransformFactory;
use euterpe_actors::wire;

/// The store of all outputs.
pub const STORE: &str = "m";

/// The name of the job at a place.
pub fn job(at: usize) -> JobName {
    JobName::new(&format!("j{at}")).expect("a name")
}

/// So many jobs with so many workers each; `transform` makes the transform of the job at a place.
pub fn plan(jobs: usize, workers: usize, transform: impl Fn(usize) -> TransformFactory) -> NodePlan {
    NodePlan::new((0..jobs).map(|at| spec(at, workers, transform(at))).collect())
}

/// The job at a place.
pub fn spec(at: usize, workers: usize, transform: TransformFactory) -> JobSpec {
    let form = EntityForm::default();
    JobSpec {
        name: job(at),
        form: form.clone(),
        inputs: (at > 0)
            .then(|| InputPlan {
                name: "in".parse().expect("a name"),
                from: Route::Job { job: JobIx(at - 1), output: 0, entity: Mapping::Same },
            })
            .into_iter()
            .collect(),
        outputs: vec![OutputPlan {
            store: StoreName::new(STORE).expect("a name"),
            key: Template::parse(&format!("j{at}/{{id}}.bin"), &form).expect("a template"),
        }],
        transform,
        workers,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::default(),
        claim: false,
        settings: 0,
    }
}

/// A node that runs `plan` over the embedded broker, with everything in memory.
#[allow(dead_code)] // not every bench has a node of its own
pub fn settings(plan: &Arc<NodePlan>, broker: &InProcess, scratch: PathBuf) -> NodeSettings {
    let memory = || Arc::new(MemoryStorage::default());
    NodeSettings {
        plan: plan.clone(),
        stores: Stores::new([(StoreName::new(STORE).expect("a name"), memory() as _)]),
        state: StateStore::new(memory()),
        broker: Arc::new(broker.clone()),
        claims: None,
        observer: Arc::new(Unobserved),
        presence: Arc::new(Presence::up_to(1 << 20)),
        setup: None,
        name: "bench".into(),
        salt: 1,
        scratch,
        slots: Default::default(),
        served: None,
        isolate: false,
        traces: None,
        recipes: Arc::default(),
        dates: None,
        clock: || 0,
    }
}

/// Sends so many entities through `plan`, at most a thousand at a time, until all of them are settled. Everything is on one
/// thread.
#[allow(dead_code)] // not every bench sends entities through a node of its own
pub fn flow(plan: NodePlan, entities: usize, observer: Arc<dyn Observer>) {
    let plan = Arc::new(plan);
    actix::System::new().block_on(async move {
        let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
        let node = Node::start(NodeSettings { observer, ..settings(&plan, &broker, std::env::temp_dir()) });
        let wave = Arc::new(Wave { id: 1, origins: vec![job(0)], only: None });
        for n in 0..entities {
            let entity = EntityId::new(&format!("t-{n:07}")).expect("an id");
            let target = Target { job: job(0), entity };
            let message = EntityMessage::new(n as u64, RunId::new(1, 0), target, plan.digest, Base::Down(wave.clone()));
            let body = wire::encode(&message).expect("it fits");
            broker.publish(vec![Outgoing::now(job(0), body)]).await.expect("published");
            broker.settled_to(1000).await;
        }
        broker.settled_to(0).await;
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
    });
}
